/* rrddraw.h - pictures of the RRD files.
 *
 * A picture is told by one struct without pointers, so that it can go to a drawing process as it
 * is (drawer.h). Times that the sensor did not see are hatched, never zero; the numbers in the
 * legend are those of the caller, from the ledger. No two layers differ in colour alone.
 *
 * librrd draws in one thread of one process only, and asks the environment for the time zone:
 * drawing sets TZ.
 */
#ifndef MAILSEAL_RRDDRAW_H
#define MAILSEAL_RRDDRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/counts.h"
#include "reports/health.h"
#include "reports/peers.h"
#include "reports/rrdlib.h"

/* The first four are of a pair or of a whole service, the others of the sensor. */
enum rrd_kind {
	RRD_SESSIONS, /* the six verdicts upon each other, refused apart */
	RRD_RATIO,    /* the sealed share, and the coverage below it, in percent */
	RRD_TLS,      /* versions of TLS, upon each other */
	RRD_FUNNEL,   /* STARTTLS offered, requested, accepted, completed */
	RRD_PACKETS,  /* read and delivered, per second */
	RRD_LOSS,     /* what was lost, by layer */
	RRD_FLOWS,    /* flows, and what became of them */
	RRD_KINDS
};
const char *rrd_kind_name(enum rrd_kind k); /* "sessions" */
bool rrd_kind_by_name(const char *name, enum rrd_kind *out);
bool rrd_kind_of_sensor(enum rrd_kind k);

enum rrd_theme { RRD_LIGHT, RRD_DARK };

/* What happened from then to then: a rule where it begins, a band as long as it lasts. */
#define RRD_MARKS_MAX 32
#define RRD_LABEL_MAX 192
struct rrd_mark {
	int64_t from, to;          /* seconds; to behind the end of the picture: it goes on */
	bool critical;             /* else a warning */
	char label[RRD_LABEL_MAX]; /* in the legend; empty: none */
};

#define RRD_TEXT_MAX       192
#define RRD_LINES_MAX      8
#define RRD_ZONE_MAX       64
#define RRD_SIZE_MIN       16 /* pixels */
#define RRD_SIZE_MAX       4000
#define RRD_BACKGROUND_MAX 9

/* All zero: the sessions of no pair. Texts are plain UTF-8. */
struct rrd_picture {
	enum rrd_kind kind;
	enum service service;
	char client[PARTY_NAME_MAX + 1], server[PARTY_NAME_MAX + 1]; /* both empty: the total */
	int64_t from, to;
	unsigned width, height; /* of the plot; of the whole picture when bare */
	bool svg;               /* else PNG */
	bool bare;              /* the plot alone: no title, axes or legend */
	enum rrd_theme theme;
	char background[RRD_BACKGROUND_MAX]; /* "ffffff", "00000000" (transparent), or empty */
	char zone[RRD_ZONE_MAX];             /* "Europe/Paris"; empty: UTC */
	char title[RRD_TEXT_MAX];
	bool totals; /* the legend gives the counts below beside each layer */
	struct counts counts;
	struct health health;
	unsigned lines_n; /* of the legend, below the layers */
	char lines[RRD_LINES_MAX][RRD_TEXT_MAX];
	unsigned marks_n;
	struct rrd_mark marks[RRD_MARKS_MAX];
};

#define RRD_IMAGE_MAX ((size_t)32 << 20)

/* Whether the picture can be asked for: kind, names, period, size, background, zone, and every text
 * ends. False with a sentence in err. The texts may hold anything; what is not plain is escaped. */
bool rrd_picture_check(const struct rrd_picture *p, char *err, size_t errlen);

/* dir is the state directory. Checks the picture first. From one thread of the process only. False
 * with err, and there is no image. */
bool rrd_draw(const char *dir, const struct rrd_picture *p, struct rrd_image *out, char *err,
	      size_t errlen);

#endif
