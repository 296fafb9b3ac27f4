/* month.c - calendar months in a time zone. */
#include "reports/month.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reports/timezone.h"

#define MINUTE_S 60
#define FAR_S    (26 * 3600) /* further than any zone is from UTC */

bool zone_use(const char *name, char *err, size_t errlen)
{
	bool utc = strcmp(name, "UTC") == 0; /* also where tzdata is not installed */

	if (strlen(name) > ZONE_NAME_MAX || !timezone_known(name)) {
		snprintf(err, errlen,
			 "there is no time zone \"%.64s\" in tzdata; write UTC or, for example, "
			 "Europe/Paris",
			 name);
		return false;
	}
	setenv("TZ", utc ? "UTC0" : name, 1);
	tzset();
	return true;
}

bool month_read(const char *text, struct month *out)
{
	static const char digits[] = "0123456789";

	if (strlen(text) != 7 || strspn(text, digits) != 4 || text[4] != '-' ||
	    strspn(text + 5, digits) != 2)
		return false;
	out->year = atoi(text);
	out->number = atoi(text + 5);
	return out->year >= 1970 && out->number >= 1 && out->number <= 12;
}

void month_text(struct month m, char out[MONTH_TEXT_MAX])
{
	snprintf(out, MONTH_TEXT_MAX, "%04d-%02d", m.year, m.number);
}

struct month month_next(struct month m, int n)
{
	int months = 12 * m.year + m.number - 1 + n;

	return (struct month){ .year = months / 12, .number = months % 12 + 1 };
}

int month_compare(struct month a, struct month b)
{
	return a.year != b.year ? a.year - b.year : a.number - b.number;
}

struct month month_of(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm = { .tm_year = 70 };

	localtime_r(&t, &tm);
	return (struct month){ .year = tm.tm_year + 1900, .number = tm.tm_mon + 1 };
}

/* Midnight may not exist, or twice, where clocks change on the first of a month: so it is looked
 * for, not computed. */
int64_t month_begin(struct month m)
{
	struct tm tm = { .tm_year = m.year - 1900, .tm_mon = m.number - 1, .tm_mday = 1 };
	int64_t utc = timegm(&tm), t = utc - FAR_S;

	while (t < utc + FAR_S && month_compare(month_of(t), m) < 0)
		t += MINUTE_S;
	return t;
}

void local_text(int64_t seconds, char out[LOCAL_TEXT_MAX])
{
	time_t t = (time_t)seconds;
	struct tm tm = { .tm_year = 70 };
	char when[24] = "";
	long ahead;

	localtime_r(&t, &tm);
	strftime(when, sizeof(when), tm.tm_sec ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M", &tm);
	ahead = labs(tm.tm_gmtoff) / MINUTE_S;
	snprintf(out, LOCAL_TEXT_MAX, "%s %c%02ld:%02ld", when, tm.tm_gmtoff < 0 ? '-' : '+',
		 ahead / 60 % 100, ahead % 60);
}
