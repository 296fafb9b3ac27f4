/* period.c - which time a report is about. */
#include "reports/period.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "reports/ledger.h"

#define MINUTE_S   60
#define HOUR_S     3600
#define DAY_S      86400
#define SPAN_MAX_S ((int64_t)3660 * DAY_S)

bool span_parse(const char *text, int64_t *seconds)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 'm', MINUTE_S }, { 'h', HOUR_S }, { 'd', DAY_S }, { 'w', 7 * DAY_S } };
	int64_t n = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 8 || text[digits] == '\0' || text[digits + 1] != '\0')
		return false;
	for (size_t i = 0; i < digits; i++)
		n = 10 * n + (text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].letter == text[digits]) {
			*seconds = n * units[i].seconds;
			return n > 0 && *seconds <= SPAN_MAX_S;
		}
	}
	return false;
}

void span_text(int64_t seconds, char *out, size_t outlen)
{
	if (seconds % DAY_S == 0 && seconds > DAY_S)
		snprintf(out, outlen, "%" PRId64 " d", seconds / DAY_S);
	else if (seconds % HOUR_S == 0 && seconds > 0)
		snprintf(out, outlen, "%" PRId64 " h", seconds / HOUR_S);
	else if (seconds % MINUTE_S == 0 && seconds > 0)
		snprintf(out, outlen, "%" PRId64 " min", seconds / MINUTE_S);
	else
		snprintf(out, outlen, "%" PRId64 " s", seconds);
}

/* Exactly n digits at *text, which moves on. */
static bool digits(const char **text, unsigned n, int *out)
{
	*out = 0;
	for (unsigned i = 0; i < n; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return false;
		*out = 10 * *out + (c - '0');
	}
	*text += n;
	return true;
}

static bool literal(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool utc_clock(const char **p, struct tm *tm)
{
	if (!literal(p, 'T') && !literal(p, ' '))
		return false;
	if (!digits(p, 2, &tm->tm_hour) || !literal(p, ':') || !digits(p, 2, &tm->tm_min))
		return false;
	if (literal(p, ':') && !digits(p, 2, &tm->tm_sec))
		return false;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

bool utc_parse(const char *text, int64_t *seconds)
{
	struct tm tm, back;
	const char *p = text;
	time_t t;

	memset(&tm, 0, sizeof(tm));
	if (!digits(&p, 4, &tm.tm_year) || !literal(&p, '-') || !digits(&p, 2, &tm.tm_mon) ||
	    !literal(&p, '-') || !digits(&p, 2, &tm.tm_mday))
		return false;
	if (*p != '\0' && *p != 'Z' && !utc_clock(&p, &tm))
		return false;
	if (*p == 'Z')
		p++;
	if (*p != '\0' || tm.tm_year < 1970)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	t = timegm(&back); /* carries 31 April over to May: then it was no date */
	*seconds = t;
	return back.tm_mday == tm.tm_mday && back.tm_mon == tm.tm_mon;
}

void utc_text(int64_t seconds, enum utc_form form, char out[UTC_TEXT_MAX])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds < 0 || !gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900)
		snprintf(out, UTC_TEXT_MAX, "?");
	else if (form == UTC_ISO)
		strftime(out, UTC_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	else if (form == UTC_SECONDS || seconds % MINUTE_S != 0)
		strftime(out, UTC_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm);
	else
		strftime(out, UTC_TEXT_MAX, "%Y-%m-%d %H:%M", &tm);
}

static bool read_time(const char *option, const char *text, int64_t *out, char *err, size_t errlen)
{
	if (utc_parse(text, out))
		return true;
	snprintf(err, errlen, "--%s %s: not a time; write it in UTC as 2026-11-22T10:00", option,
		 text);
	return false;
}

static bool read_from_to(const struct period_words *w, struct period_asked *out, char *err,
			 size_t errlen)
{
	if (w->from && !read_time("from", w->from, &out->from, err, errlen))
		return false;
	if (w->to && !read_time("to", w->to, &out->to, err, errlen))
		return false;
	out->has_from = w->from != NULL;
	out->has_to = w->to != NULL;
	if (w->from && w->to && out->from >= out->to) {
		snprintf(err, errlen, "--from %s is not before --to %s", w->from, w->to);
		return false;
	}
	return true;
}

bool period_read(const struct period_words *w, struct period_asked *out, char *err, size_t errlen)
{
	memset(out, 0, sizeof(*out));
	if (w->last && (w->from || w->to)) {
		snprintf(err, errlen, "--last and --from or --to exclude each other");
		return false;
	}
	if (w->from || w->to)
		return read_from_to(w, out, err, errlen);
	out->last_s = PERIOD_DEFAULT_S;
	if (w->last && !span_parse(w->last, &out->last_s)) {
		snprintf(err, errlen,
			 "--last %s: not a length of time; write 30m, 24h, 7d or 2w, at most ten "
			 "years",
			 w->last);
		return false;
	}
	return true;
}

static int64_t step_down(int64_t t)
{
	return t - t % STEP_S;
}

static int64_t step_up(int64_t t)
{
	return step_down(t + STEP_S - 1);
}

bool period_of(const struct period_asked *a, int64_t ledger_end, struct period *out, char *err,
	       size_t errlen)
{
	char end[UTC_TEXT_MAX];

	out->counted_back = a->last_s != 0;
	out->to = step_up(a->has_to ? a->to : ledger_end);
	out->from = out->to - (a->last_s ? a->last_s : PERIOD_DEFAULT_S);
	if (a->has_from)
		out->from = step_down(a->from);
	if (out->from < 0)
		out->from = 0;
	if (out->from < out->to)
		return true;
	utc_text(ledger_end, UTC_SHORT, end);
	snprintf(err, errlen,
		 "the period begins when the ledger is over: its last step ends at %s UTC", end);
	return false;
}
