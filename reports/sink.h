/* sink.h - one target, open: takes alerts to it, one at a time.
 *
 * Blocks for at most the target's timeout_s. Each sink runs in a process of its own (courier.h), so
 * that none delays another or the recorder. Nothing here knows incidents.db.
 */
#ifndef MAILSEAL_SINK_H
#define MAILSEAL_SINK_H

#include <stdint.h>

#include "reports/incidents.h"
#include "reports/target.h"

/* What is to be told: an event of an incident, with the incident as it was then. */
struct alert {
	int64_t event_id; /* the same at each attempt: for whoever wants to drop doubles */
	enum incident_event event;
	const struct incident *incident; /* of a test: an invented one, id 0 */
	int64_t at;                      /* of the event; seconds, UTC */
	int64_t now;                     /* of this attempt */
	bool again;                      /* was taken before and is repeated */
	const char *const
		*evidence; /* session records as JSON lines, truncated by the privacy rules */
	unsigned evidence_n;
};

enum sink_answer {
	SINK_TAKEN,
	SINK_LATER,   /* not now: down, slow, overloaded; worth another try */
	SINK_REFUSED, /* it never will be: the target understood and said no */
};

/* What one kind of target does. */
struct sink_kind {
	enum target_kind kind;
	/* NULL with a sentence in err: a file that cannot be read, a name that is none. A target that
	 * is down is no error. */
	void *(*open)(const struct target *t, char *err, size_t errlen);
	/* answer receives what was said, for people: "HTTP 200", "connection refused"; it is empty
	 * before. */
	enum sink_answer (*send)(void *sink, const struct alert *a, char *answer, size_t len);
	void (*close)(void *sink);
};
#define SINK_ANSWER_MAX 200

/* Each is in the file of its name, when the build has it. */
extern const struct sink_kind sink_syslog, sink_journald, sink_alertmanager, sink_webhook,
	sink_snmp, sink_program;

/* In this build; NULL for a kind that was left out. */
const struct sink_kind *sink_kind(enum target_kind k);

struct sink;

/* The target is copied. NULL with a sentence in err, which for a kind that was left out says so. */
struct sink *sink_open(const struct target *t, char *err, size_t errlen);
/* answer is cut to its size, and is UTF-8 that is safe for a terminal. */
enum sink_answer sink_send(struct sink *s, const struct alert *a, char answer[SINK_ANSWER_MAX + 1]);
void sink_close(struct sink *s); /* NULL is allowed */

#endif
