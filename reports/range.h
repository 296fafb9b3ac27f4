/* range.h - threshold ranges as monitoring plugins take them: [@][start:][end].
 *
 * "10" is 0 to 10, "10:" is 10 and above, "~:10" is 10 and below, "10:20" is both; outside of it
 * there is an alert, with "@" inside of it. Start and end belong to the range. Numbers are kept as
 * decimals of six places, so that 99.9 is 99.9 and not the double next to it.
 */
#ifndef MAILSEAL_RANGE_H
#define MAILSEAL_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGE_UNIT     1000000 /* so many are 1 */
#define RANGE_TEXT_MAX 31

struct range {
	bool given;                    /* false: there is no alert */
	int64_t start, end;            /* RANGE_UNIT; INT64_MIN and INT64_MAX where it has no end */
	bool inside;                   /* alert inside, not outside */
	char text[RANGE_TEXT_MAX + 1]; /* as it was written; empty when not given */
};

/* False when the text is no range: at most twelve digits before the point and six behind it, start
 * not above end, RANGE_TEXT_MAX bytes. */
bool range_parse(const char *text, struct range *out);

/* One such number: the whole text, in RANGE_UNIT. */
bool range_number(const char *text, int64_t *out);

/* value: in RANGE_UNIT. */
bool range_alerts(const struct range *r, int64_t value);

#endif
