/* rrd_layers.c - the kinds of pictures, as a table. */
#include "reports/rrd_layers.h"

#include <string.h>

static const char *const paints[PAINT_N][2] = {
	[PAINT_BLUE] = { "#0072B2", "#2E8FCB" },       [PAINT_SKY] = { "#56B4E9", "#8CCBF0" },
	[PAINT_PALE] = { "#CFE6F5", "#24465C" },       [PAINT_GREEN] = { "#009E73", "#14B88A" },
	[PAINT_YELLOW] = { "#F0E442", "#F0E442" },     [PAINT_ORANGE] = { "#E69F00", "#E69F00" },
	[PAINT_VERMILLION] = { "#D55E00", "#EE6F10" }, [PAINT_PURPLE] = { "#CC79A7", "#D88DB6" },
	[PAINT_FAINT] = { "#D4D4D4", "#4A525C" },      [PAINT_GREY] = { "#8A8A8A", "#858F9A" },
	[PAINT_INK] = { "#1A1A1A", "#F2F2F2" },
};

const char *rrd_paint(enum rrd_paint p, enum rrd_theme t)
{
	return paints[p][t == RRD_DARK];
}

/* E / (E + P) and (E + P + F) / (E + P + F + U) of doc/metrics.md: a share of nothing is nothing,
 * so that the line has a hole where no session was decided. */
#define SEALED  "enc_starttls,enc_implicit,+"
#define CLEAR   "plaintext,refused,-,0,MAX"
#define SHARE   SEALED "," CLEAR ",+,0,GT," SEALED ",100,*," SEALED "," CLEAR ",+,/,UNKN,IF"
#define DECIDED SEALED "," CLEAR ",+,tls_failed,+"
#define COVERAGE \
	DECIDED ",indeterminate,+,0,GT," DECIDED ",100,*," DECIDED ",indeterminate,+,/,UNKN,IF"

/* A strip along the foot of the picture. */
#define FOOT CLEAR ",0,GT,4,UNKN,IF"

#define DASHES      ":dashes=8,3"
#define SHORT       ":dashes=4,3"
#define DOTS        ":dashes=1,3"
#define ONLY(count) count, RRD_NONE, NULL

const struct rrd_layers rrd_layers[RRD_KINDS] = {
	[RRD_SESSIONS] = {
		"sessions", "sessions", false, UNIT_OF_PERIOD,
		{ COUNT_ENC_STARTTLS, COUNT_ENC_IMPLICIT, COUNT_PLAINTEXT, COUNT_REFUSED,
		  COUNT_TLS_FAILED, COUNT_NO_TRANSACTION, COUNT_INDETERMINATE }, 7,
		{
			{ RRD_AREA, PAINT_BLUE, "sealed, STARTTLS", ONLY(COUNT_ENC_STARTTLS), NULL },
			{ RRD_STACK, PAINT_SKY, "sealed, implicit TLS", ONLY(COUNT_ENC_IMPLICIT), NULL },
			{ RRD_STACK, PAINT_VERMILLION, "in clear", COUNT_PLAINTEXT, COUNT_REFUSED, NULL, NULL },
			{ RRD_STACK, PAINT_PURPLE, "in clear, refused", ONLY(COUNT_REFUSED), NULL },
			{ RRD_STACK, PAINT_ORANGE, "TLS failed", ONLY(COUNT_TLS_FAILED), NULL },
			{ RRD_STACK, PAINT_GREY, "undecided", ONLY(COUNT_INDETERMINATE), NULL },
			{ RRD_STACK, PAINT_FAINT, "without a mail", ONLY(COUNT_NO_TRANSACTION), NULL },
		}, 7,
	},
	[RRD_RATIO] = {
		"ratio", "percent", false, UNIT_PERCENT,
		{ COUNT_ENC_STARTTLS, COUNT_ENC_IMPLICIT, COUNT_PLAINTEXT, COUNT_REFUSED,
		  COUNT_TLS_FAILED, COUNT_INDETERMINATE }, 6,
		{
			{ RRD_AREA, PAINT_PALE, "coverage (decided, of all that carried mail)", 0, RRD_NONE, COVERAGE, NULL },
			{ RRD_LINE, PAINT_BLUE, "sealed, of the decided", 0, RRD_NONE, SHARE, "2" },
			{ RRD_AREA, PAINT_VERMILLION, "there was mail in clear", 0, RRD_NONE, FOOT, NULL },
		}, 3,
	},
	[RRD_TLS] = {
		"tls", "sessions", false, UNIT_OF_PERIOD,
		{ COUNT_TLS10, COUNT_TLS11, COUNT_TLS12, COUNT_TLS13 }, 4,
		{
			{ RRD_AREA, PAINT_BLUE, "TLS 1.3", ONLY(COUNT_TLS13), NULL },
			{ RRD_STACK, PAINT_SKY, "TLS 1.2", ONLY(COUNT_TLS12), NULL },
			{ RRD_STACK, PAINT_ORANGE, "TLS 1.1", ONLY(COUNT_TLS11), NULL },
			{ RRD_STACK, PAINT_VERMILLION, "TLS 1.0", ONLY(COUNT_TLS10), NULL },
		}, 4,
	},
	[RRD_FUNNEL] = {
		"funnel", "sessions", false, UNIT_OF_PERIOD,
		{ COUNT_OFFERED, COUNT_REQUESTED, COUNT_ACCEPTED, COUNT_ENC_STARTTLS }, 4,
		{
			{ RRD_AREA, PAINT_PALE, "STARTTLS offered", ONLY(COUNT_OFFERED), NULL },
			{ RRD_LINE, PAINT_PURPLE, "requested", ONLY(COUNT_REQUESTED), "3" },
			{ RRD_LINE, PAINT_ORANGE, "accepted", ONLY(COUNT_ACCEPTED), "2" DASHES },
			{ RRD_LINE, PAINT_BLUE, "completed", ONLY(COUNT_ENC_STARTTLS), "1.5" SHORT },
		}, 4,
	},
	[RRD_PACKETS] = {
		"packets", "packets", true, UNIT_SECOND,
		{ HEALTH_PACKETS, HEALTH_DELIVERED }, 2,
		{
			{ RRD_AREA, PAINT_PALE, "read", ONLY(HEALTH_PACKETS), NULL },
			{ RRD_LINE, PAINT_BLUE, "delivered to the flow table", ONLY(HEALTH_DELIVERED), "1.5" },
		}, 2,
	},
	[RRD_LOSS] = {
		"loss", "lost", true, UNIT_OF_PERIOD,
		{ HEALTH_DROP_KERNEL, HEALTH_DROP_NIC, SKIP_FULL, HEALTH_EVICTED, HEALTH_GAPS,
		  HEALTH_LOST }, 6,
		{
			{ RRD_AREA, PAINT_ORANGE, "packets, by the interface", ONLY(HEALTH_DROP_NIC), NULL },
			{ RRD_STACK, PAINT_VERMILLION, "packets, in the capture ring", ONLY(HEALTH_DROP_KERNEL), NULL },
			{ RRD_STACK, PAINT_YELLOW, "packets, flow table full", ONLY(SKIP_FULL), NULL },
			{ RRD_STACK, PAINT_PURPLE, "flows, pushed out", ONLY(HEALTH_EVICTED), NULL },
			{ RRD_STACK, PAINT_SKY, "holes in streams", ONLY(HEALTH_GAPS), NULL },
			{ RRD_STACK, PAINT_INK, "records", ONLY(HEALTH_LOST), NULL },
		}, 6,
	},
	[RRD_FLOWS] = {
		"flows", "connections", true, UNIT_OF_PERIOD,
		{ HEALTH_FLOWS, HEALTH_SESSIONS, HEALTH_NOT_MAIL, HEALTH_ONE_SIDED }, 4,
		{
			{ RRD_AREA, PAINT_PALE, "opened", ONLY(HEALTH_FLOWS), NULL },
			{ RRD_LINE, PAINT_BLUE, "mail sessions", ONLY(HEALTH_SESSIONS), "2" },
			{ RRD_LINE, PAINT_GREY, "not mail", ONLY(HEALTH_NOT_MAIL), "1.5" DASHES },
			{ RRD_LINE, PAINT_VERMILLION, "one-sided", ONLY(HEALTH_ONE_SIDED), "1.5" DOTS },
		}, 4,
	},
};

const char *rrd_kind_name(enum rrd_kind k)
{
	return rrd_layers[k].name;
}

bool rrd_kind_by_name(const char *name, enum rrd_kind *out)
{
	for (unsigned k = 0; k < RRD_KINDS; k++) {
		if (strcmp(rrd_layers[k].name, name) == 0) {
			*out = (enum rrd_kind)k;
			return true;
		}
	}
	return false;
}

bool rrd_kind_of_sensor(enum rrd_kind k)
{
	return rrd_layers[k].sensor;
}
