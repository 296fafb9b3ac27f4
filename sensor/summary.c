/* summary.c - what a run has found, in a few lines for the operator. */
#include "sensor/summary.h"

#include <inttypes.h>

static void print_ratio(const struct counts *c, uint64_t lost, FILE *out)
{
	struct ratio r = counts_ratio(c, lost);
	char text[32], coverage[32];

	ratio_text(&r, text, sizeof(text));
	coverage_fine_text(&r, coverage, sizeof(coverage));
	fprintf(out, "encrypted %s of %" PRIu64 " decided", text, r.encrypted + r.plaintext);
	if (r.covered)
		fprintf(out, ", coverage %s", coverage);
	fputc('\n', out);
}

static void print_verdicts(const struct counts *c, FILE *out)
{
	static const enum count verdicts[] = { COUNT_ENC_STARTTLS,   COUNT_ENC_IMPLICIT,
					       COUNT_PLAINTEXT,      COUNT_TLS_FAILED,
					       COUNT_NO_TRANSACTION, COUNT_INDETERMINATE };

	fprintf(out, "sessions %" PRIu64, counts_sessions(c));
	for (unsigned i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		fprintf(out, ", %s %" PRIu64, count_name(verdicts[i]), c->n[verdicts[i]]);
	if (c->n[COUNT_EXCEPTED] > 0)
		fprintf(out, "; excepted %" PRIu64, c->n[COUNT_EXCEPTED]);
	fputc('\n', out);
}

void summary_sessions(const struct counts *c, uint64_t lost, FILE *out)
{
	print_verdicts(c, out);
	print_ratio(c, lost, out);
}

/* Counters that are not zero; those that say little of a healthy run are left out. */
void summary_print(const struct health *h, FILE *out)
{
	fprintf(out, "packets %" PRIu64, h->n[HEALTH_PACKETS]);
	for (unsigned i = HEALTH_PACKETS + 1; i < HEALTH_N; i++) {
		if (h->n[i] > 0 && i != HEALTH_BYTES && i != HEALTH_SESSIONS)
			fprintf(out, ", %s %" PRIu64, health_name((enum health_counter)i), h->n[i]);
	}
	fputc('\n', out);
}
