/* privileges.h - a process gives up what it does not need.
 *
 * The only place that knows libcap-ng.
 */
#ifndef MAILSEAL_PRIVILEGES_H
#define MAILSEAL_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The user to become when started as root: the one configured, if there is one of that name;
 * otherwise fallback. False when there is neither. */
bool privileges_find_user(const char *configured, const char *fallback, uid_t *uid, gid_t *gid);

/* Which groups somebody who was root is in, besides that of the user. */
enum privileges_groups { GROUPS_NONE, GROUPS_OF_USER };

/* Gives up root (for uid and gid, when running as root), every capability, new privileges, core
 * dumps and being traced. False with a sentence in err: the process must not go on. */
bool privileges_drop(bool change_user, uid_t uid, gid_t gid, enum privileges_groups groups,
		     char *err, size_t errlen);

#endif
