/* report.h - the report on a month: what the charter promises, pair by pair, and what limits what is
 * known of it.
 *
 * Holds integers from the ledger, and the incidents that touched the month; ratios are made when
 * they are shown, and so is it decided which rows are too small to publish. The same for the months
 * before, as far as the ledger goes. Who is a signatory is asked of the ledger once, for all of them.
 */
#ifndef MAILSEAL_REPORT_H
#define MAILSEAL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/counts.h"
#include "reports/health.h"
#include "reports/incidents.h"
#include "reports/ledger.h"
#include "reports/month.h"

#define REPORT_BEFORE       12  /* months before */
#define REPORT_SIGNATORIES  200 /* at most */
#define REPORT_MIN_SESSIONS 10
#define REPORT_SENSORS      16

/* What is counted of one signatory. */
enum report_side {
	SIDE_WORLD_IN,   /* mail from everybody who is no signatory to its mail servers */
	SIDE_WORLD_OUT,  /* and the other way */
	SIDE_SUBMISSION, /* users who submit mail to its servers */
	SIDE_ACCESS,     /* users who read mail there */
	SIDES
};
const char *report_side_name(enum report_side s); /* "world-in" ... */

/* A month as the ledger has it, or that part of it which is there. */
struct report_month {
	struct month month;
	int64_t from, to;                 /* in the zone */
	int64_t counted_from, counted_to; /* where the ledger cuts: ledger_border() */
	int64_t elapsed_s;                /* of counted_from to counted_to, until the ledger ends */
	int64_t before_s;                 /* of these, before the ledger begins */
	int64_t seen_s;                   /* of these, the sensor ran */
	struct health health;
	struct counts *pairs; /* [client * signatories + server]; within one: its mail to itself */
	struct counts *sides[SIDES];     /* by signatory */
	struct counts promised;          /* sum of the pairs of two */
	struct counts within;            /* sum of those of one */
	struct counts side[SIDES];       /* sums */
	struct counts beside[SERVICE_N]; /* all else: no signatory has a part in it */
};

/* A stretch of time that the sensor missed, whole or, where only hours or days are kept, in part. */
struct outage {
	int64_t from, to;
	int64_t missed_s; /* at most to - from */
};

/* A session record that proves an incident, in short. */
struct report_proof {
	bool readable; /* else the rest is nothing */
	int64_t time;
	char client[64], server[64]; /* as they were stored */
	unsigned client_port, server_port;
	char evidence[256];
	enum exposure exposure;
	enum cause cause;
	enum tri confirmed;
};

struct report_incident {
	struct incident i;
	bool firing;        /* at the end of the ledger it was not over */
	int64_t duration_s; /* since it was opened: until it closed, or the ledger ends */
	struct report_proof proofs[INCIDENT_EVIDENCE];
	size_t proofs_n;
};

struct report {
	char zone[ZONE_NAME_MAX + 1];
	unsigned min_sessions;
	int64_t generated;
	int64_t ledger_begin, ledger_end;
	int64_t deleted; /* what is older than this is past its retention; 0: nothing is */
	int64_t minutes; /* from here on outages are known to the minute, before to the hour or day */
	char (*signatories)[PARTY_NAME_MAX + 1];
	size_t signatories_n;
	char sensors[REPORT_SENSORS][INCIDENT_SENSOR_MAX + 1]; /* as far as incidents name them */
	size_t sensors_n;
	struct report_month now;
	struct report_month before[REPORT_BEFORE]; /* the newest first */
	size_t before_n;
	struct outage *outages; /* of the month */
	size_t outages_n;
	bool incidents_known;              /* there is an incidents.db */
	struct report_incident *incidents; /* critical ones first, then as they were opened */
	size_t incidents_n;
};

struct report_asked {
	const char *zone;   /* zone_use() was called with it */
	struct month month; /* year 0: the last one that is over */
	unsigned min_sessions;
	int64_t generated;
};

/* in: NULL when there is no incidents.db. NULL with a sentence in err. */
struct report *report_new(struct ledger *l, struct incidents *in, const struct report_asked *asked,
			  char *err, size_t errlen);
void report_free(struct report *r);

/* A row of so few sessions is not published: below min_sessions, and not none. */
bool report_withholds(const struct report *r, const struct counts *c);

/* What must be said on top of the report, in this order; at: the time that it is about. */
enum report_note {
	NOTE_NOT_OVER,     /* at: where the ledger ends */
	NOTE_BEGINS,       /* the ledger begins within the month, at */
	NOTE_DELETED,      /* what was before is past its retention */
	NOTE_BEGIN_COARSE, /* counted_from is not from */
	NOTE_END_COARSE,
	NOTE_NO_INCIDENTS, /* there is no incidents.db; at: 0 */
	NOTES
};
const char *report_note_name(enum report_note n); /* "month-not-over" ... */
bool report_note(const struct report *r, enum report_note n, int64_t *at);

/* A border of the month lies where the ledger had something, and cut it elsewhere. */
bool report_is_cut(const struct report *r, const struct report_month *m);

/* The two shapes for programs. The texts in an incident may hold any bytes. */
void report_json(const struct report *r, FILE *out);
void report_csv(const struct report *r, FILE *out);

#endif
