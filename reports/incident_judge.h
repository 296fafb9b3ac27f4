/* incident_judge.h - what the ledger says of the time before a step, for the rules.
 *
 * Reads the ledger and asks rules.h; keeps nothing and knows no store.
 */
#ifndef MAILSEAL_INCIDENT_JUDGE_H
#define MAILSEAL_INCIDENT_JUDGE_H

#include "reports/incidents.h"

/* What the sensor saw of a time. */
struct sight {
	struct health sum;
	int64_t dark_s; /* the longest stretch in which it saw no packet, or did not run; it may
			 * have begun before the time */
	int64_t last_s; /* so long it has seen none up to the end, and it ran */
};

/* Of the steps from <= step < end; aligned to steps. How long it was dark is looked for from early
 * on, which is at most from. False with err. */
bool judge_sight(struct ledger *l, int64_t early, int64_t from, int64_t end, struct sight *out,
		 char *err, size_t errlen);

/* The pairs of which the ledger holds sessions of a time, by service, with their counts. */
struct judge_pair {
	struct ledger_row sum;
	bool promised; /* both are signatories, and not the same */
};
struct judge_pairs {
	struct judge_pair *list;
	size_t n, room;
};

/* *out was zeroed; its list is the caller's to free, also after an error. */
bool judge_pairs(struct ledger *l, int64_t from, int64_t end, struct judge_pairs *out, char *err,
		 size_t errlen);

/* The counts of a pair among these; NULL when it has none. */
const struct judge_pair *judge_find(const struct judge_pairs *p, enum service service,
				    const char *client, const char *server);

/* What a quiet time is judged by. */
struct judge {
	struct ledger *ledger;
	int64_t end;        /* of the step */
	int64_t blind_s;    /* so long without a packet is blind; at least a step */
	double lossy_share; /* share of packets or records lost that is too much */
};

/* Has a peer of an incident left the configuration? Then nothing will show that it is over. Fills why if
 * so; false with err when the ledger cannot be read. */
bool judge_gone(const struct judge *j, const struct incident *i, char why[INCIDENT_WHY_MAX + 1],
		char *err, size_t errlen);

/* Is an incident that was quiet for quiet_s shown to be over? Fills why unless it is. False with
 * err when the ledger cannot be read. */
bool judge_quiet(const struct judge *j, const struct incident *i, enum rule r,
		 const struct rule_settings *set, int64_t quiet_s, char why[INCIDENT_WHY_MAX + 1],
		 char *err, size_t errlen);

#endif
