/* attempts.h - what somebody would try who has taken over the capture process.
 *
 * Each attempt is made with what such a process has open, and with descriptors that it should not
 * even have. None needs memory or a file of its own, so that all can be made when everything else is
 * forbidden. The same attempts made without the filter show that they would work.
 */
#ifndef MAILSEAL_TESTS_ATTEMPTS_H
#define MAILSEAL_TESTS_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/if_packet.h>

/* What can be had before the confinement. */
struct open_things {
	int channel;           /* the one that may be written to */
	int packets;           /* packet socket; -1 when there is none */
	int udp, file;         /* opened before confinement */
	int readable;          /* endless */
	void *page;            /* of memory, writable */
	struct sockaddr_ll to; /* where a frame would go */
	pid_t pid, parent;
};

/* What packets is set to, is taken for the socket of a capture. */
void open_things_init(struct open_things *o, int channel, int packets);

#define ATTEMPT_NONE (-1) /* there was nothing to try it on */
#define ATTEMPT_ANY  (-2) /* as "without": whatever the kernel says, but not EPERM */
#define ATTEMPT_OPEN (-3) /* as "without": that is up to the machine */

/* act: 0 when it could be done, errno, or ATTEMPT_NONE. without: what comes of it without a filter,
 * for root. */
struct attempt {
	const char *name;
	int (*act)(const struct open_things *o);
	int without;
};

/* What must be refused, with EPERM. */
extern const struct attempt attempts[];
extern const size_t attempts_n;

/* Whether that is what should have come of it. */
bool attempt_refused(int result);
bool attempt_unfiltered(const struct attempt *a, int result);

/* The ethertype of every frame that an attempt would send. */
#define ATTEMPT_ETHERTYPE 0x88b5

#endif
