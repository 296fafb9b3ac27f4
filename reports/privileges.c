/* privileges.c - a process gives up what it does not need. */
#include "reports/privileges.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cap-ng.h>

bool privileges_find_user(const char *configured, const char *fallback, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = configured[0] ? getpwnam(configured) : NULL;

	if (!pw && fallback)
		pw = getpwnam(fallback);
	if (!pw)
		return false;
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return true;
}

static bool drop_capabilities(bool change_user, uid_t uid, gid_t gid, enum privileges_groups groups)
{
	int how = CAPNG_CLEAR_BOUNDING |
		  (groups == GROUPS_NONE ? CAPNG_DROP_SUPP_GRP : CAPNG_INIT_SUPP_GRP);

	capng_clear(CAPNG_SELECT_BOTH);
	if (change_user)
		return capng_change_id((int)uid, (int)gid, (capng_flags_t)how) == 0;
	if (geteuid() == 0)
		return capng_apply(CAPNG_SELECT_BOTH) == 0;
	return capng_apply(CAPNG_SELECT_CAPS) == 0; /* the bounding set is not ours to change */
}

bool privileges_drop(bool change_user, uid_t uid, gid_t gid, enum privileges_groups groups,
		     char *err, size_t errlen)
{
	const struct rlimit none = { 0, 0 };

#ifdef WITHOUT_CONFINEMENT
	change_user = false; /* the counts of coverage are files of the user who built it */
#endif
	if (!drop_capabilities(change_user && geteuid() == 0, uid, gid, groups)) {
		snprintf(err, errlen, "privileges cannot be dropped: %s", strerror(errno));
		return false;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
		snprintf(err, errlen, "the process cannot be confined: %s", strerror(errno));
		return false;
	}
	return true;
}
