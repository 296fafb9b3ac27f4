/* stoppable.h - a file that may keep its reader waiting: a pipe, a FIFO, a terminal, a socket.
 *
 * A read waits for bytes or for the order to stop, whichever comes first; after the order the
 * file is at its end. Knows nothing of what is in it.
 */
#ifndef MAILSEAL_STOPPABLE_H
#define MAILSEAL_STOPPABLE_H

#include <stdbool.h>
#include <stdio.h>

/* The order: fd becomes readable or is closed at its other end. -1: nobody can give one yet. */
struct stop {
	int fd;
	bool told; /* set when a read was ended by it */
};

/* True for standard input ("-") and for what is neither a regular file nor a directory. */
bool stoppable_is(const char *name);

/* Opens it to be read; stop is borrowed until fclose(). NULL: errno says why. To open a FIFO
 * waits for somebody who writes to it. */
FILE *stoppable_open(const char *name, struct stop *stop);

#endif
