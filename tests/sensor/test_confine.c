/* Tests the confinement of the capture process by trying what it must not be able to do.
 *
 * A child opens what a capture process has open, confines itself, tries one thing after the other
 * and reports the results through the one descriptor that it may write to.
 */
#include "tests/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/privileges.h"
#include "sensor/confine.h"

#define NOT_TRIED -1 /* there was nothing to try it on */

/* What the child has open. */
struct open_things {
	int channel;   /* the one that may be written to */
	int packets;   /* packet socket on lo; -1 when not root */
	int udp, file; /* opened before confinement */
	int readable;
	void *page; /* of memory, writable */
	struct sockaddr_ll lo;
};

static uint8_t frame[64] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0xb5 };

/* 0 when it could be done, or errno. */
static int done(long rc)
{
	return rc >= 0 ? 0 : errno;
}

static int on_packets(const struct open_things *o, long rc)
{
	int e = done(rc);

	return o->packets < 0 ? NOT_TRIED : e;
}

/* Files -------------------------------------------------------------------------------------- */

static int try_openat_read(const struct open_things *o)
{
	(void)o;
	return done(open("/etc/passwd", O_RDONLY));
}

static int try_openat_write(const struct open_things *o)
{
	(void)o;
	return done(open("/dev/null", O_WRONLY));
}

static int try_openat2(const struct open_things *o)
{
	const uint64_t how[3] = { O_RDONLY, 0, 0 };

	(void)o;
	return done(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof(how)));
}

#ifdef SYS_open
static int try_open(const struct open_things *o)
{
	(void)o;
	return done(syscall(SYS_open, "/etc/passwd", O_RDONLY));
}

static int try_creat(const struct open_things *o)
{
	(void)o;
	return done(syscall(SYS_creat, "/tmp/mailseal-confine", 0600));
}
#endif

static int try_unlink(const struct open_things *o)
{
	(void)o;
	return done(unlink("/tmp/mailseal-confine"));
}

static int try_rename(const struct open_things *o)
{
	(void)o;
	return done(rename("/tmp/mailseal-confine", "/tmp/mailseal-confined"));
}

static int try_mkdir(const struct open_things *o)
{
	(void)o;
	return done(mkdir("/tmp/mailseal-confine", 0700));
}

static int try_stat(const struct open_things *o)
{
	struct stat st;

	(void)o;
	return done(stat("/etc/passwd", &st));
}

static int try_readlink(const struct open_things *o)
{
	char text[64];

	(void)o;
	return done(readlink("/proc/self/exe", text, sizeof(text)));
}

static int try_memfd(const struct open_things *o)
{
	(void)o;
	return done(memfd_create("x", 0));
}

/* Writing ------------------------------------------------------------------------------------ */

static int try_write_file(const struct open_things *o)
{
	return done(write(o->file, "x", 1));
}

static int try_pwrite(const struct open_things *o)
{
	return done(pwrite(o->file, "x", 1, 0));
}

static int try_writev(const struct open_things *o)
{
	struct iovec v = { frame, 1 };

	return done(writev(o->file, &v, 1));
}

static int try_sendfile(const struct open_things *o)
{
	return done(sendfile(o->file, o->readable, NULL, 1));
}

static int try_ftruncate(const struct open_things *o)
{
	return done(ftruncate(o->file, 0));
}

static int try_dup(const struct open_things *o)
{
	return done(dup(o->file));
}

/* The descriptor that may be written to must not become another one. */
static int try_dup_over_channel(const struct open_things *o)
{
	return done(dup2(o->file, o->channel));
}

static int try_write_packet(const struct open_things *o)
{
	return on_packets(o, write(o->packets, frame, sizeof(frame)));
}

static int try_send_packet(const struct open_things *o)
{
	return on_packets(o, send(o->packets, frame, sizeof(frame), 0));
}

static int try_sendto_packet(const struct open_things *o)
{
	return on_packets(o, sendto(o->packets, frame, sizeof(frame), 0,
				    (const struct sockaddr *)&o->lo, sizeof(o->lo)));
}

static int try_sendmsg_packet(const struct open_things *o)
{
	struct iovec v = { frame, sizeof(frame) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return on_packets(o, sendmsg(o->packets, &m, 0));
}

static int try_sendmmsg_packet(const struct open_things *o)
{
	struct iovec v = { frame, sizeof(frame) };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &v, .msg_iovlen = 1 } };

	return on_packets(o, sendmmsg(o->packets, &m, 1, 0));
}

static int try_setsockopt_packet(const struct open_things *o)
{
	int one = 1;

	return on_packets(o, setsockopt(o->packets, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
}

static int try_ioctl_packet(const struct open_things *o)
{
	struct ifreq r = { .ifr_name = "lo" };

	return on_packets(o, ioctl(o->packets, SIOCSIFFLAGS, &r));
}

/* Sockets ------------------------------------------------------------------------------------ */

static int try_socket_inet(const struct open_things *o)
{
	(void)o;
	return done(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_socket_inet6(const struct open_things *o)
{
	(void)o;
	return done(socket(AF_INET6, SOCK_DGRAM, 0));
}

static int try_socket_unix(const struct open_things *o)
{
	(void)o;
	return done(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_socket_packet(const struct open_things *o)
{
	(void)o;
	return done(socket(AF_PACKET, SOCK_RAW, 0));
}

static int try_socket_netlink(const struct open_things *o)
{
	(void)o;
	return done(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int try_socketpair(const struct open_things *o)
{
	int fds[2];

	(void)o;
	return done(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static struct sockaddr_in discard(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(9),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static int try_connect(const struct open_things *o)
{
	struct sockaddr_in a = discard();

	return done(connect(o->udp, (const struct sockaddr *)&a, sizeof(a)));
}

static int try_bind(const struct open_things *o)
{
	struct sockaddr_in a = discard();

	a.sin_port = 0;
	return done(bind(o->udp, (const struct sockaddr *)&a, sizeof(a)));
}

static int try_sendto_udp(const struct open_things *o)
{
	struct sockaddr_in a = discard();

	return done(sendto(o->udp, "x", 1, 0, (const struct sockaddr *)&a, sizeof(a)));
}

/* Processes ---------------------------------------------------------------------------------- */

static int try_execve(const struct open_things *o)
{
	static char name[] = "/bin/true";
	char *const argv[] = { name, NULL };

	(void)o;
	return done(execve(name, argv, NULL));
}

static int child_or(long pid)
{
	if (pid == 0)
		_exit(0);
	return done(pid);
}

static int try_fork(const struct open_things *o)
{
	(void)o;
	return child_or(fork());
}

static int try_clone(const struct open_things *o)
{
	(void)o;
	return child_or(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int try_kill_parent(const struct open_things *o)
{
	(void)o;
	return done(kill(getppid(), SIGWINCH)); /* which nobody minds */
}

static int try_kill_self(const struct open_things *o)
{
	(void)o;
	return done(kill(getpid(), SIGWINCH));
}

static int try_ptrace(const struct open_things *o)
{
	(void)o;
	return done(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int try_ptrace_traceme(const struct open_things *o)
{
	(void)o;
	return done(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_vm_write(const struct open_things *o)
{
	struct iovec v = { frame, 1 };

	(void)o;
	return done(process_vm_writev(getpid(), &v, 1, &v, 1, 0));
}

/* Memory ------------------------------------------------------------------------------------- */

static int try_mmap_exec(const struct open_things *o)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)o;
	return p == MAP_FAILED ? errno : 0;
}

static int try_mmap_write_exec(const struct open_things *o)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	(void)o;
	return p == MAP_FAILED ? errno : 0;
}

static int try_mprotect_exec(const struct open_things *o)
{
	return done(mprotect(o->page, 4096, PROT_READ | PROT_EXEC));
}

static int try_pkey_mprotect_exec(const struct open_things *o)
{
	return done(syscall(SYS_pkey_mprotect, o->page, 4096, PROT_READ | PROT_EXEC, -1));
}

/* Privileges --------------------------------------------------------------------------------- */

static int try_setuid(const struct open_things *o)
{
	(void)o;
	return done(setuid(0));
}

static int try_setgid(const struct open_things *o)
{
	(void)o;
	return done(setgid(0));
}

static int try_setresuid(const struct open_things *o)
{
	(void)o;
	return done(setresuid(0, 0, 0));
}

static int try_dumpable(const struct open_things *o)
{
	(void)o;
	return done(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int try_setrlimit(const struct open_things *o)
{
	const struct rlimit r = { 0, 0 };

	(void)o;
	return done(setrlimit(RLIMIT_CORE, &r));
}

static int try_unshare(const struct open_things *o)
{
	(void)o;
	return done(unshare(CLONE_NEWUSER));
}

static int try_bpf(const struct open_things *o)
{
	(void)o;
	return done(syscall(SYS_bpf, 0, NULL, 0));
}

static int try_io_uring(const struct open_things *o)
{
	uint32_t params[30] = { 0 };

	(void)o;
	return done(syscall(SYS_io_uring_setup, 1, params));
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

static int do_interface_flags(const struct open_things *o)
{
	struct ifreq r = { .ifr_name = "lo" };

	return on_packets(o, ioctl(o->packets, SIOCGIFFLAGS, &r));
}

static int do_close(const struct open_things *o)
{
	return done(close(o->readable));
}

struct attempt {
	const char *name;
	int (*act)(const struct open_things *o);
};

static const struct attempt refused[] = {
	{ "openat to read", try_openat_read },
	{ "openat to write", try_openat_write },
	{ "openat2", try_openat2 },
#ifdef SYS_open
	{ "open", try_open },
	{ "creat", try_creat },
#endif
	{ "unlink", try_unlink },
	{ "rename", try_rename },
	{ "mkdir", try_mkdir },
	{ "stat", try_stat },
	{ "readlink", try_readlink },
	{ "memfd_create", try_memfd },
	{ "write to a file that is open", try_write_file },
	{ "pwrite", try_pwrite },
	{ "writev", try_writev },
	{ "sendfile", try_sendfile },
	{ "ftruncate", try_ftruncate },
	{ "dup", try_dup },
	{ "dup2 over the channel", try_dup_over_channel },
	{ "write on the packet socket", try_write_packet },
	{ "send on the packet socket", try_send_packet },
	{ "sendto on the packet socket", try_sendto_packet },
	{ "sendmsg on the packet socket", try_sendmsg_packet },
	{ "sendmmsg on the packet socket", try_sendmmsg_packet },
	{ "setsockopt on the packet socket", try_setsockopt_packet },
	{ "SIOCSIFFLAGS", try_ioctl_packet },
	{ "socket AF_INET", try_socket_inet },
	{ "socket AF_INET6", try_socket_inet6 },
	{ "socket AF_UNIX", try_socket_unix },
	{ "socket AF_PACKET", try_socket_packet },
	{ "socket AF_NETLINK", try_socket_netlink },
	{ "socketpair", try_socketpair },
	{ "connect", try_connect },
	{ "bind", try_bind },
	{ "sendto on a socket that is open", try_sendto_udp },
	{ "execve", try_execve },
	{ "fork", try_fork },
	{ "clone", try_clone },
	{ "kill the parent", try_kill_parent },
	{ "kill itself", try_kill_self },
	{ "ptrace the parent", try_ptrace },
	{ "ptrace TRACEME", try_ptrace_traceme },
	{ "process_vm_writev", try_vm_write },
	{ "mmap to execute", try_mmap_exec },
	{ "mmap to write and execute", try_mmap_write_exec },
	{ "mprotect to execute", try_mprotect_exec },
	{ "pkey_mprotect to execute", try_pkey_mprotect_exec },
	{ "setuid 0", try_setuid },
	{ "setgid 0", try_setgid },
	{ "setresuid 0", try_setresuid },
	{ "PR_SET_DUMPABLE", try_dumpable },
	{ "setrlimit", try_setrlimit },
	{ "unshare", try_unshare },
	{ "bpf", try_bpf },
	{ "io_uring_setup", try_io_uring },
};

static const struct attempt needed[] = {
	{ "read", do_read },
	{ "poll", do_poll },
	{ "clock_gettime", do_clock },
	{ "malloc", do_malloc },
	{ "PACKET_STATISTICS", do_statistics },
	{ "SIOCGIFFLAGS", do_interface_flags },
	{ "close", do_close },
};

#define REFUSED (sizeof(refused) / sizeof(refused[0]))
#define NEEDED  (sizeof(needed) / sizeof(needed[0]))

/* The child ---------------------------------------------------------------------------------- */

static int packet_socket(struct sockaddr_ll *lo)
{
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	lo->sll_family = AF_PACKET;
	lo->sll_protocol = htons(ETH_P_ALL);
	lo->sll_ifindex = (int)if_nametoindex("lo");
	lo->sll_halen = 6;
	if (fd >= 0)
		assert_int_equal(bind(fd, (const struct sockaddr *)lo, sizeof(*lo)), 0);
	return fd;
}

static void open_all(struct open_things *o, int channel)
{
	memset(o, 0, sizeof(*o));
	o->channel = channel;
	o->packets = packet_socket(&o->lo);
	o->udp = socket(AF_INET, SOCK_DGRAM, 0);
	o->file = open("/dev/null", O_WRONLY);
	o->readable = open("/dev/zero", O_RDONLY);
	o->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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

/* Reports a number for each attempt; the child's exit code says whether it got that far. */
static int child(bool as_root, int channel)
{
	struct open_things o;

	open_all(&o, channel);
	if (!confine(as_root, channel))
		return 3;
	for (size_t i = 0; i < REFUSED + NEEDED; i++) {
		const struct attempt *a = i < REFUSED ? &refused[i] : &needed[i - REFUSED];
		int result = a->act(&o);

		if (write(channel, &result, sizeof(result)) != sizeof(result))
			return 4;
	}
	return 0;
}

/* Runs the child and fills results; returns how many there are. */
static size_t run_child(bool as_root, int results[REFUSED + NEEDED], int *status)
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
	while (n < REFUSED + NEEDED &&
	       read(fds[0], &results[n], sizeof(results[0])) == sizeof(results[0]))
		n++;
	close(fds[0]);
	assert_int_equal(waitpid(pid, status, 0), pid);
	return n;
}

static void try_everything(bool as_root)
{
	int results[REFUSED + NEEDED], status;
	size_t n = run_child(as_root, results, &status);

	for (size_t i = 0; i < n; i++) {
		const char *name = i < REFUSED ? refused[i].name : needed[i - REFUSED].name;
		int wanted = i < REFUSED ? EPERM : 0;

		if (results[i] == NOT_TRIED && geteuid() != 0)
			continue;
		if (results[i] != wanted)
			fail_msg("%s: %s", name, results[i] ? strerror(results[i]) : "it works");
	}
	assert_int_equal(n, REFUSED + NEEDED);
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
