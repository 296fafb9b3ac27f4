/* capture_process.h - the process that reads packets: opens everything, confines itself, and only then
 * reads the first one. */
#ifndef MAILSEAL_CAPTURE_PROCESS_H
#define MAILSEAL_CAPTURE_PROCESS_H

#include "sensor/process.h"

/* Opens, tells the recorder, waits for it, confines itself, and reads until told to stop or there is
 * no more. Returns the exit code of the process; what went wrong before it could read was said. */
int capture_process(const struct run *r);

#endif
