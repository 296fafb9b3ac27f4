/* perfdata.h - numbers for a monitoring system: 'label'=value[UOM];[warn];[crit];[min];[max]
 *
 * Written as the monitoring plugin guidelines say: a label in quotes when it needs them, decimals
 * without an exponent, U for what is not known. No label brings a '|' or a control character
 * along.
 */
#ifndef MAILSEAL_PERFDATA_H
#define MAILSEAL_PERFDATA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct perfdatum {
	const char *label;
	const char *unit;        /* "%", "s", "" ... */
	bool known;              /* false: U */
	int64_t value;           /* in hundredths */
	const char *warn, *crit; /* ranges; NULL or "" for none */
	bool least, most;        /* it lies at 0 or above; at 100 or below */
};

/* One datum, with a blank before it. */
void perfdata_put(FILE *out, const struct perfdatum *d);

#endif
