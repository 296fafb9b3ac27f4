/* counts_json.h - counts and their ratio as JSON: the same keys wherever they are shown. */
#ifndef MAILSEAL_COUNTS_JSON_H
#define MAILSEAL_COUNTS_JSON_H

#include "reports/counts.h"
#include "reports/json_out.h"

/* The keys of one object, which the caller opens and ends: sessions, E, P, U, ratio, lowest,
 * highest, coverage (null where there is nothing to divide by) and counts. lost as in
 * counts_ratio(). */
void counts_json(struct json_out *j, const struct counts *c, uint64_t lost);
/* The same keys, all of them null, for counts that are not published. */
void counts_json_withheld(struct json_out *j);

#endif
