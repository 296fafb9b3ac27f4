/* incident_live.h - what the parts of the incidents share: incidents.c opens and saves them,
 * incident_sessions.c makes them of sessions, incident_steps.c of the ledger, and settles them.
 */
#ifndef MAILSEAL_INCIDENT_LIVE_H
#define MAILSEAL_INCIDENT_LIVE_H

#include "reports/incident_store.h"
#include "reports/incidents.h"
#include "reports/recent.h"

#define HOUR_S  3600
#define DAY_S   86400
#define MINUTES 60 /* of the hour in which sessions count towards min_sessions */

/* What a rule wants more sessions of before it opens an incident. It is in memory only. */
struct brew {
	int64_t minute; /* the latest one that counts; minutes since 1970 */
	uint32_t in_minute[MINUTES];
	char *records[INCIDENT_EVIDENCE];
};

#define PENDING_MAX 8

/* What happened to an incident and is not in the store yet, with what the incident was then. */
struct pending {
	enum incident_event event;
	int64_t at; /* seconds, UTC */
	enum severity severity;
	enum incident_state state;
	char why[INCIDENT_WHY_MAX + 1];
};

/* An incident that is not closed, and what of it is not in the store yet. */
struct live {
	struct incident i;
	uint64_t serial;   /* within this run; an id is there only once it is stored */
	struct brew *brew; /* owned; it is no incident yet. NULL for one */
	bool dirty;
	struct pending events[PENDING_MAX]; /* in their order; of the last, i says what it was */
	unsigned events_n;
	char *records[INCIDENT_EVIDENCE]; /* owned; evidence that is not in the store yet */
};

/* What a session that may still grow was counted as, under one rule. */
struct counted {
	uint64_t serial; /* of its incident */
	uint8_t exposure, cause, confirmed;
	uint8_t slot; /* of its evidence; INCIDENT_EVIDENCE for none */
	int32_t messages;
};

struct incidents {
	struct incident_store *store;
	char sensor[INCIDENT_SENSOR_MAX + 1];
	int64_t quiet_s;
	double lossy_share;
	struct rule_entry *entries;
	size_t entries_n;
	struct recent *counted;
	struct live *live;
	size_t live_n, live_room;
	size_t brews;
	bool behind; /* the store took nothing; it is not asked again before the next round */
	uint64_t serials;
};

/* Whom an event is told. */
struct listener {
	incident_cb *cb; /* or NULL */
	void *ctx;
};

struct rule_settings live_settings(const struct incidents *in, enum rule r, const char *client,
				   const char *server);

/* The one of this identity, whether it is an incident yet or not; NULL. */
struct live *live_find(struct incidents *in, enum rule r, enum service service, const char *client,
		       const char *server);

/* A new one, not raised. When one of this identity has closed within a day before at, it is that
 * one, with its id and counts. Valid until the next one is added. */
struct live *live_add(struct incidents *in, enum rule r, enum service service, const char *client,
		      const char *server, int64_t at);

/* Something happens to it: called before it changes. Of more than PENDING_MAX that wait for the store the
 * first and the last remain. */
void live_note(struct live *l, enum incident_event e, int64_t at);

/* It is an incident from now on, for the first time or again. */
void live_raise(struct incidents *in, struct live *l, int64_t at);

/* Something of it was seen: a stale one is open again. */
void live_seen(struct live *l, int64_t when);

/* Writes it, with evidence or NULL for each slot of records, in one transaction. On failure all of
 * it stays in memory and is saved again later; until then the store is left alone, and this
 * returns true at once. */
bool live_save(struct incidents *in, struct live *l, const char *const records[INCIDENT_EVIDENCE],
	       const struct listener *to, char *err, size_t errlen);

/* It may not become one. Nothing happens without a brew. */
void live_forget_brew(struct incidents *in, struct live *l);

/* Sessions of the hour up to end; 0 without a brew. */
uint64_t live_brewed(const struct live *l, int64_t end);

/* It becomes one, and is saved with the evidence that was kept. */
bool live_raise_brew(struct incidents *in, struct live *l, int64_t at, const struct listener *to,
		     char *err, size_t errlen);

#endif
