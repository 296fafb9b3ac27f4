#include "sensor/confine.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef WITHOUT_CONFINEMENT

bool confine_capture(int write_fd, char *err, size_t errlen)
{
	(void)write_fd;
	(void)err;
	(void)errlen;
	return true;
}

#else

/* Reading what is open, time, waiting, memory, and the end. */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(futex),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fstat),
};

static struct scmp_arg_cmp equals(unsigned arg, uint64_t value)
{
	return (struct scmp_arg_cmp){ .arg = arg, .op = SCMP_CMP_EQ, .datum_a = value };
}

static struct scmp_arg_cmp bits(unsigned arg, uint64_t mask, uint64_t value)
{
	return (struct scmp_arg_cmp){
		.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value
	};
}

static bool allow(scmp_filter_ctx f, int call, const struct scmp_arg_cmp *conditions, unsigned n)
{
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, n, conditions) == 0;
}

/* The kernel's drop counters, and the error of an interface that went away. */
static bool allow_getsockopt(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp statistics[] = { equals(1, SOL_PACKET),
						   equals(2, PACKET_STATISTICS) };
	const struct scmp_arg_cmp error[] = { equals(1, SOL_SOCKET), equals(2, SO_ERROR) };

	return allow(f, SCMP_SYS(getsockopt), statistics, 2) &&
	       allow(f, SCMP_SYS(getsockopt), error, 2);
}

/* More memory, but none of a file and none to execute. */
static bool allow_memory(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp map[] = { bits(2, PROT_EXEC, 0),
					    bits(3, MAP_ANONYMOUS, MAP_ANONYMOUS) };

	return allow(f, SCMP_SYS(mmap), map, 2) && allow(f, SCMP_SYS(mprotect), map, 1);
}

static bool allow_write(scmp_filter_ctx f, int fd)
{
	const struct scmp_arg_cmp to = equals(0, (uint64_t)fd);

	return allow(f, SCMP_SYS(write), &to, 1);
}

static bool add_rules(scmp_filter_ctx f, int write_fd)
{
	const struct scmp_arg_cmp flags = equals(1, SIOCGIFFLAGS);

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (!allow(f, allowed[i], NULL, 0))
			return false;
	}
#ifdef WITH_SANITIZERS
	/* A report that cannot be written helps nobody. */
	if (!allow_write(f, STDERR_FILENO))
		return false;
#endif
	return allow_write(f, write_fd) && allow_memory(f) && allow_getsockopt(f) &&
	       allow(f, SCMP_SYS(ioctl), &flags, 1);
}

/* Every refusal is told to the kernel's log. A call by the numbers of another architecture can only be
 * meant to deceive the filter, and ends the process. */
static bool set_attributes(scmp_filter_ctx f)
{
	return seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
	       seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1) == 0 &&
	       seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
}

static bool load_filter(int write_fd)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool ok = f && set_attributes(f) && add_rules(f, write_fd) && seccomp_load(f) == 0;

	seccomp_release(f);
	return ok;
}

/* What the filter refuses is refused once more: no process begins, no file grows, unless it is the
 * report of a sanitizer. */
static bool limit(void)
{
	const struct rlimit none = { 0, 0 };

#ifndef WITH_SANITIZERS
	if (setrlimit(RLIMIT_FSIZE, &none) != 0)
		return false;
#endif
	return setrlimit(RLIMIT_NPROC, &none) == 0;
}

bool confine_capture(int write_fd, char *err, size_t errlen)
{
	if (!limit()) {
		snprintf(err, errlen, "the capture process cannot be limited: %s", strerror(errno));
		return false;
	}
	if (!load_filter(write_fd)) {
		snprintf(err, errlen, "the system call filter cannot be loaded");
		return false;
	}
	return true;
}

#endif
