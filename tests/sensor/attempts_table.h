/* attempts_table.h - the attempts, once: as rows, and as functions of the files attempts_*.c. */
#ifndef MAILSEAL_TESTS_ATTEMPTS_TABLE_H
#define MAILSEAL_TESTS_ATTEMPTS_TABLE_H

#include <errno.h>

#include "tests/sensor/attempts.h"

/* Function, name, what comes of it without a filter. */
#define ATTEMPTS(X)                                                         \
	X(open_read, "open to read", 0)                                     \
	X(open_write, "open to write", 0)                                   \
	X(open_create, "open to create", EISDIR)                            \
	X(open_memory, "open its memory", 0)                                \
	X(open_descriptor, "open a descriptor anew", 0)                     \
	X(openat2, "openat2", 0)                                            \
	X(open, "the old open", 0)                                          \
	X(creat, "creat", EISDIR)                                           \
	X(unlink, "unlink", ENOENT)                                         \
	X(rename, "rename", ENOENT)                                         \
	X(mkdir, "mkdir", EEXIST)                                           \
	X(chmod, "chmod", ENOENT)                                           \
	X(stat, "stat", 0)                                                  \
	X(readlink, "readlink", 0)                                          \
	X(memfd, "memfd_create", 0)                                         \
	X(chroot, "chroot", ENOENT)                                         \
	X(mount, "mount", ENOENT)                                           \
	X(write_file, "write to a file that is open", 0)                    \
	X(write_each, "write to every descriptor", ATTEMPT_ANY)             \
	X(write_large_number, "write to the channel and 2^32", ATTEMPT_ANY) \
	X(pwrite, "pwrite", 0)                                              \
	X(writev, "writev", 0)                                              \
	X(pwritev, "pwritev", 0)                                            \
	X(sendfile, "sendfile", 0)                                          \
	X(splice, "splice", EBADF)                                          \
	X(ftruncate, "ftruncate", EINVAL)                                   \
	X(dup, "dup", 0)                                                    \
	X(dup_over_channel, "dup2 over the channel", 0)                     \
	X(dup3_over_channel, "dup3 over the channel", 0)                    \
	X(fcntl_dup, "fcntl to duplicate", 0)                               \
	X(fcntl_size, "fcntl on the channel", 0)                            \
	X(write_packet, "write on the packet socket", 0)                    \
	X(writev_packet, "writev on the packet socket", 0)                  \
	X(send_packet, "send on the packet socket", 0)                      \
	X(sendto_packet, "sendto on the packet socket", 0)                  \
	X(sendmsg_packet, "sendmsg on the packet socket", 0)                \
	X(sendmmsg_packet, "sendmmsg on the packet socket", 0)              \
	X(setsockopt_packet, "setsockopt on the packet socket", 0)          \
	X(transmit_ring, "a ring to transmit", EINVAL)                      \
	X(getsockopt_packet, "another getsockopt on the packet socket", 0)  \
	X(getsockopt_ring, "getsockopt of its ring", 0)                     \
	X(bind_packet, "bind the packet socket", ATTEMPT_ANY)               \
	X(set_flags, "SIOCSIFFLAGS", ENODEV)                                \
	X(ioctl_packet, "another ioctl", 0)                                 \
	X(type_on_terminal, "TIOCSTI", ENOTTY)                              \
	X(socket_inet, "socket AF_INET", 0)                                 \
	X(socket_inet6, "socket AF_INET6", ATTEMPT_ANY)                     \
	X(socket_unix, "socket AF_UNIX", 0)                                 \
	X(socket_packet, "socket AF_PACKET", 0)                             \
	X(socket_netlink, "socket AF_NETLINK", 0)                           \
	X(socket_each, "socket of every family", ATTEMPT_ANY)               \
	X(socketpair, "socketpair", 0)                                      \
	X(pipe, "pipe", 0)                                                  \
	X(connect, "connect", ATTEMPT_ANY)                                  \
	X(bind, "bind", ATTEMPT_ANY)                                        \
	X(listen, "listen", EOPNOTSUPP)                                     \
	X(sendto_udp, "sendto on a socket that is open", ATTEMPT_ANY)       \
	X(recvmsg, "recvmsg", ATTEMPT_ANY)                                  \
	X(execve, "execve", ENOENT)                                         \
	X(execveat, "execveat", ENOENT)                                     \
	X(fork, "fork", 0)                                                  \
	X(vfork, "vfork", 0)                                                \
	X(clone, "clone", 0)                                                \
	X(clone3, "clone3", EINVAL)                                         \
	X(thread, "a thread", 0)                                            \
	X(kill_parent, "kill the parent", 0)                                \
	X(kill_self, "kill itself", 0)                                      \
	X(tgkill, "tgkill the parent", 0)                                   \
	X(tkill, "tkill the parent", 0)                                     \
	X(queue_signal, "sigqueue", 0)                                      \
	X(pidfd_open, "pidfd_open", 0)                                      \
	X(pidfd_signal, "pidfd_send_signal", EBADF)                         \
	X(pidfd_getfd, "pidfd_getfd", EBADF)                                \
	X(ptrace, "ptrace the parent", 0)                                   \
	X(ptrace_traceme, "ptrace TRACEME", 0)                              \
	X(vm_read, "process_vm_readv", 0)                                   \
	X(vm_write, "process_vm_writev", 0)                                 \
	X(mmap_exec, "mmap to execute", 0)                                  \
	X(mmap_write_exec, "mmap to write and execute", 0)                  \
	X(mmap_file, "mmap of a file", 0)                                   \
	X(mmap_file_exec, "mmap of a file to execute", ATTEMPT_OPEN)        \
	X(mprotect_exec, "mprotect to execute", 0)                          \
	X(pkey_mprotect_exec, "pkey_mprotect to execute", ATTEMPT_ANY)      \
	X(shm_exec, "shmat to execute", EINVAL)                             \
	X(read_implies_exec, "READ_IMPLIES_EXEC", 0)                        \
	X(userfaultfd, "userfaultfd", ATTEMPT_OPEN)                         \
	X(setuid, "setuid 0", 0)                                            \
	X(setgid, "setgid 0", 0)                                            \
	X(setresuid, "setresuid 0", 0)                                      \
	X(capset, "capset", EFAULT)                                         \
	X(dumpable, "PR_SET_DUMPABLE", 0)                                   \
	X(new_privileges, "PR_SET_NO_NEW_PRIVS", EINVAL)                    \
	X(setrlimit, "setrlimit", 0)                                        \
	X(prlimit_parent, "prlimit of the parent", 0)                       \
	X(unshare, "unshare", 0)                                            \
	X(setns, "setns", EBADF)                                            \
	X(seccomp, "seccomp", EFAULT)                                       \
	X(bpf, "bpf", ATTEMPT_OPEN)                                         \
	X(perf, "perf_event_open", ATTEMPT_OPEN)                            \
	X(keyctl, "keyctl", ATTEMPT_OPEN)                                   \
	X(io_uring, "io_uring_setup", ATTEMPT_OPEN)

#define ATTEMPT_FUNCTION(what, name, without) int try_##what(const struct open_things *o);
ATTEMPTS(ATTEMPT_FUNCTION)
#undef ATTEMPT_FUNCTION

#define TRY(what) int try_##what(__attribute__((unused)) const struct open_things *o)

/* 0 when it could be done, or errno. */
static inline int done(long rc)
{
	return rc >= 0 ? 0 : errno;
}

/* The same of what was done on the packet socket, if there is one. */
static inline int on_packets(const struct open_things *o, long rc)
{
	int e = done(rc);

	return o->packets < 0 ? ATTEMPT_NONE : e;
}

#endif
