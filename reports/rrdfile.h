/* rrdfile.h - RRD files for graphs, drawn from the ledger. The only place that knows rrd.h.
 *
 * rrd/<service>/<client>/<server>.rrd holds one ABSOLUTE source for each count that is drawn;
 * rrd/health.rrd one for each health counter. Step 60 s, heartbeat 120 s. Nothing is ever read
 * back from these files into a number: they can be deleted and rebuilt at any time.
 *
 * librrd draws in one thread of one process only.
 */
#ifndef MAILSEAL_RRDFILE_H
#define MAILSEAL_RRDFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/ledger.h"

struct rrdstore;

/* dir is the state directory. max_series bounds the number of files that are created. Finds
 * the files that exist. NULL with err. */
struct rrdstore *rrdstore_open(const char *dir, unsigned max_series, char *err, size_t errlen);
void rrdstore_close(struct rrdstore *r);

/* True when there is a file for the pair or room for one more. */
bool rrdstore_has_room(struct rrdstore *r, enum service service, const char *client,
		       const char *server);

/* One closed step: creates files for new pairs, writes explicit zeros for pairs without a row,
 * marks the start of a window after a gap as unknown. Steps before 1980 write nothing. Carries on
 * after a file that fails; failed counts them and err names the first. */
bool rrdstore_step(struct rrdstore *r, int64_t step, const struct ledger_row *rows, size_t n,
		   const struct health *health, unsigned *failed, char *err, size_t errlen);

/* Deletes every file and draws all of them anew from the ledger. progress may be NULL. */
bool rrdstore_rebuild(struct rrdstore *r, struct ledger *l,
		      void (*progress)(void *ctx, unsigned done, unsigned all), void *ctx,
		      char *err, size_t errlen);

/* What to draw. Title and legend are plain text; legend has one line per row. */
struct rrd_picture {
	enum service service;
	const char *client, *server;
	int64_t from, to;
	const char *title;
	const char *const *legend; /* extra legend lines with exact totals, NULL-terminated */
	unsigned width, height;
	bool svg;
	const char *out; /* file name */
};
bool rrd_draw(const char *dir, const struct rrd_picture *p, char *err, size_t errlen);

#endif
