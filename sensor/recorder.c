/* recorder.c - the second process: turns records into ledger, files and incidents. */
#include "sensor/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reports/deadline.h"
#include "reports/downgrade.h"
#include "reports/progress.h"
#include "reports/recent.h"
#include "reports/record.h"
#include "reports/tally.h"
#include "sensor/eras.h"
#include "sensor/inbox.h"
#include "sensor/log.h"
#include "sensor/store.h"
#include "sensor/summary.h"

#define QUEUE_LIVE  16384 /* while a disk stalls */
#define QUEUE_FILES 1024  /* the capture waits */
#define IDLE_MS     500
#define HOLE_MAX    (1ull << 40) /* no run loses more records than this */
#define MOVED_BITS  10           /* sessions that count in another step than decided: 8192 */
#define ERR_MAX     512
#define KEEP_S      (2 * STEP_S) /* without a step that is over: the clock was set back */

struct recorder {
	struct recorder_options o;
	struct store *store; /* NULL: no state */
	struct tally *tally;
	struct eras *eras;
	struct recent
		*moved; /* by session: the step in which it counts, if not that of decided_ns */
	struct downgrades *downgrades;
	struct downgrade why; /* of the session of this message */
	struct counts found;  /* of the whole run */
	struct health so_far;
	uint64_t heard_ns;      /* the time, with these */
	int64_t kept;           /* when a step was closed; seconds, of a clock that is not set */
	uint64_t forgotten;     /* servers, until the last step */
	uint64_t own[HEALTH_N]; /* lost, late and so on, which the capture cannot know */
	uint64_t number;        /* of the last message, */
	uint64_t wall_ns;       /* and what the clock said when it was taken */
	uint64_t now_ns;        /* the latest of all messages */
	bool begun;             /* the store has agreed to the first step */
	bool refused;           /* or not */
	bool finished;          /* the capture said that it was its last message */
	bool failed;
	bool capture_failed; /* which was said */
	bool sessions_failed;
	struct progress bar;   /* on standard error */
	char line[RECORD_MAX]; /* the session record being written */
};

static int64_t steady_s(void)
{
	return steady_ms() / 1000;
}

static bool open_store(struct recorder *r, char *err, size_t errlen)
{
	r->store = store_open(r->o.conf, r->o.state_dir, r->o.live, err, errlen);
	return r->store && store_servers(r->store, downgrades_servers(r->downgrades), err, errlen);
}

struct recorder *recorder_new(const struct recorder_options *o, char *err, size_t errlen)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->o = *o;
	r->kept = steady_s();
	r->tally = tally_new(o->conf->max_series);
	r->eras = eras_new(o->conf);
	r->moved = recent_new(MOVED_BITS, sizeof(int64_t));
	r->downgrades = downgrades_new(o->conf->max_servers);
	if (o->state_dir && !open_store(r, err, errlen)) {
		recorder_free(r);
		return NULL;
	}
	return r;
}

static size_t queue_of(bool live)
{
	return live ? QUEUE_LIVE : QUEUE_FILES;
}

size_t recorder_bytes(const struct conf *c, bool live)
{
	return sizeof(struct recorder) + inbox_bytes(queue_of(live)) + tally_bytes(c->max_series) +
	       recent_bytes(MOVED_BITS, sizeof(int64_t)) + downgrades_bytes(c->max_servers) +
	       store_bytes(c);
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	store_close(r->store);
	eras_free(r->eras);
	downgrades_free(r->downgrades);
	recent_free(r->moved);
	tally_free(r->tally);
	free(r);
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool is_mail(const struct message *m)
{
	return m->kind == MESSAGE_VERDICT || m->kind == MESSAGE_WEIGHT || m->kind == MESSAGE_END;
}

/* Steps -------------------------------------------------------------------------------------- */

/* What is counted here and not by the capture. */
static const enum health_counter own_counters[] = { HEALTH_LOST,      HEALTH_LATE,
						    HEALTH_FUTURE,    HEALTH_OVERFLOW,
						    HEALTH_FORGOTTEN, HEALTH_UNLOGGED };

static uint64_t forgotten_since(struct recorder *r)
{
	uint64_t before = r->forgotten;

	r->forgotten = servers_forgotten(downgrades_servers(r->downgrades));
	return r->forgotten - before;
}

/* What was learnt of servers goes with the step. When it fails it goes with a later one. */
static void keep_step(struct recorder *r, struct ledger_batch *b)
{
	struct servers *servers = downgrades_servers(r->downgrades);

	b->servers_n = servers_changed(servers, &b->servers);
	b->servers_max = servers_max(servers);
	if (store_step(r->store, b))
		servers_saved(servers);
}

static void close_step(struct recorder *r, bool open)
{
	struct health health;
	struct ledger_batch b = { .step = tally_oldest(r->tally), .open = open, .health = &health };

	b.rows_n = tally_take(r->tally, &b.rows, &health);
	health.n[HEALTH_FORGOTTEN] = forgotten_since(r);
	if (r->store)
		health.n[HEALTH_UNLOGGED] = store_unlogged(r->store);
	for (size_t i = 0; i < b.rows_n; i++)
		counts_add(&r->found, &b.rows[i].counts);
	for (unsigned i = 0; i < sizeof(own_counters) / sizeof(own_counters[0]); i++)
		r->own[own_counters[i]] += health.n[own_counters[i]];
	if (r->store)
		keep_step(r, &b);
	if (r->o.on_step && !r->o.on_step(r->o.ctx, &b))
		r->failed = true;
	r->kept = steady_s();
}

/* The clock was set back: no step will be over for as long. What there is goes to the ledger every
 * two minutes all the same, and the step stays open for more. */
static void keep_open_step(struct recorder *r)
{
	tally_start(r->tally, tally_now(r->tally));
	while (tally_due(r->tally) >= 0)
		close_step(r, false);
	if (tally_oldest(r->tally) >= 0)
		close_step(r, true);
}

/* Moves the time on, begins the run with the first step, and closes what is over. False when the
 * state directory does not take this run. */
static bool advance(struct recorder *r, const struct message *m)
{
	char err[ERR_MAX];

	r->wall_ns = wall_ns();
	tally_time(r->tally, m->now_ns, r->wall_ns);
	if (is_mail(m))
		tally_time(r->tally, m->mail.decided_ns, r->wall_ns);
	if (!r->begun && tally_now(r->tally) >= 0) {
		r->begun = true;
		if (r->store &&
		    !store_begin(r->store, tally_now(r->tally), r->tally, err, sizeof(err))) {
			log_event(LOG_LEVEL_ERROR, "event=state-refused why=\"%s\"", err);
			r->refused = true;
			return false;
		}
	}
	while (tally_due(r->tally) >= 0)
		close_step(r, false);
	if (r->o.live && steady_s() >= r->kept + KEEP_S)
		keep_open_step(r);
	return true;
}

/* Sessions ----------------------------------------------------------------------------------- */

static int64_t step_of(uint64_t ns)
{
	int64_t s = (int64_t)(ns / 1000000000u);

	return s - s % STEP_S;
}

/* Counts a session, and remembers where if that cannot be told from the session. */
static void count(struct recorder *r, const struct message *m, const struct pair *p)
{
	int64_t step = tally_session(r->tally, &m->mail, p, r->wall_ns);

	if (step != step_of(m->mail.decided_ns))
		*(int64_t *)recent_add(r->moved, m->session) = step;
}

static int64_t counted_step(struct recorder *r, const struct message *m)
{
	const int64_t *step = recent_find(r->moved, m->session);

	return step ? *step : step_of(m->mail.decided_ns);
}

static struct record_context context(struct recorder *r, const struct message *m,
				     const struct pair *p)
{
	return (struct record_context){
		.sensor = r->o.conf->sensor,
		.interface =
			m->mail.interface < r->o.inputs_n ? r->o.inputs[m->mail.interface] : NULL,
		.pair = p,
		.downgrade = &r->why,
		.counted = counted_step(r, m),
		.truncate = true,
	};
}

/* A session that a rule wants goes to the incidents, with a time that can be believed. */
static void weigh(struct recorder *r, const struct message *m, const struct pair *p)
{
	struct record_context c;
	struct session s;

	if (!r->store || !store_wants(r->store, &m->mail, p))
		return;
	c = context(r, m, p);
	s = m->mail;
	record_json(&s, &c, r->line);
	r->line[strcspn(r->line, "\n")] = '\0';
	if (step_of(s.decided_ns) > c.counted)
		s.decided_ns = (uint64_t)c.counted * 1000000000u;
	if (step_of(s.end_ns) > tally_now(r->tally))
		s.end_ns = s.decided_ns;
	store_incident(r->store, m->session, &s, p, r->line);
}

/* Nothing but sessions goes to --sessions. After an error it is left alone. */
static void print_session(struct recorder *r, const char *line, size_t len)
{
	if (r->sessions_failed || fwrite(line, 1, len, r->o.sessions) == len)
		return;
	r->sessions_failed = r->failed = true;
	log_event(LOG_LEVEL_ERROR, "event=write-failed what=sessions why=\"%s\"", strerror(errno));
}

static void flush_sessions(struct recorder *r)
{
	if (!r->o.sessions || r->sessions_failed || fflush(r->o.sessions) == 0)
		return;
	r->sessions_failed = r->failed = true;
	log_event(LOG_LEVEL_ERROR, "event=write-failed what=sessions why=\"%s\"", strerror(errno));
}

static void end(struct recorder *r, const struct message *m, const struct pair *p)
{
	struct record_context c;
	size_t len;

	if (!m->counted)
		count(r, m, p);
	tally_end(r->tally, &m->mail, p, r->wall_ns);
	weigh(r, m, p);
	if (!r->store && !r->o.sessions)
		return;
	c = context(r, m, p);
	if (r->store) {
		len = record_json(&m->mail, &c, r->line);
		store_log(r->store, c.counted, r->line, len);
	}
	if (r->o.sessions) {
		c.truncate = false;
		len = record_json(&m->mail, &c, r->line);
		print_session(r, r->line, len);
	}
}

/* Messages ----------------------------------------------------------------------------------- */

static void say_step(const struct recorder *r, const struct message *m)
{
	char text[32];

	step_text(tally_now(r->tally), text, sizeof(text));
	log_event(LOG_LEVEL_WARNING, "event=clock-stepped seconds=%+" PRId64 " counting-in=%s",
		  (int64_t)(m->now_ns - r->heard_ns) / 1000000000, text);
}

static void say_link(void *ctx, const char *name, bool up)
{
	(void)ctx;
	log_event(up ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "event=interface-%s interface=%s",
		  up ? "up" : "down", name);
}

/* The capture process cannot open the files that tell what the interfaces dropped. */
static void on_health(struct recorder *r, struct message *m)
{
	if (r->o.live && r->heard_ns > 0 &&
	    m->health.n[HEALTH_TIME_JUMPS] > r->so_far.n[HEALTH_TIME_JUMPS])
		say_step(r, m);
	r->heard_ns = m->now_ns;
	if (r->o.interfaces) {
		m->health.n[HEALTH_DROP_NIC] = interfaces_dropped(r->o.interfaces);
		interfaces_links(r->o.interfaces, say_link, NULL);
	}
	r->so_far = m->health;
	r->finished = m->last;
	tally_health(r->tally, &m->health, r->wall_ns);
	if (r->o.on_health)
		r->o.on_health(r->o.ctx, &m->health);
}

/* It can fail once. */
static void on_failure(struct recorder *r, const struct message *m)
{
	if (!r->capture_failed)
		log_event(LOG_LEVEL_ERROR, "event=capture-failed why=\"%s\"", m->failure);
	r->capture_failed = r->failed = true;
}

static void on_progress(struct recorder *r, const struct message *m)
{
	const struct progress_at at = {
		.bytes = m->position.bytes,
		.bytes_all = m->position.bytes_all,
		.things = m->position.packets,
		.what = "packets",
	};

	progress_show(&r->bar, &at);
}

/* What the sessions before say about this one, from the message that counts it on. */
static void judge(struct recorder *r, struct message *m, const struct pair *p)
{
	if (m->kind == MESSAGE_VERDICT || (m->kind == MESSAGE_END && !m->counted))
		downgrades_first(r->downgrades, m->session, &m->mail, p, &r->why);
	else
		downgrades_again(r->downgrades, m->session, &m->mail, &r->why);
}

/* What was counted before keeps the names under which it was. */
static const struct peers *peers_of(const struct recorder *r, const struct message *m)
{
	if (m->kind == MESSAGE_WEIGHT || (m->kind == MESSAGE_END && m->counted))
		return eras_peers(r->eras, m->mail.decided_ns);
	return r->o.conf->peers;
}

static void on_message(struct recorder *r, struct message *m)
{
	enum message_kind kind = (enum message_kind)m->kind;
	struct pair p;

	if (is_mail(m)) {
		peers_pair(peers_of(r, m), &m->mail, &p);
		judge(r, m, &p);
	}
	switch (kind) {
	case MESSAGE_VERDICT:
		count(r, m, &p);
		weigh(r, m, &p);
		break;
	case MESSAGE_WEIGHT: weigh(r, m, &p); break;
	case MESSAGE_END: end(r, m, &p); break;
	case MESSAGE_HEALTH: on_health(r, m); break;
	case MESSAGE_FAILURE: on_failure(r, m); break;
	case MESSAGE_PROGRESS: on_progress(r, m); break;
	case MESSAGE_KINDS: break;
	}
}

/* False when the numbers do not grow as they must. */
static bool check_number(struct recorder *r, const struct message *m, uint64_t *lost)
{
	if (m->number <= r->number || m->number - r->number > HOLE_MAX)
		return false;
	*lost = m->number - r->number - 1;
	r->number = m->number;
	return true;
}

/* A capture without a packet has no time, and counts in no step. */
static bool knows_time(const struct message *m)
{
	return m->now_ns > 0 || is_mail(m) ||
	       (m->kind == MESSAGE_HEALTH && m->health.n[HEALTH_PACKETS] > 0);
}

/* False: the run cannot go on. */
static bool take(struct recorder *r, struct message *m)
{
	uint64_t lost;

	if (!check_number(r, m, &lost)) {
		log_event(LOG_LEVEL_ERROR,
			  "event=bad-record why=\"numbers of records do not grow\"");
		return false;
	}
	if (!knows_time(m)) {
		r->finished |= m->last;
		if (m->kind == MESSAGE_FAILURE)
			on_failure(r, m);
		return true;
	}
	if (!advance(r, m))
		return false;
	if (m->now_ns > r->now_ns)
		r->now_ns = m->now_ns;
	if (lost > 0)
		tally_lost(r->tally, lost, r->wall_ns);
	on_message(r, m);
	return true;
}

static void consume(struct recorder *r, struct inbox *b)
{
	struct message *m;

	for (;;) {
		if (r->o.between && !r->o.between(r->o.ctx))
			return;
		switch (inbox_take(b, &m, IDLE_MS)) {
		case INBOX_MESSAGE:
			if (!take(r, m))
				return;
			break;
		case INBOX_IDLE:
			flush_sessions(r);
			if (r->store)
				store_flush(r->store);
			break;
		case INBOX_END: return;
		case INBOX_BAD:
			log_event(LOG_LEVEL_ERROR,
				  "event=bad-record why=\"the capture process sent no record\"");
			return;
		}
	}
}

/* While it runs ------------------------------------------------------------------------------ */

const struct conf *recorder_conf(const struct recorder *r)
{
	return r->o.conf;
}

bool recorder_reload(struct recorder *r, struct conf *next, char *err, size_t errlen)
{
	if (r->store && !store_configure(r->store, next, err, errlen))
		return false;
	eras_begin(r->eras, next, r->now_ns);
	r->o.conf = next;
	return true;
}

void recorder_reopen(struct recorder *r)
{
	if (r->store)
		store_reopen(r->store);
}

uint64_t recorder_taken(const struct recorder *r)
{
	return r->number;
}

/* Running ------------------------------------------------------------------------------------ */

/* The capture process takes these signals and says when it is done. */
static void ignore_signal(int sig)
{
	struct sigaction now, ignore = { .sa_handler = SIG_IGN };

	if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		sigaction(sig, &ignore, NULL);
}

/* Live, the last step stays open: a later run may add to it. */
static void close_all(struct recorder *r)
{
	while (tally_oldest(r->tally) >= 0)
		close_step(r, r->o.live && tally_oldest(r->tally) == tally_now(r->tally));
}

static struct health final_health(const struct recorder *r)
{
	struct health h = r->so_far;

	for (unsigned i = 0; i < HEALTH_N; i++)
		h.n[i] += r->own[i];
	return h;
}

/* Sessions that go to a terminal would be mixed with it. */
static void start_bar(struct recorder *r)
{
	bool mixed = r->o.sessions && isatty(fileno(r->o.sessions));

	progress_init(&r->bar, stderr, r->o.progress && !mixed);
	log_over(&r->bar);
}

static void stop_bar(struct recorder *r)
{
	progress_clear(&r->bar);
	log_over(NULL);
}

/* One that ended by itself before its first word could not confine itself, and said why. */
static void say_capture_died(struct recorder *r)
{
	int number = r->o.capture_signal ? r->o.capture_signal(r->o.ctx) : 0;
	const char *name = sigabbrev_np(number);

	if (number > 0)
		log_event(LOG_LEVEL_ERROR, "event=capture-died why=\"signal %d, SIG%s\"", number,
			  name ? name : "?");
	else if (r->number > 0)
		log_event(LOG_LEVEL_ERROR,
			  "event=capture-died why=\"it ended before its last record\"");
	r->failed = true;
}

static int finish(struct recorder *r, struct health *last)
{
	if (!r->refused) {
		close_all(r);
		r->failed |= r->store && !store_end(r->store);
	}
	flush_sessions(r);
	*last = final_health(r);
	if (!r->finished && !r->refused)
		say_capture_died(r);
	if (!r->o.quiet && !r->refused)
		summary_sessions(&r->found, last->n[HEALTH_LOST], stderr);
	return r->failed || r->refused ? 1 : 0;
}

int recorder_run(struct recorder *r, int channel_fd, struct health *last)
{
	struct inbox *b;

	ignore_signal(SIGTERM);
	ignore_signal(SIGINT);
	b = inbox_new(channel_fd, queue_of(r->o.live));
	if (!b) {
		log_event(LOG_LEVEL_ERROR, "event=no-thread");
		return 1;
	}
	start_bar(r);
	consume(r, b);
	stop_bar(r);
	inbox_free(b);
	return finish(r, last);
}
