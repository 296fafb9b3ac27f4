/* rrdfile.h - RRD files for graphs, drawn from the ledger.
 *
 * rrd/<service>/<client>/<server>.rrd holds one ABSOLUTE source for each count that is drawn;
 * rrd/<service>/total.rrd the same of the whole service, which for mta are the pairs of two different
 * signatories (as the total of matrix.h); rrd/health.rrd one for each health counter. Step 60 s, heartbeat 120 s. Nothing is ever read
 * back from these files into a number: they can be deleted and rebuilt at any time.
 * rrddraw.h draws them.
 */
#ifndef MAILSEAL_RRDFILE_H
#define MAILSEAL_RRDFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/ledger.h"

#define RRD_EPOCH ((int64_t)315532800) /* 1980: librrd takes nothing before it */

struct rrdstore;

/* dir is the state directory. max_series bounds the number of files that are created. Finds
 * the files that exist, removes what a kill left of one half made. NULL with err. */
struct rrdstore *rrdstore_open(const char *dir, unsigned max_series, char *err, size_t errlen);
void rrdstore_close(struct rrdstore *r);

/* True when there is a file for the pair or room for one more. Room for other to other, where
 * what falls over goes, is not taken by anybody else. */
bool rrdstore_has_room(struct rrdstore *r, enum service service, const char *client,
		       const char *server);

/* Whom the total of mta is between: the signatories of the ledger. Nobody before it is called. */
bool rrdstore_read_peers(struct rrdstore *r, struct ledger *l, char *err, size_t errlen);
/* Why the files that there are do not do: a total is missing, or holds other signatories (those read
 * last) than the peers here have. A rebuild after ledger_set_peers() puts it right. NULL: they do, or
 * there are none. */
const char *rrdstore_stale(const struct rrdstore *r, const struct peers *p);

/* One closed step, whole: creates files for new pairs, writes explicit zeros for pairs without a
 * row, marks the start of a window after a gap as unknown. A step that is in a file already is
 * not written again. Steps before 1980 write nothing. Carries on after a file that fails; failed
 * counts them, and err tells of the first when false is returned.
 *
 * A file that fails is lost: it gets no more steps until rrdstore_mend() has drawn it. What stands in
 * the place of a file and is none of ours, or is ahead of the ledger, which ends with this step, is
 * set aside. */
bool rrdstore_step(struct rrdstore *r, int64_t step, const struct ledger_row *rows, size_t n,
		   const struct health *health, unsigned *failed, char *err, size_t errlen);

/* Files that are lost. */
unsigned rrdstore_lost(const struct rrdstore *r);
/* Draws them anew from the ledger, all or none. */
bool rrdstore_mend(struct rrdstore *r, struct ledger *l, char *err, size_t errlen);
/* Who looks on while all files are drawn; each may be NULL. */
struct rrd_onlooker {
	void (*progress)(void *ctx, unsigned done, unsigned all);
	bool (*go_on)(
		void *ctx); /* asked with each row; false: it fails, and no file has changed */
	void *ctx;
};

/* Reads the peers of the ledger, draws every file anew from it and removes those of which it knows nothing. Each file
 * takes its place when it is complete, so that a kill leaves old or new ones. A step that is open
 * is left to the run that closes it. by may be NULL. */
bool rrdstore_rebuild(struct rrdstore *r, struct ledger *l, const struct rrd_onlooker *by,
		      char *err, size_t errlen);

/* Called with what was set aside: it is now path.aside. */
typedef void rrdstore_aside_cb(void *ctx, const char *path, const char *why);
void rrdstore_on_aside(struct rrdstore *r, rrdstore_aside_cb *cb, void *ctx);

#endif
