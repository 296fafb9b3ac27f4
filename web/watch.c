/* watch.c - answers for what watches the sensor. */
#include "web/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/period.h"
#include "reports/tool.h"
#include "web/openmetrics.h"
#include "web/page.h"

#define METRICS_MAX ((off_t)32 << 20)

/* Health ------------------------------------------------------------------------------------ */

/* False with a sentence in err when there is no step. */
static bool read_end(const char *dir, int64_t *end, char *err, size_t errlen)
{
	struct ledger *l = tool_open_ledger(dir, LEDGER_READ, err, errlen);
	int64_t first, last;
	bool ok = l && ledger_span(l, &first, &last, err, errlen);

	if (l && !ok && !err[0])
		snprintf(err, errlen, "%s", text_of(T_NOTHING_YET));
	ledger_close(l);
	if (ok)
		*end = last + STEP_S;
	return ok;
}

struct document *watch_health(const char *dir, int64_t now)
{
	char err[TOOL_ERR_MAX] = "", text[2 * TOOL_ERR_MAX], at[UTC_TEXT_MAX], age[32];
	bool fresh;
	int64_t end;

	if (!read_end(dir, &end, err, sizeof(err))) {
		snprintf(text, sizeof(text), "failed: %s", err);
		return document_of_sentence(503, text);
	}
	utc_text(end, UTC_SHORT, at);
	if (end - now > STALE_S) {
		snprintf(text, sizeof(text),
			 "ahead: the last step ends at %s UTC: do the clocks agree?", at);
		return document_of_sentence(503, text);
	}
	fresh = now - end <= STALE_S;
	duration_text(now - end, age, sizeof(age));
	snprintf(text, sizeof(text), "%s: the last step ended at %s UTC, %s ago",
		 fresh ? "ok" : "stale", at, age);
	return document_of_sentence(fresh ? 200 : 503, text);
}

/* Metrics ----------------------------------------------------------------------------------- */

/* All of a regular file; NULL with errno. It is replaced by renaming, and so is whole. */
static char *read_file(const char *file, size_t *len)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text = NULL;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size > METRICS_MAX))
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
	else if ((text = malloc((size_t)st.st_size + 1)) != NULL)
		n = read(fd, text, (size_t)st.st_size);
	close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*len = (size_t)n;
	return text;
}

static struct document *no_metrics(const char *file, const char *why)
{
	char text[2 * TOOL_ERR_MAX];

	snprintf(text, sizeof(text), "%.300s: %.300s", file, why);
	return document_of_sentence(503, text);
}

static struct document *document_of_metrics(struct reply *r)
{
	struct document *d = document_new(r, "no-store");

	d->vary = "Accept";
	return d;
}

struct document *watch_metrics(const char *file, bool open)
{
	struct reply plain = { .status = 200, .type = PROMETHEUS_TYPE };
	struct reply converted = { .status = 200, .type = OPENMETRICS_TYPE };
	char err[TOOL_ERR_MAX] = "";
	FILE *out;
	bool ok;

	plain.body = read_file(file, &plain.len);
	if (!plain.body)
		return no_metrics(file, errno == EINVAL ? "not a regular file" : strerror(errno));
	out = open_memstream(&converted.body, &converted.len);
	if (!out)
		abort();
	/* Shows that it is a file of metrics, whichever format is wanted. */
	ok = strlen(plain.body) == plain.len &&
	     openmetrics_write(plain.body, out, err, sizeof(err));
	if (fclose(out) != 0)
		abort();
	if (ok) {
		free(open ? plain.body : converted.body);
		return document_of_metrics(open ? &converted : &plain);
	}
	free(plain.body);
	free(converted.body);
	return no_metrics(file, err[0] ? err : "not a file of metrics");
}
