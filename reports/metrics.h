/* metrics.h - what the sensor has counted, for Prometheus: a file for node_exporter's textfile
 * collector, written anew with each step.
 *
 * Counters are totals since the ledger began: a restart goes on where the ledger ends, and what is
 * past its retention stays in them. The ledger is summed once; then each step is added in memory.
 * Labels are peers of the configuration, their "-net", and "other". What the names mean is said in
 * doc/metrics.md.
 */
#ifndef MAILSEAL_METRICS_H
#define MAILSEAL_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/incidents.h"
#include "reports/ledger.h"
#include "reports/peers.h"

struct metrics;

/* Of the state directory; file: where to write, empty for DIR/metrics.prom. Beside it FILE.new is
 * written and renamed. Writes nothing yet. */
struct metrics *metrics_new(const char *dir, const char *file);
void metrics_free(struct metrics *m);  /* NULL is allowed */
size_t metrics_bytes(unsigned series); /* the memory that it takes with so many */

/* Takes over what the ledger holds of these peers. Pairs of signatories begin with zeros, unless
 * they are more than max_pairs: so the first session of one is seen to be one more. */
bool metrics_load(struct metrics *m, struct ledger *l, const struct peers *p, size_t max_pairs,
		  char *err, size_t errlen);

/* A step that is in the ledger. */
void metrics_add(struct metrics *m, const struct ledger_batch *b);

/* Writes the file: a reader sees the old one or the new one. Anybody may read it (mode 0644). writes:
 * metrics_text.h; or NULL. */
struct metrics_writes;
bool metrics_write(const struct metrics *m, struct incidents *in,
		   const struct metrics_writes *writes, char *err, size_t errlen);

#endif
