/* attempts_files.c - attempts to open files and to write. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/sensor/attempts_table.h"

#define DESCRIPTORS 1024 /* so many are tried, open or not */

static char byte[] = "x";

/* Files. Names that are there, or are no names of files, so that nothing is made of them. ------------ */

TRY(open_read)
{
	return done(open("/etc/passwd", O_RDONLY));
}

TRY(open_write)
{
	return done(open("/dev/null", O_WRONLY));
}

TRY(open_create)
{
	return done(open("/", O_WRONLY | O_CREAT, 0600));
}

TRY(open_memory)
{
	return done(open("/proc/self/mem", O_RDWR));
}

TRY(open_descriptor)
{
	return done(open("/proc/self/fd/0", O_PATH));
}

TRY(openat2)
{
	const uint64_t how[3] = { O_RDONLY, 0, 0 };

	return done(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof(how)));
}

/* Not every machine has these two as calls of their own. */
TRY(open)
{
#ifdef SYS_open
	return done(syscall(SYS_open, "/etc/passwd", O_RDONLY));
#else
	return done(open("/etc/passwd", O_RDONLY));
#endif
}

TRY(creat)
{
	return done(creat("/", 0600));
}

TRY(unlink)
{
	return done(unlink("/proc/no-such-file"));
}

TRY(rename)
{
	return done(rename("/proc/no-such-file", "/proc/nor-this"));
}

TRY(mkdir)
{
	return done(mkdir("/", 0700));
}

TRY(chmod)
{
	return done(chmod("/proc/no-such-file", 0777));
}

TRY(stat)
{
	struct stat st;

	return done(stat("/etc/passwd", &st));
}

TRY(readlink)
{
	char text[64];

	return done(readlink("/proc/self/exe", text, sizeof(text)));
}

TRY(memfd)
{
	return done(memfd_create("x", 0));
}

TRY(chroot)
{
	return done(chroot("/proc/no-such-folder"));
}

TRY(mount)
{
	return done(mount("none", "/proc/no-such-folder", "tmpfs", 0, NULL));
}

/* Writing ------------------------------------------------------------------------------------ */

TRY(write_file)
{
	return done(write(o->file, "x", 1));
}

static bool may_be_written_to(const struct open_things *o, int fd)
{
#ifdef WITH_SANITIZERS
	if (fd == STDERR_FILENO)
		return true;
#endif
	return fd == o->channel;
}

/* Nothing is written, but who may write nothing may write something. The result of the first that is
 * not refused. */
TRY(write_each)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		int e = may_be_written_to(o, fd) ? EPERM : done(write(fd, "", 0));

		if (e != EPERM)
			return e;
	}
	return EPERM;
}

/* The number of a descriptor has 32 bits, a register has more. */
TRY(write_large_number)
{
	return done(syscall(SYS_write, (uint64_t)(unsigned)o->channel | 1ull << 32, "", 0));
}

TRY(pwrite)
{
	return done(pwrite(o->file, "x", 1, 0));
}

TRY(writev)
{
	struct iovec v = { byte, 1 };

	return done(writev(o->file, &v, 1));
}

TRY(pwritev)
{
	struct iovec v = { byte, 1 };

	return done(pwritev(o->file, &v, 1, 0));
}

TRY(sendfile)
{
	return done(sendfile(o->file, o->readable, NULL, 1));
}

TRY(splice)
{
	return done(splice(-1, NULL, -1, NULL, 1, 0));
}

TRY(ftruncate)
{
	return done(ftruncate(o->file, 0));
}

TRY(dup)
{
	return done(dup(o->file));
}

/* The descriptor that may be written to must not become another one. */
TRY(dup_over_channel)
{
	return done(dup2(o->file, o->channel));
}

TRY(dup3_over_channel)
{
	return done(dup3(o->file, o->channel, 0));
}

TRY(fcntl_dup)
{
	return done(fcntl(o->file, F_DUPFD, 0));
}

TRY(fcntl_size)
{
	return done(fcntl(o->channel, F_GETPIPE_SZ));
}
