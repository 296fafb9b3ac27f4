/* perfdata.c - numbers for a monitoring system. */
#include "reports/perfdata.h"

#include <inttypes.h>
#include <string.h>

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '-' || c == '.' || c == '/';
}

static void put_label(FILE *out, const char *label)
{
	bool plain = *label != '\0';

	for (const char *p = label; *p; p++)
		plain = plain && is_plain(*p);
	if (!plain)
		putc('\'', out);
	for (const char *p = label; *p; p++) {
		if (*p == '\'')
			fputs("''", out);
		else
			putc(*p < ' ' || *p > '~' || *p == '|' || *p == '=' ? '_' : *p, out);
	}
	if (!plain)
		putc('\'', out);
}

/* Hundredths, without those when they are none. */
static void put_value(FILE *out, int64_t value)
{
	uint64_t n = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	fprintf(out, "%s%" PRIu64, value < 0 ? "-" : "", n / 100);
	if (n % 100)
		fprintf(out, ".%02u", (unsigned)(n % 100));
}

void perfdata_put(FILE *out, const struct perfdatum *d)
{
	putc(' ', out);
	put_label(out, d->label);
	putc('=', out);
	if (d->known) {
		put_value(out, d->value);
		fputs(d->unit, out);
	} else {
		putc('U', out);
	}
	fprintf(out, ";%s;%s;%s;%s", d->warn ? d->warn : "", d->crit ? d->crit : "",
		d->least ? "0" : "", d->most ? "100" : "");
}
