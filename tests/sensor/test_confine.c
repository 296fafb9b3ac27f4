/* Tests the confinement of the capture process by trying what it must not be able to do.
 *
 * A child opens what a capture process has open, confines itself, tries one thing after the other
 * and reports the results through the one descriptor that it may write to.
 */
#include "tests/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/privileges.h"
#include "sensor/confine.h"
#include "tests/sensor/attempts.h"

static int done(long rc)
{
	return rc >= 0 ? 0 : errno;
}

static int on_packets(const struct open_things *o, long rc)
{
	int e = done(rc);

	return o->packets < 0 ? ATTEMPT_NONE : e;
}

/* What it must still be able to do ----------------------------------------------------------- */

static int do_read(const struct open_things *o)
{
	char byte;

	return done(read(o->readable, &byte, 1) == 1 ? 0 : -1);
}

static int do_poll(const struct open_things *o)
{
	struct pollfd p = { o->channel, POLLOUT, 0 };

	return done(poll(&p, 1, 10));
}

static int do_clock(const struct open_things *o)
{
	struct timespec t;

	(void)o;
	return done(syscall(SYS_clock_gettime, CLOCK_REALTIME, &t));
}

static int do_malloc(const struct open_things *o)
{
	(void)o;
	for (size_t n = 16; n < 64u << 20; n *= 4) {
		uint8_t *p = malloc(n);

		if (!p)
			return ENOMEM;
		memset(p, 1, n);
		free(p);
	}
	return 0;
}

static int do_statistics(const struct open_things *o)
{
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof(stats);

	return on_packets(o, getsockopt(o->packets, SOL_PACKET, PACKET_STATISTICS, &stats, &len));
}

static int do_socket_error(const struct open_things *o)
{
	int e;
	socklen_t len = sizeof(e);

	return on_packets(o, getsockopt(o->packets, SOL_SOCKET, SO_ERROR, &e, &len));
}

static int do_interface_flags(const struct open_things *o)
{
	struct ifreq r = { .ifr_name = "lo" };

	return on_packets(o, ioctl(o->packets, SIOCGIFFLAGS, &r));
}

static int do_close(const struct open_things *o)
{
	return done(close(o->readable));
}

static const struct attempt needed[] = {
	{ "read", do_read, 0 },
	{ "poll", do_poll, 0 },
	{ "clock_gettime", do_clock, 0 },
	{ "malloc", do_malloc, 0 },
	{ "PACKET_STATISTICS", do_statistics, 0 },
	{ "SO_ERROR", do_socket_error, 0 },
	{ "SIOCGIFFLAGS", do_interface_flags, 0 },
	{ "close", do_close, 0 },
};

#define NEEDED (sizeof(needed) / sizeof(needed[0]))

/* The child ---------------------------------------------------------------------------------- */

static int packet_socket(void)
{
	const struct sockaddr_ll lo = { .sll_family = AF_PACKET,
					.sll_protocol = htons(ETH_P_ALL),
					.sll_ifindex = (int)if_nametoindex("lo") };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (fd >= 0)
		assert_int_equal(bind(fd, (const struct sockaddr *)&lo, sizeof(lo)), 0);
	return fd;
}

static bool become(uid_t uid, gid_t gid)
{
	return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	       setresuid(uid, uid, uid) == 0;
}

static bool confine(bool as_root, int channel)
{
	char err[256];
	uid_t uid = 0;
	gid_t gid = 0;

	if (!privileges_find_user("", "nobody", &uid, &gid))
		return false;
	if (!as_root && geteuid() == 0 && !become(uid, gid))
		return false;
	return privileges_drop(as_root, uid, gid, GROUPS_NONE, err, sizeof(err)) &&
	       confine_capture(channel, err, sizeof(err));
}

static const struct attempt *attempt(size_t i)
{
	return i < attempts_n ? &attempts[i] : &needed[i - attempts_n];
}

/* Reports a number for each attempt; the child's exit code says whether it got that far. */
static int child(bool as_root, int channel)
{
	struct open_things o;

	open_things_init(&o, channel, packet_socket());
	if (!confine(as_root, channel))
		return 3;
	for (size_t i = 0; i < attempts_n + NEEDED; i++) {
		int result = attempt(i)->act(&o);

		if (write(channel, &result, sizeof(result)) != sizeof(result))
			return 4;
	}
	return 0;
}

/* Runs the child and fills results, of which there is room for all; returns how many there are. */
static size_t run_child(bool as_root, int *results, int *status)
{
	size_t n = 0;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		_exit(child(as_root, fds[1]));
	}
	close(fds[1]);
	while (n < attempts_n + NEEDED &&
	       read(fds[0], &results[n], sizeof(results[0])) == sizeof(results[0]))
		n++;
	close(fds[0]);
	assert_int_equal(waitpid(pid, status, 0), pid);
	return n;
}

static void try_everything(bool as_root)
{
	int *results = calloc(attempts_n + NEEDED, sizeof(*results)), status;
	size_t n;

	assert_non_null(results);
	n = run_child(as_root, results, &status);
	for (size_t i = 0; i < n; i++) {
		bool well = i < attempts_n ? attempt_refused(results[i])
					   : results[i] == 0 || results[i] == ATTEMPT_NONE;

		if (!well)
			fail_msg("%s: %s", attempt(i)->name,
				 results[i] ? strerror(results[i]) : "it works");
		assert_true(results[i] != ATTEMPT_NONE || geteuid() != 0);
	}
	free(results);
	assert_int_equal(n, attempts_n + NEEDED);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* cmocka's own skip() is a failure to a TAP harness. */
static bool not_tried(const char *why)
{
	printf("# not tried: %s\n", why);
	return true;
}

static bool does_not_confine(void)
{
#ifdef WITHOUT_CONFINEMENT
	return not_tried("this build does not confine itself");
#else
	return false;
#endif
}

static void started_as_root_it_can_do_nothing_else(void **state)
{
	(void)state;
	if (does_not_confine() ||
	    (geteuid() != 0 && not_tried("only root can drop its privileges")))
		return;
	try_everything(true);
}

static void started_by_anybody_it_can_do_nothing_else(void **state)
{
	(void)state;
	if (!does_not_confine())
		try_everything(false);
}

/* Without the filter: what is gone for good all the same. ------------------------------------ */

static bool no_capabilities(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) != 0)
		return false;
	return (d[0].effective | d[0].permitted | d[0].inheritable | d[1].effective |
		d[1].permitted | d[1].inheritable) == 0;
}

static bool bounding_set_is_empty(void)
{
	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return false;
	}
	return true;
}

/* 0, or which of the things that must hold does not. */
static int check_privileges(bool root, uid_t uid, gid_t gid)
{
	struct rlimit core;
	uid_t u[3];
	gid_t g[3];
	char err[256];

	if (!privileges_drop(root, uid, gid, GROUPS_NONE, err, sizeof(err)))
		return 1;
	if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0)
		return 2;
	if (root && (u[0] != uid || u[1] != uid || u[2] != uid))
		return 3;
	if (root && (g[0] != gid || g[1] != gid || g[2] != gid || getgroups(0, NULL) != 0))
		return 4;
	if (!no_capabilities() || (root && !bounding_set_is_empty()))
		return 5;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 6;
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0)
		return 7;
	return root && setuid(0) == 0 ? 8 : 0;
}

static int in_a_child(bool root, uid_t uid, gid_t gid)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(check_privileges(root, uid, gid));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void privileges_are_gone_for_good(void **state)
{
	uid_t uid;
	gid_t gid;

	(void)state;
	if (does_not_confine())
		return;
	assert_true(privileges_find_user("", "nobody", &uid, &gid));
	assert_int_equal(in_a_child(geteuid() == 0, uid, gid), 0);
}

static void a_user_is_found_or_not(void **state)
{
	struct passwd *nobody = getpwnam("nobody");
	uid_t nobody_uid, uid = 99;
	gid_t gid = 99;

	(void)state;
	assert_non_null(nobody);
	nobody_uid = nobody->pw_uid;
	assert_true(privileges_find_user("nobody", NULL, &uid, &gid));
	assert_int_equal(uid, nobody_uid);
	assert_true(privileges_find_user("no-such-user", "nobody", &uid, &gid));
	assert_int_equal(uid, nobody_uid);
	assert_true(privileges_find_user("", "nobody", &uid, &gid));
	assert_false(privileges_find_user("no-such-user", NULL, &uid, &gid));
	assert_false(privileges_find_user("no-such-user", "nor-this-one", &uid, &gid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(started_as_root_it_can_do_nothing_else),
		cmocka_unit_test(started_by_anybody_it_can_do_nothing_else),
		cmocka_unit_test(privileges_are_gone_for_good),
		cmocka_unit_test(a_user_is_found_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
