/* signals.h - what the recorder process is asked for by signals.
 *
 * SIGTERM and SIGINT close the pipe that tells the capture process to stop, at once; after two
 * seconds, and then once a second, a system call that still waits is interrupted, so that nobody
 * who does not read what is written keeps the program from ending. SIGHUP and SIGUSR1 are
 * remembered until they are asked for.
 */
#ifndef MAILSEAL_SIGNALS_H
#define MAILSEAL_SIGNALS_H

#include <stdbool.h>

/* SIGUSR1 and, if so asked, SIGHUP are remembered from now on. */
void signals_remember(bool hangup);

void signals_own(int order_fd); /* closed by signals_stop(), or by a signal */
void signals_handle(void);      /* all of them, from now on */

/* Has anything of the rest come since the last time? Cheap. */
bool signals_any(void);
bool signals_hangup(void); /* SIGHUP, once for any number of them */
bool signals_reopen(void); /* SIGUSR1, the same */
bool signals_stopping(void);

void signals_stop(void);

/* Nothing is interrupted any more. */
void signals_calm(void);

#endif
