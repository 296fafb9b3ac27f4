/* conf_file.h - a configuration from the text of a test. */
#ifndef MAILSEAL_TESTS_CONF_FILE_H
#define MAILSEAL_TESTS_CONF_FILE_H

#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sensor/conf.h"

#define ERR_MAX 1024

struct file {
	char path[64];
};

static inline struct file write_file(const void *bytes, size_t len)
{
	struct file f = { "/tmp/mailseal-conf-XXXXXX" };
	int fd = mkstemp(f.path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	return f;
}

static inline struct conf *read_bytes(const void *bytes, size_t len, char err[ERR_MAX])
{
	struct file f = write_file(bytes, len);
	struct conf *c = conf_read(f.path, err, ERR_MAX);
	size_t n = strlen(f.path);

	unlink(f.path);
	if (!c && strncmp(err, f.path, n) == 0)
		memmove(err, err + n, strlen(err) - n + 1); /* the rest does not vary */
	return c;
}

static inline struct conf *read_text(const char *text)
{
	char err[ERR_MAX] = "";
	struct conf *c = read_bytes(text, strlen(text), err);

	if (!c)
		fail_msg("%s", err);
	return c;
}

static inline void assert_refused(const char *text, const char *expected)
{
	char err[ERR_MAX] = "";
	struct conf *c = read_bytes(text, strlen(text), err);

	assert_null(c);
	if (strncmp(err, expected, strlen(expected)) != 0)
		fail_msg("\"%s\" instead of \"%s\"", err, expected);
	assert_null(strchr(err, '\n'));
}

static inline char *print(const struct conf *c)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	conf_print(c, true, f);
	fclose(f);
	return text;
}

/* Takes c, and returns what was read back. */
static inline struct conf *printed_and_read(struct conf *c)
{
	char *once = print(c), *twice;
	struct conf *again = read_text(once);

	twice = print(again);
	assert_string_equal(once, twice);
	free(once);
	free(twice);
	conf_free(c);
	return again;
}

#endif
