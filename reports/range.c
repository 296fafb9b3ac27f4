/* range.c - threshold ranges as monitoring plugins take them. */
#include "reports/range.h"

#include <stdio.h>
#include <string.h>

#define WHOLE_DIGITS    12
#define FRACTION_DIGITS 6

static size_t digits_of(const char *p)
{
	return strspn(p, "0123456789");
}

/* A decimal at *text, which moves on behind it. */
static bool decimal(const char **text, int64_t *out)
{
	bool negative = **text == '-';
	const char *p = *text + negative;
	size_t whole = digits_of(p), fraction = 0;
	int64_t n = 0;

	if (whole == 0 || whole > WHOLE_DIGITS)
		return false;
	for (size_t i = 0; i < whole; i++)
		n = 10 * n + (*p++ - '0');
	if (*p == '.') {
		fraction = digits_of(++p);
		if (fraction == 0 || fraction > FRACTION_DIGITS)
			return false;
	}
	for (size_t i = 0; i < FRACTION_DIGITS; i++)
		n = 10 * n + (i < fraction ? *p++ - '0' : 0);
	*out = negative ? -n : n;
	*text = p;
	return true;
}

bool range_number(const char *text, int64_t *out)
{
	return decimal(&text, out) && *text == '\0';
}

/* What stands before the colon. */
static bool start_of(const char *p, const char *colon, int64_t *out)
{
	if (*p == '~') {
		*out = INT64_MIN;
		return p + 1 == colon;
	}
	return decimal(&p, out) && p == colon;
}

bool range_parse(const char *text, struct range *out)
{
	const char *p = text, *colon = strchr(text, ':');

	memset(out, 0, sizeof(*out));
	if (strlen(text) > RANGE_TEXT_MAX)
		return false;
	if (*p == '@') {
		out->inside = true;
		p++;
	}
	if (colon) {
		if (!start_of(p, colon, &out->start))
			return false;
		p = colon + 1;
	}
	out->end = INT64_MAX;
	if ((*p || !colon) && (!decimal(&p, &out->end) || *p))
		return false;
	out->given = true;
	snprintf(out->text, sizeof(out->text), "%s", text);
	return out->start <= out->end;
}

bool range_alerts(const struct range *r, int64_t value)
{
	bool in = value >= r->start && value <= r->end;

	return r->given && in == r->inside;
}
