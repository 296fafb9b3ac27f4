/* attempts_processes.c - attempts to start and to signal processes, to execute memory and to get privileges. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sensor/attempts_table.h"

static char there_byte[] = "x"; /* which the parent has in the same place */

static int mapped(const void *p)
{
	return p == MAP_FAILED ? errno : 0;
}

/* Of a child, which ends; or of the parent. */
static int child_or(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return done(pid);
}

/* Processes. Signals that nobody minds. ------------------------------------------------------- */

TRY(execve)
{
	static char name[] = "/proc/no-such-program";
	char *const argv[] = { name, NULL };

	return done(execve(name, argv, NULL));
}

TRY(execveat)
{
	static char name[] = "/proc/no-such-program";
	char *const argv[] = { name, NULL };

	return done(syscall(SYS_execveat, AT_FDCWD, name, argv, NULL, 0));
}

TRY(fork)
{
	return child_or(fork());
}

TRY(vfork)
{
	return child_or(vfork());
}

TRY(clone)
{
	return child_or(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

TRY(clone3)
{
	return child_or(syscall(SYS_clone3, NULL, 0));
}

static void *nothing(void *arg)
{
	return arg;
}

TRY(thread)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, nothing, NULL);

	return rc != 0 ? rc : pthread_join(thread, NULL);
}

TRY(kill_parent)
{
	return done(kill(o->parent, SIGWINCH));
}

TRY(kill_self)
{
	return done(kill(o->pid, SIGWINCH));
}

TRY(tgkill)
{
	return done(syscall(SYS_tgkill, o->parent, o->parent, SIGWINCH));
}

TRY(tkill)
{
	return done(syscall(SYS_tkill, o->parent, SIGWINCH));
}

TRY(queue_signal)
{
	return done(sigqueue(o->parent, SIGWINCH, (union sigval){ 0 }));
}

TRY(pidfd_open)
{
	return done(syscall(SYS_pidfd_open, o->parent, 0));
}

TRY(pidfd_signal)
{
	return done(syscall(SYS_pidfd_send_signal, -1, SIGWINCH, NULL, 0));
}

TRY(pidfd_getfd)
{
	return done(syscall(SYS_pidfd_getfd, -1, 0, 0));
}

TRY(ptrace)
{
	return done(ptrace(PTRACE_SEIZE, o->parent, NULL, NULL));
}

TRY(ptrace_traceme)
{
	return done(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

/* The parent has its memory in the same places. */
TRY(vm_read)
{
	uint8_t byte;
	struct iovec here = { &byte, 1 }, there = { there_byte, 1 };

	return done(process_vm_readv(o->parent, &here, 1, &there, 1, 0));
}

TRY(vm_write)
{
	struct iovec v = { there_byte, 1 };

	return done(process_vm_writev(o->parent, &v, 1, &v, 1, 0));
}

/* Memory ------------------------------------------------------------------------------------- */

TRY(mmap_exec)
{
	return mapped(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

TRY(mmap_write_exec)
{
	return mapped(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

TRY(mmap_file)
{
	return mapped(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, o->readable, 0));
}

TRY(mmap_file_exec)
{
	return mapped(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, o->readable, 0));
}

TRY(mprotect_exec)
{
	return done(mprotect(o->page, 4096, PROT_READ | PROT_EXEC));
}

TRY(pkey_mprotect_exec)
{
	return done(syscall(SYS_pkey_mprotect, o->page, 4096, PROT_READ | PROT_EXEC, -1));
}

TRY(shm_exec)
{
	return shmat(-1, NULL, SHM_EXEC) == (void *)-1 ? errno : 0;
}

TRY(read_implies_exec)
{
	return done(personality(READ_IMPLIES_EXEC));
}

TRY(userfaultfd)
{
	return done(syscall(SYS_userfaultfd, 1 << 30));
}

/* Privileges --------------------------------------------------------------------------------- */

TRY(setuid)
{
	return done(syscall(SYS_setuid, 0)); /* the C library would signal the other threads */
}

TRY(setgid)
{
	return done(syscall(SYS_setgid, 0));
}

TRY(setresuid)
{
	return done(syscall(SYS_setresuid, 0, 0, 0));
}

TRY(capset)
{
	return done(syscall(SYS_capset, NULL, NULL));
}

TRY(dumpable)
{
	return done(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

TRY(new_privileges)
{
	return done(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

TRY(setrlimit)
{
	const struct rlimit r = { 0, 0 };

	return done(setrlimit(RLIMIT_CORE, &r));
}

TRY(prlimit_parent)
{
	struct rlimit r;

	return done(prlimit(o->parent, RLIMIT_CORE, NULL, &r));
}

TRY(unshare)
{
	return done(unshare(0));
}

TRY(setns)
{
	return done(setns(-1, 0));
}

TRY(seccomp)
{
	return done(syscall(SYS_seccomp, 1, 0, NULL));
}

TRY(bpf)
{
	return done(syscall(SYS_bpf, 0, NULL, 0));
}

TRY(perf)
{
	return done(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}

TRY(keyctl)
{
	return done(syscall(SYS_keyctl, ~0, 0, 0, 0, 0));
}

TRY(io_uring)
{
	uint32_t params[30] = { 0 };

	return done(syscall(SYS_io_uring_setup, 1, params));
}
