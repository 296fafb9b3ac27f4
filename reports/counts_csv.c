/* counts_csv.c - counts and their ratio as CSV. */
#include "reports/counts_csv.h"

#include <inttypes.h>

#include "reports/csv.h"

static const char *const ratio_names[] = {
	"sessions", "E", "P", "U", "ratio", "lowest", "highest", "coverage",
};
#define RATIO_NAMES (sizeof(ratio_names) / sizeof(ratio_names[0]))

void counts_csv_names(FILE *out)
{
	for (size_t i = 0; i < RATIO_NAMES; i++)
		fprintf(out, "%s%s", i ? "," : "", ratio_names[i]);
	for (unsigned i = 0; i < COUNT_N; i++)
		fprintf(out, ",%s", count_name((enum count)i));
}

void counts_csv(FILE *out, const struct counts *c, uint64_t lost)
{
	struct ratio r = counts_ratio(c, lost);
	bool bounded = r.encrypted + r.plaintext + r.unknown > 0;

	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, counts_sessions(c),
		r.encrypted, r.plaintext, r.unknown);
	putc(',', out);
	csv_share(out, r.known, r.ratio);
	putc(',', out);
	csv_share(out, bounded, r.lowest);
	putc(',', out);
	csv_share(out, bounded, r.highest);
	putc(',', out);
	csv_share(out, r.covered, r.coverage);
	for (unsigned i = 0; i < COUNT_N; i++)
		fprintf(out, ",%" PRIu64, c->n[i]);
}

void counts_csv_withheld(FILE *out, const char *sessions)
{
	fputs(sessions, out);
	for (size_t i = 1; i < RATIO_NAMES + COUNT_N; i++)
		putc(',', out);
}
