/* openmetrics.c - the metrics of the sensor as OpenMetrics. */
#include "web/openmetrics.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINE_ROOM   2048
#define METRIC_ROOM 128
#define NAME_CHARS  "abcdefghijklmnopqrstuvwxyz0123456789_"

/* Accept ------------------------------------------------------------------------------------ */

/* "; q=0", "; q=0.000" among the parameters of a media range. */
static bool is_refused(const char *parameters)
{
	for (const char *at = parameters; *at == ';';) {
		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, "q=0", 3) == 0) {
			at += 3;
			at += *at == '.' ? 1 + strspn(at + 1, "0") : 0;
			return strspn(at, "0123456789") == 0;
		}
		at += strcspn(at, ";");
	}
	return false;
}

bool openmetrics_wanted(const char *accept)
{
	static const char type[] = "application/openmetrics-text";
	char range[256];

	while (accept && *accept) {
		size_t len = strcspn(accept, ",");

		accept += strspn(accept, " \t");
		len = strcspn(accept, ",");
		snprintf(range, sizeof(range), "%.*s", (int)(len < 255 ? len : 255), accept);
		if (strncasecmp(range, type, sizeof(type) - 1) == 0) {
			const char *rest = range + sizeof(type) - 1;

			rest += strspn(rest, " \t");
			if (*rest == '\0' || *rest == ';')
				return !is_refused(rest);
		}
		accept += len;
		accept += *accept == ',';
	}
	return false;
}

/* Lines ------------------------------------------------------------------------------------- */

struct family {
	char metric[METRIC_ROOM]; /* as the samples have it */
	char help[LINE_ROOM];
	bool typed;
};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && strcmp(text + len - n, end) == 0;
}

static bool take_name(const char **at, char out[METRIC_ROOM])
{
	size_t len = strspn(*at, NAME_CHARS);

	if (len == 0 || len >= METRIC_ROOM)
		return false;
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len;
	return true;
}

/* # HELP name text */
static bool on_help(struct family *f, const char *at)
{
	f->typed = false;
	if (!take_name(&at, f->metric) || *at != ' ')
		return false;
	snprintf(f->help, sizeof(f->help), "%s", at + 1);
	return true;
}

static void put_help(FILE *out, const char *help)
{
	for (; *help; help++) {
		if (*help == '"')
			putc('\\', out);
		putc(*help, out);
	}
}

/* # TYPE name type: a family of OpenMetrics is called without what its samples end in, has its unit
 * said, and build_info is of the type made for it. */
static bool on_type(struct family *f, const char *at, FILE *out)
{
	static const char *const units[] = { "seconds", "bytes" };
	char metric[METRIC_ROOM], ending[16];
	const char *type;
	size_t len;

	if (!take_name(&at, metric) || strcmp(metric, f->metric) != 0 || *at != ' ' || f->typed)
		return false;
	type = at + 1;
	if (strcmp(type, "counter") != 0 && strcmp(type, "gauge") != 0)
		return false;
	if (strcmp(type, "gauge") == 0 && ends_with(metric, "_info"))
		type = "info";
	else if ((strcmp(type, "counter") == 0) != ends_with(metric, "_total"))
		return false;
	len = strlen(metric) - (strcmp(type, "info") == 0      ? 5u
				: strcmp(type, "counter") == 0 ? 6u
							       : 0u);
	metric[len] = '\0';
	fprintf(out, "# TYPE %s %s\n", metric, type);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		snprintf(ending, sizeof(ending), "_%s", units[i]);
		if (ends_with(metric, ending))
			fprintf(out, "# UNIT %s %s\n", metric, units[i]);
	}
	fprintf(out, "# HELP %s ", metric);
	put_help(out, f->help);
	putc('\n', out);
	f->typed = true;
	return true;
}

/* {a="b",c="d"}; inside quotes \" and \\ stand for themselves. */
static bool pass_labels(const char **at)
{
	char name[METRIC_ROOM];
	const char *p = *at;

	if (*p != '{')
		return true;
	do {
		p++;
		if (!take_name(&p, name) || strncmp(p, "=\"", 2) != 0)
			return false;
		for (p += 2; *p != '"'; p++) {
			if (*p == '\\' && *++p != '\\' && *p != '"')
				return false;
			if (*p == '\0')
				return false;
		}
		p++;
	} while (*p == ',');
	*at = p + 1;
	return *p == '}';
}

static bool on_sample(const struct family *f, const char *line, FILE *out)
{
	char metric[METRIC_ROOM];
	const char *at = line;

	if (!f->typed || !take_name(&at, metric) || strcmp(metric, f->metric) != 0 ||
	    !pass_labels(&at) || *at != ' ' || at[1] == '\0' ||
	    at[1 + strspn(at + 1, "0123456789")] != '\0')
		return false;
	fprintf(out, "%s\n", line);
	return true;
}

static bool on_line(struct family *f, const char *line, FILE *out)
{
	for (const char *p = line; *p; p++) {
		if (*p < ' ' || *p > '~')
			return false;
	}
	if (strncmp(line, "# HELP ", 7) == 0)
		return on_help(f, line + 7);
	if (strncmp(line, "# TYPE ", 7) == 0)
		return on_type(f, line + 7, out);
	return on_sample(f, line, out);
}

bool openmetrics_write(const char *text, FILE *out, char *err, size_t errlen)
{
	struct family f = { .typed = false };
	unsigned long number = 1;
	char line[LINE_ROOM];

	for (const char *end; *text; text = end + 1, number++) {
		end = strchr(text, '\n');
		if (!end || (size_t)(end - text) >= sizeof(line)) {
			snprintf(err, errlen, "line %lu is cut short or too long", number);
			return false;
		}
		memcpy(line, text, (size_t)(end - text));
		line[end - text] = '\0';
		if (!on_line(&f, line, out)) {
			snprintf(err, errlen, "line %lu is nothing that mailseald writes", number);
			return false;
		}
	}
	fputs("# EOF\n", out);
	return true;
}
