/* courier.c - takes what waits for one target to it, until told to end. */
#include "reports/courier.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "reports/deliveries.h"
#include "reports/sink.h"

#define POLL_MS 1000
#define GRACE_S 2  /* for an attempt beyond the timeout of its target */
#define SET_S   10 /* a clock that moves by less was not set */
#define ERR_MAX 512

struct run {
	const struct courier *c;
	struct deliveries *queue; /* NULL: not open */
	struct sink *sink;        /* NULL: not open */
	bool last;                /* told to end: alarm() ends the last pass */
	bool down;                /* the target; said, until it works again */
	bool lost;                /* the store; the same */
	int64_t apart;            /* the clock of the day and one that nobody sets; seconds */
};

static void say(const struct run *r, enum courier_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const struct run *r, enum courier_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->c->say(level, text);
}

/* The order to end ends the loop after this pass, which must not last. */
static void listen_for_end(struct run *r, int wait_ms)
{
	struct pollfd fd = { r->c->life, POLLIN, 0 };

	if (r->last || poll(&fd, 1, wait_ms) <= 0)
		return;
	r->last = true;
	alarm(COURIER_LAST_S);
}

/* The store ---------------------------------------------------------------------------------- */

static void store_failed(struct run *r, const char *err)
{
	if (!r->lost)
		say(r, COURIER_ERROR, "event=deliveries-stopped target=%s why=\"%s\"",
		    r->c->target->name, err);
	r->lost = true;
	deliveries_close(r->queue);
	r->queue = NULL;
}

static bool open_queue(struct run *r)
{
	char err[ERR_MAX];

	if (r->queue)
		return true;
	r->queue = deliveries_open(r->c->dir, r->c->target, r->c->windows, r->c->windows_n, err,
				   sizeof(err));
	if (!r->queue)
		store_failed(r, err);
	return r->queue != NULL;
}

static void store_works(struct run *r)
{
	if (r->lost)
		say(r, COURIER_INFO, "event=deliveries-go-on target=%s", r->c->target->name);
	r->lost = false;
}

/* The clock ---------------------------------------------------------------------------------- */

static int64_t seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec;
}

/* *now receives the time. A clock that was set makes nothing that waits older; false when the store
 * cannot be told. */
static bool look_at_clock(struct run *r, int64_t *now, char *err, size_t errlen)
{
	int64_t apart, step;

	*now = seconds(CLOCK_REALTIME);
	apart = *now - seconds(CLOCK_BOOTTIME);
	step = apart - r->apart;
	if ((step > SET_S || step < -SET_S) && !deliveries_clock_set(r->queue, step, err, errlen))
		return false;
	r->apart = apart;
	return true;
}

/* The target --------------------------------------------------------------------------------- */

static struct alert alert_of(const struct delivery *del)
{
	return (struct alert){
		.event_id = del->event_id,
		.event = del->event,
		.incident = &del->incident,
		.at = del->at,
		.now = seconds(CLOCK_REALTIME),
		.again = del->again && del->taken,
		.evidence = (const char *const *)del->evidence,
		.evidence_n = del->evidence_n,
	};
}

/* It stands in quotes in the log, and must not end them. */
static void without_quotes(char *answer)
{
	for (; *answer; answer++) {
		if (*answer == '"')
			*answer = '\'';
	}
}

/* Takes as long as the target's timeout_s, or the process ends. */
static enum sink_answer attempt(struct run *r, const struct delivery *del,
				char answer[SINK_ANSWER_MAX + 1])
{
	struct alert a = alert_of(del);
	enum sink_answer taken = SINK_LATER;

	if (!r->last)
		alarm(r->c->target->timeout_s + GRACE_S);
	if (!r->sink)
		r->sink = sink_open(r->c->target, answer, SINK_ANSWER_MAX + 1);
	if (r->sink)
		taken = sink_send(r->sink, &a, answer);
	without_quotes(answer);
	if (!r->last)
		alarm(0);
	return taken;
}

/* Of a target that is down, one line. */
static void say_whether_up(struct run *r, enum sink_answer a, const char *answer)
{
	const char *name = r->c->target->name;

	if (a == SINK_LATER && !r->down)
		say(r, COURIER_WARNING, "event=target-down target=%s why=\"%s\"", name, answer);
	else if (a != SINK_LATER && r->down)
		say(r, COURIER_INFO, "event=target-up target=%s", name);
	r->down = a == SINK_LATER;
}

static void say_outcome(struct run *r, const struct delivery *del, enum delivery_state state,
			unsigned given_up, const char *answer)
{
	const char *name = r->c->target->name, *what = incident_event_name(del->event);

	if (state == DELIVERY_REFUSED)
		say(r, COURIER_ERROR,
		    "event=delivery-refused target=%s incident=%" PRId64 " what=%s why=\"%s\"",
		    name, del->incident.id, what, answer);
	if (given_up > 0)
		say(r, COURIER_ERROR,
		    "event=delivery-given-up target=%s incident=%" PRId64
		    " what=%s deliveries=%u why=\"%s\"",
		    name, del->incident.id, what, given_up, answer);
}

/* False when the store does not take the outcome. */
static bool deliver(struct run *r, const struct delivery *del)
{
	char answer[SINK_ANSWER_MAX + 1] = "", err[ERR_MAX];
	enum delivery_state state = DELIVERY_WAITING;
	enum sink_answer a = SINK_LATER;
	unsigned given_up = 0;
	int64_t now = 0;

	if (del->hopeless)
		snprintf(answer, sizeof(answer), "no attempt ended in time");
	else
		a = attempt(r, del, answer);
	if (!look_at_clock(r, &now, err, sizeof(err)) ||
	    !deliveries_record(r->queue, del, a, answer, now, &state, &given_up, err,
			       sizeof(err))) {
		store_failed(r, err);
		return false;
	}
	if (del->event == EVENT_TEST)
		return true; /* whoever asked for it sees */
	say_whether_up(r, a, answer);
	say_outcome(r, del, state, given_up, answer);
	return true;
}

/* Whoever asked for a test knows no sensor. A receiver may know it by its name, or nothing at all. */
static void sign_test(const struct run *r, struct delivery *del)
{
	struct incident *i = &del->incident;

	if (del->event == EVENT_TEST)
		snprintf(i->sensor, sizeof(i->sensor), "%s", r->c->sensor);
}

/* One delivery after the other, until nothing is due. */
static void pass(struct run *r)
{
	enum deliveries_next next = DELIVERIES_FAILED;
	struct delivery del;
	char err[ERR_MAX];
	bool ok = true;
	int64_t now;

	if (!open_queue(r))
		return;
	do {
		next = look_at_clock(r, &now, err, sizeof(err))
			       ? deliveries_next(r->queue, now, &del, err, sizeof(err))
			       : DELIVERIES_FAILED;
		if (next == DELIVERIES_DUE) {
			sign_test(r, &del);
			ok = deliver(r, &del);
			delivery_fini(&del);
			listen_for_end(r, 0);
		}
	} while (ok && next == DELIVERIES_DUE);
	if (next == DELIVERIES_FAILED)
		store_failed(r, err);
	else if (ok)
		store_works(r);
}

void courier_run(const struct courier *c)
{
	struct run r = { .c = c, .apart = seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME) };

	do {
		pass(&r);
		listen_for_end(&r, POLL_MS);
	} while (!r.last);
	pass(&r);
	sink_close(r.sink);
	deliveries_close(r.queue);
	alarm(0);
}
