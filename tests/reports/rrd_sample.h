/* rrd_sample.h - a state directory with RRD files of forty minutes, for tests that draw. */
#ifndef MAILSEAL_TESTS_RRD_SAMPLE_H
#define MAILSEAL_TESTS_RRD_SAMPLE_H

#include "tests/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/rrddraw.h"
#include "reports/rrdfile.h"

#define T0 ((int64_t)1795305600) /* 2026-11-22T00:00:00Z */

static char sample_dir[64]; /* with what librrd might take for an end or an escape */

static int sample_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int sample_remove(void **state)
{
	(void)state;
	return nftw(sample_dir, sample_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* alpha to beta; of minutes 20 to 24 the sensor saw nothing. */
static void sample_step(struct rrdstore *r, unsigned minute)
{
	struct ledger_row row = { .service = SERVICE_MTA, .client = "alpha", .server = "beta" };
	struct health h = { .n = { [HEALTH_PACKETS] = 600, [HEALTH_DELIVERED] = 500 } };
	unsigned failed;
	char err[512];

	row.counts.n[COUNT_ENC_STARTTLS] = row.counts.n[COUNT_TLS13] = minute % 7;
	row.counts.n[COUNT_OFFERED] = 7;
	row.counts.n[COUNT_PLAINTEXT] = minute == 30;
	row.counts.n[COUNT_INDETERMINATE] = 1;
	h.n[HEALTH_LOST] = minute == 11;
	h.n[HEALTH_FLOWS] = 9;
	if (!rrdstore_step(r, T0 + 60 * minute, &row, 1, &h, &failed, err, sizeof(err)))
		fail_msg("%s", err);
}

static int sample_make(void **state)
{
	struct rrdstore *r;
	char err[512];

	(void)state;
	strcpy(sample_dir, "/tmp/mailseal:draw\\-XXXXXX");
	if (mkdtemp(sample_dir) == NULL)
		return -1;
	r = rrdstore_open(sample_dir, 10, err, sizeof(err));
	if (r == NULL)
		return -1;
	for (unsigned m = 0; m < 40; m++) {
		if (m < 20 || m > 24)
			sample_step(r, m);
	}
	rrdstore_close(r);
	return 0;
}

static struct rrd_picture sample_picture(enum rrd_kind kind)
{
	struct rrd_picture p = { .kind = kind,
				 .service = SERVICE_MTA,
				 .client = "alpha",
				 .server = "beta",
				 .from = T0 - 600,
				 .to = T0 + 3000,
				 .title = "alpha to beta: mta",
				 .width = 400,
				 .height = 120,
				 .totals = true,
				 .lines_n = 2,
				 .lines = { "12 sessions: 100 % (a\\b)", "second line" } };

	return p;
}

static bool is_png(const struct rrd_image *i)
{
	return i->len > 24 && memcmp(i->bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_svg(const struct rrd_image *i)
{
	return i->len > 200 && memmem(i->bytes, 200, "<svg", 4) != NULL;
}

#endif
