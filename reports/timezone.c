/* timezone.c - is there such a time zone? */
#include "reports/timezone.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name stays below the folder, and is not one of the forms that libc reads otherwise. */
static bool plain(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t len = strlen(name);

	return len > 0 && strchr(letters, name[0]) && strstr(name, "..") == NULL &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789_+-/.") == len;
}

static bool is_zone_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char magic[4];
	bool ok;

	if (fd < 0)
		return false;
	ok = read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	     memcmp(magic, "TZif", sizeof(magic)) == 0;
	close(fd);
	return ok;
}

bool timezone_known(const char *name)
{
	const char *dir = getenv("TZDIR");
	char path[PATH_MAX];
	int len;

	if (strcmp(name, "UTC") == 0)
		return true;
	if (!plain(name))
		return false;
	len = snprintf(path, sizeof(path), "%s/%s", dir && *dir ? dir : "/usr/share/zoneinfo",
		       name);
	return len > 0 && (size_t)len < sizeof(path) && is_zone_file(path);
}
