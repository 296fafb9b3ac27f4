/* recorder_process.h - the process that keeps what is kept: drops every privilege, answers signals, and
 * waits for the capture process. */
#ifndef MAILSEAL_RECORDER_PROCESS_H
#define MAILSEAL_RECORDER_PROCESS_H

#include <sys/types.h>

#include "sensor/process.h"

/* Records what the capture process sends until it ends. Returns the exit code of the program. */
int recorder_process(const struct run *r, pid_t capture);

#endif
