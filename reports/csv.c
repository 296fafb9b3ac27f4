/* csv.c - fields of a CSV file. */
#include "reports/csv.h"

#include <string.h>

#include "reports/peers.h"
#include "reports/text.h"

void csv_name(FILE *out, const char *name)
{
	char safe[4 * (PARTY_NAME_MAX + 1)];

	text_safe(name, false, safe, sizeof(safe));
	putc('"', out);
	if (*safe && strchr("=+-@", *safe))
		putc('\'', out);
	for (const char *p = safe; *p; p++) {
		if (*p == '"')
			putc('"', out);
		putc(*p, out);
	}
	putc('"', out);
}

void csv_share(FILE *out, bool known, double share)
{
	if (known)
		fprintf(out, "%.15g", share);
}
