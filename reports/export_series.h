/* export_series.h - what `mailseal export` can give of a pair and of the sensor: name, unit, value.
 *
 * Of a pair the numbers of the matrix, then the counts; of the sensor its health.
 */
#ifndef MAILSEAL_EXPORT_SERIES_H
#define MAILSEAL_EXPORT_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/counts.h"
#include "reports/health.h"

enum series_of { SERIES_OF_PAIR, SERIES_OF_SENSOR, SERIES_OF_N };

#define SERIES_MAX 64 /* of either; more than there are */

struct series_about {
	const char *name, *unit, *text;
};

size_t series_count(enum series_of of);
struct series_about series_about(enum series_of of, size_t i);

/* Reads "NAME,NAME..." in that order, a name given again is one; NULL is all of them. False with a
 * sentence in err. */
struct series_wanted {
	size_t n;
	unsigned char at[SERIES_MAX]; /* as in series_about() */
};
bool series_read(enum series_of of, const char *names, struct series_wanted *out, char *err,
		 size_t errlen);

/* A whole number or, for unit "1", a share. */
struct series_value {
	bool is_share;
	bool known;
	uint64_t n;
	double share;
};

/* Records that were lost belong to no pair: they are not in U. */
void series_of_counts(const struct counts *c, struct series_value out[SERIES_MAX]);
void series_of_health(const struct health *h, struct series_value out[SERIES_MAX]);

/* Every series with its unit and meaning, for people. */
void series_list(FILE *out);

#endif
