/* under_filter.c - runs a program under filters of system calls, as systemd would start it.
 *
 * usage: under_filter FILTER... -- PROGRAM [ARGUMENT...]
 *
 * FILTER is a file of struct sock_filter (libseccomp's seccomp_export_bpf()).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool load(const char *name)
{
	static struct sock_filter code[BPF_MAXINSNS];
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, code, sizeof(code));
	struct sock_fprog program = { .filter = code };

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	program.len = (unsigned short)((size_t)n / sizeof(code[0]));
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int main(int argc, char **argv)
{
	int at = 1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return 127;
	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if (!load(argv[at])) {
			fprintf(stderr, "under_filter: %s: %s\n", argv[at], strerror(errno));
			return 127;
		}
	}
	if (++at >= argc) {
		fprintf(stderr, "usage: under_filter FILTER... -- PROGRAM [ARGUMENT...]\n");
		return 127;
	}
	execv(argv[at], &argv[at]);
	fprintf(stderr, "under_filter: %s: %s\n", argv[at], strerror(errno));
	return 127;
}
