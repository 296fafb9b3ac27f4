/* session_log.c - finds lines in session records. */
#include "reports/session_log.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reports/record_read.h"

#define LOG_PATH_MAX 4096

bool log_next(FILE *in, struct log_line *line)
{
	int c = getc(in);

	line->len = 0;
	line->too_long = false;
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc(in)) {
		if (line->len + 1 < sizeof(line->text))
			line->text[line->len++] = (char)c;
		else
			line->too_long = true;
	}
	line->text[line->len] = '\0';
	return !ferror(in);
}

bool log_nth(FILE *in, unsigned long n, struct log_line *line, char *err, size_t errlen)
{
	for (unsigned long i = 1; i <= n; i++) {
		if (log_next(in, line))
			continue;
		if (ferror(in))
			snprintf(err, errlen, "%s", strerror(errno));
		else if (i == 1)
			snprintf(err, errlen, "it is empty");
		else
			snprintf(err, errlen, "it has no line %lu, only %lu", n, i - 1);
		return false;
	}
	if (line->too_long)
		snprintf(err, errlen, "line %lu is too long for a session record", n);
	return !line->too_long;
}

/* Whether a line is a record with this id. The cheap test comes first. */
static bool has_id(const struct log_line *line, const char *id)
{
	struct record r;
	char err[256];

	return !line->too_long && strstr(line->text, id) &&
	       record_read(line->text, line->len, &r, err, sizeof(err)) &&
	       strcmp(r.community_id, id) == 0;
}

/* Remembers the last match of one file in *line. False when the file cannot be read. */
static bool find_in(const char *path, const char *id, struct log_line *line, unsigned *found)
{
	FILE *in = fopen(path, "r");
	struct log_line now;
	bool ok;

	if (!in)
		return false;
	while (log_next(in, &now)) {
		if (has_id(&now, id)) {
			*line = now;
			(*found)++;
		}
	}
	ok = !ferror(in);
	fclose(in);
	return ok;
}

static int is_day(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && strcmp(dot, ".jsonl") == 0 && e->d_name[0] != '.';
}

bool log_find(const char *dir, const char *id, struct log_line *line, unsigned *found, char *err,
	      size_t errlen)
{
	struct dirent **days = NULL;
	char path[LOG_PATH_MAX];
	bool ok = true;
	int n;

	*found = 0;
	snprintf(path, sizeof(path), "%s/sessions", dir);
	n = scandir(path, &days, is_day, alphasort);
	if (n < 0) {
		snprintf(err, errlen, "%.200s: %s: no session log to search", path,
			 strerror(errno));
		return false;
	}
	for (int i = n - 1; i >= 0 && ok && *found == 0; i--) {
		snprintf(path, sizeof(path), "%s/sessions/%s", dir, days[i]->d_name);
		ok = find_in(path, id, line, found);
		if (!ok)
			snprintf(err, errlen, "%.300s: %s", path, strerror(errno));
	}
	for (int i = 0; i < n; i++)
		free(days[i]);
	free(days);
	if (ok && *found == 0)
		snprintf(err, errlen, "no session \"%.40s\" in %.200s/sessions (%d files)", id, dir,
			 n);
	return ok && *found > 0;
}
