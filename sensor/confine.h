/* confine.h - what a process may still do once it has opened what it needs.
 *
 * The capture process parses hostile bytes: it keeps no capability, no root, and a system call
 * filter under which it can open nothing, connect nowhere, start nothing, signal no one, and
 * write to one descriptor only. A write to a packet socket would put a frame on the wire
 * (capabilities do not prevent that), so the filter looks at the descriptor.
 *
 * The only place that knows libcap-ng and libseccomp.
 */
#ifndef MAILSEAL_CONFINE_H
#define MAILSEAL_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The user to become when started as root: the one configured, if there is one of that name;
 * otherwise fallback. False when there is neither. */
bool confine_find_user(const char *configured, const char *fallback, uid_t *uid, gid_t *gid);

/* Gives up root (for uid and gid, when running as root), every capability, new privileges, core
 * dumps and being traced. False with a sentence in err: the process must not go on. */
bool confine_privileges(bool change_user, uid_t uid, gid_t gid, char *err, size_t errlen);

/* The system call filter of the capture process. write_fd is the only descriptor that can be
 * written to. Refused calls fail with EPERM. */
bool confine_capture(int write_fd, char *err, size_t errlen);

#endif
