#include "sensor/confine.h"

#include <errno.h>
#include <net/if.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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
	SCMP_SYS(getsockopt), /* the kernel's drop counters; errors of an interface */
};

static struct scmp_arg_cmp when(unsigned arg, enum scmp_compare op, uint64_t a, uint64_t b)
{
	return (struct scmp_arg_cmp){ .arg = arg, .op = op, .datum_a = a, .datum_b = b };
}

static bool allow_when(scmp_filter_ctx f, int call, struct scmp_arg_cmp condition)
{
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &condition) == 0;
}

static bool allow_with_arguments(scmp_filter_ctx f, int write_fd)
{
	struct scmp_arg_cmp no_exec = when(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

	return allow_when(f, SCMP_SYS(write), when(0, SCMP_CMP_EQ, (uint64_t)write_fd, 0)) &&
	       allow_when(f, SCMP_SYS(ioctl), when(1, SCMP_CMP_EQ, SIOCGIFFLAGS, 0)) &&
	       allow_when(f, SCMP_SYS(mmap), no_exec) && allow_when(f, SCMP_SYS(mprotect), no_exec);
}

static bool add_rules(scmp_filter_ctx f, int write_fd)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0) != 0)
			return false;
	}
#ifdef WITH_SANITIZERS
	/* A report that cannot be written helps nobody. */
	if (!allow_when(f, SCMP_SYS(write), when(0, SCMP_CMP_EQ, STDERR_FILENO, 0)))
		return false;
#endif
	return allow_with_arguments(f, write_fd);
}

bool confine_capture(int write_fd, char *err, size_t errlen)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool ok = f && add_rules(f, write_fd) &&
		  seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1) == 0 && seccomp_load(f) == 0;

	seccomp_release(f);
	if (!ok)
		snprintf(err, errlen, "the system call filter cannot be loaded");
	return ok;
}

#endif
