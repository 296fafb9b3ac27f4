#include "sensor/session.h"

#include <stdlib.h>
#include <string.h>

#include "sensor/probe.h"
#include "sensor/session_parser.h"
#include "sensor/sequence.h"
#include "sensor/unseen.h"
#include "sensor/volume.h"

#define NDPI_FLOWS  1024
#define SILENT_NS   10000000000ull /* so long without a packet: it may be pushed out */
#define SILENT_LOOK 16             /* that are asked how long, at most */

/* What is needed while the verdict is open. */
struct undecided {
	struct probe probe;
	uint32_t session;      /* whose it is */
	uint32_t older, newer; /* in its queue; POOL_NONE at the ends */
	uint8_t queue;         /* enum queue */
	struct parser parser;
};

_Static_assert(sizeof(struct undecided) <= 4096, "an undecided mail session stays below 4 kB");

/* What each packet touches stands together: it is last in struct unseen and first in struct session. */
struct live {
	struct unseen unseen;
	uint32_t undecided;   /* POOL_NONE once the verdict stands */
	bool counted;         /* a VERDICT was reported */
	bool given_up;        /* its probe was open, and there was no room for another */
	struct volume volume; /* from the verdict on */
	struct session s;     /* what was last reported, and the fixed part */
	uint64_t id;
};

/* Undecided sessions, the oldest first: the first to make room. */
enum queue {
	QUEUE_PROBED, /* that have yet to show that they are mail */
	QUEUE_MAIL,
	QUEUES
};

struct ends {
	uint32_t oldest, newest; /* POOL_NONE when there are none */
};

struct sessions {
	struct health *health;
	session_report_cb *report;
	void *ctx;
	struct pool lives, undecided;
	struct parsers *parsers;
	struct classifier *classifier;
	uint64_t next_id;
	struct ends queues[QUEUES];
};

static uint32_t max_lives(const struct conf *c)
{
	return c->max_flows > c->max_undecided ? c->max_flows : c->max_undecided;
}

struct sessions *sessions_new(const struct conf *c, struct health *health, session_report_cb *cb,
			      void *ctx)
{
	struct sessions *ss = calloc(1, sizeof(*ss));

	if (!ss)
		return NULL;
	ss->health = health;
	ss->report = cb;
	ss->ctx = ctx;
	ss->classifier = classifier_new(NDPI_FLOWS);
	ss->parsers = parsers_new(c, health);
	for (unsigned q = 0; q < QUEUES; q++)
		ss->queues[q] = (struct ends){ POOL_NONE, POOL_NONE };
	if (!ss->classifier || !ss->parsers ||
	    !pool_init(&ss->lives, sizeof(struct live), max_lives(c)) ||
	    !pool_init(&ss->undecided, sizeof(struct undecided), c->max_undecided)) {
		sessions_free(ss);
		return NULL;
	}
	return ss;
}

size_t sessions_bytes(const struct conf *c)
{
	return sizeof(struct sessions) + classifier_bytes(NDPI_FLOWS) + parsers_bytes(c) +
	       pool_bytes(sizeof(struct live), max_lives(c)) +
	       pool_bytes(sizeof(struct undecided), c->max_undecided);
}

void sessions_free(struct sessions *ss)
{
	if (!ss)
		return;
	parsers_free(ss->parsers);
	classifier_free(ss->classifier);
	pool_fini(&ss->undecided);
	pool_fini(&ss->lives);
	free(ss);
}

static struct live *live_at(const struct sessions *ss, uint32_t index)
{
	return pool_at(&ss->lives, index);
}

static struct undecided *undecided_at(const struct sessions *ss, uint32_t index)
{
	return pool_at(&ss->undecided, index);
}

static struct undecided *undecided_of(const struct sessions *ss, const struct live *l)
{
	return l->undecided == POOL_NONE ? NULL : undecided_at(ss, l->undecided);
}

/* Room --------------------------------------------------------------------------------------- */

static void queue(struct sessions *ss, uint32_t undecided, enum queue q)
{
	struct undecided *u = undecided_at(ss, undecided);
	struct ends *e = &ss->queues[q];

	u->queue = (uint8_t)q;
	u->newer = POOL_NONE;
	u->older = e->newest;
	if (u->older != POOL_NONE)
		undecided_at(ss, u->older)->newer = undecided;
	else
		e->oldest = undecided;
	e->newest = undecided;
}

static void unqueue(struct sessions *ss, const struct undecided *u)
{
	struct ends *e = &ss->queues[u->queue];

	if (u->older != POOL_NONE)
		undecided_at(ss, u->older)->newer = u->newer;
	else
		e->oldest = u->newer;
	if (u->newer != POOL_NONE)
		undecided_at(ss, u->newer)->older = u->older;
	else
		e->newest = u->older;
}

/* A segment that has come and was not followed: what is in front of it may come yet. */
static void count_waiting(void *ctx, enum side from, uint32_t seq, uint32_t n)
{
	struct live *l = ctx;

	volume_segment(&l->volume, &l->s, from, seq, n);
}

/* From now on only bytes are counted. */
static void release(struct sessions *ss, struct live *l)
{
	struct undecided *u = undecided_of(ss, l);

	if (!u)
		return;
	volume_init(&l->volume, u->parser.reasm.side[CLIENT].next,
		    u->parser.reasm.side[SERVER].next);
	parser_waiting(ss->parsers, &u->parser, count_waiting, l);
	unqueue(ss, u);
	probe_fini(&u->probe, ss->classifier);
	parser_fini(ss->parsers, &u->parser);
	pool_give(&ss->undecided, l->undecided);
	l->undecided = POOL_NONE;
}

/* That has been probed for longest; it is taken not to be mail then. */
static bool give_up_probed(struct sessions *ss)
{
	uint32_t oldest = ss->queues[QUEUE_PROBED].oldest;
	struct live *l;

	if (oldest == POOL_NONE)
		return false;
	l = live_at(ss, undecided_at(ss, oldest)->session);
	release(ss, l);
	l->given_up = true;
	return true;
}

static void push_out(struct sessions *ss, struct live *l, struct undecided *u, uint64_t now_ns);

/* Mail that has been silent. Who is not goes to the end of the queue, and is not in the way the next
 * time. */
static bool push_out_silent(struct sessions *ss, uint64_t now_ns)
{
	for (unsigned n = 0; n < SILENT_LOOK; n++) {
		uint32_t oldest = ss->queues[QUEUE_MAIL].oldest;
		struct undecided *u;
		struct live *l;

		if (oldest == POOL_NONE)
			return false;
		u = undecided_at(ss, oldest);
		l = live_at(ss, u->session);
		if (now_ns > l->s.end_ns && now_ns - l->s.end_ns >= SILENT_NS) {
			push_out(ss, l, u, now_ns);
			return true;
		}
		unqueue(ss, u);
		queue(ss, oldest, QUEUE_MAIL);
	}
	return false;
}

/* When all are in use, that of another session, if there is one that may have to do without.
 * POOL_NONE when there is none. */
static uint32_t take_undecided(struct sessions *ss, uint64_t now_ns)
{
	uint32_t undecided = pool_take(&ss->undecided);

	if (undecided != POOL_NONE)
		return undecided;
	if (!give_up_probed(ss) && !push_out_silent(ss, now_ns))
		return POOL_NONE;
	ss->health->n[HEALTH_UNDECIDED_FULL]++;
	return pool_take(&ss->undecided);
}

/* A side of which only the other's acknowledgments are known begins there, if these are the first. */
static void begin_unseen(struct unseen *u, const struct session_start *start)
{
	for (unsigned i = 0; i < SIDES; i++) {
		enum side side = (enum side)i;

		if (start->visible[i] || (start->stands[i] && start->syn[other_side(side)]))
			unseen_begin(u, side, start->first_seq[i], start->visible[i]);
		if (start->has_acked[i])
			unseen_acked(u, side, start->acked[i]);
	}
}

uint32_t session_open(struct sessions *ss, const struct session_start *start, uint64_t now_ns)
{
	uint32_t undecided = take_undecided(ss, now_ns), index;
	struct undecided *u;

	if (undecided == POOL_NONE)
		return POOL_NONE;
	index = pool_take(&ss->lives);
	if (index == POOL_NONE) {
		pool_give(&ss->undecided, undecided);
		return POOL_NONE;
	}
	*live_at(ss, index) = (struct live){ .id = ++ss->next_id, .undecided = undecided };
	begin_unseen(&live_at(ss, index)->unseen, start);
	u = undecided_at(ss, undecided);
	u->session = index;
	parser_init(ss->parsers, &u->parser, start);
	probe_init(&u->probe, start->probing);
	queue(ss, undecided, start->probing ? QUEUE_PROBED : QUEUE_MAIL);
	return index;
}

/* Is it mail? -------------------------------------------------------------------------------- */

static void disagree_if(struct sessions *ss, bool differs)
{
	ss->health->n[HEALTH_DISAGREE] += differs;
}

static enum session_state let_go(struct sessions *ss, uint32_t index)
{
	struct live *l = live_at(ss, index);
	const struct undecided *u = undecided_of(ss, l);

	disagree_if(ss, u && u->probe.ndpi_mail);
	release(ss, l);
	pool_give(&ss->lives, index);
	return SESSION_NOT_MAIL;
}

static enum session_state settle(struct sessions *ss, uint32_t index, struct undecided *u)
{
	if (!u->probe.open)
		return SESSION_GOES_ON;
	switch (probe_ask(&u->probe, &u->parser.mail, parser_waits(&u->parser))) {
	case PROBE_OPEN: return SESSION_GOES_ON;
	case PROBE_MAIL:
		unqueue(ss, u);
		queue(ss, live_at(ss, index)->undecided, QUEUE_MAIL);
		disagree_if(ss, u->probe.ndpi_other);
		return SESSION_GOES_ON;
	case PROBE_NOT_MAIL: break;
	}
	return let_go(ss, index);
}

/* Judging ------------------------------------------------------------------------------------ */

static bool weighs_more(const struct session *now, const struct session *before)
{
	return now->exposure > before->exposure || now->confirmed > before->confirmed ||
	       now->messages > before->messages;
}

static void judge(const struct live *l, struct undecided *u, enum ending how, struct session *out)
{
	parser_judge(&u->parser, how, out);
	out->end_ns = l->s.end_ns;
	out->decided_ns = l->s.decided_ns;
}

/* Nothing that is still to come can change what was reported, but another message or TLS. */
static bool weighs_most(const struct session *before, const struct facts *f)
{
	return before->verdict == VERDICT_PLAINTEXT && before->exposure == EXPOSURE_CONTENT &&
	       before->confirmed == TRI_TRUE && before->messages == f->s.messages &&
	       f->tls != TLS_COMPLETE;
}

/* Reports the verdict when it falls, and plaintext again when it weighs more. Not inlined: what it
 * keeps on the stack is cleared at the start of a function. */
__attribute__((noinline)) static void judge_now(struct sessions *ss, struct live *l,
						struct undecided *u, uint64_t now_ns)
{
	struct session now;

	judge(l, u, ENDING_OPEN, &now);
	if (!l->counted) {
		now.decided_ns = now_ns;
		l->counted = true;
		ss->report(ss->ctx, MESSAGE_VERDICT, l->id, true, &now);
	} else if (now.verdict == VERDICT_PLAINTEXT && weighs_more(&now, &l->s)) {
		ss->report(ss->ctx, MESSAGE_WEIGHT, l->id, true, &now);
	}
	l->s = now;
}

/* The same with each packet, as long as there is something to say. */
static void judge_open(struct sessions *ss, struct live *l, struct undecided *u, uint64_t now_ns)
{
	const struct facts *f = &u->parser.mail.facts;

	if (u->probe.open || !facts_decided(f) || (l->counted && weighs_most(&l->s, f)))
		return;
	judge_now(ss, l, u, now_ns);
	if (f->tls == TLS_COMPLETE) /* nothing can change it any more */
		release(ss, l);
}

/* Its verdict falls now, with what there is. Of what comes later only the bytes count. */
static void push_out(struct sessions *ss, struct live *l, struct undecided *u, uint64_t now_ns)
{
	parser_end(ss->parsers, &u->parser, ENDING_EVICTED);
	l->given_up = !l->counted && !probe_is_mail(&u->probe, &u->parser.mail);
	if (!l->given_up)
		judge_open(ss, l, u, now_ns);
	if (!l->given_up && !l->counted) {
		judge(l, u, ENDING_EVICTED, &l->s);
		l->s.decided_ns = now_ns;
		l->counted = true;
		ss->report(ss->ctx, MESSAGE_VERDICT, l->id, true, &l->s);
	}
	release(ss, l);
}

/* Something was parsed. */
static enum session_state go_on(struct sessions *ss, uint32_t index, struct undecided *u,
				uint64_t now_ns)
{
	if (settle(ss, index, u) == SESSION_NOT_MAIL)
		return SESSION_NOT_MAIL;
	judge_open(ss, live_at(ss, index), u, now_ns);
	return SESSION_GOES_ON;
}

/* Packets ------------------------------------------------------------------------------------ */

#define LINE 64 /* bytes of the cache */

void session_fetch(const struct sessions *ss, uint32_t index)
{
	const struct live *l = live_at(ss, index);

	__builtin_prefetch(&l->unseen.bytes);
	__builtin_prefetch((const uint8_t *)&l->unseen.bytes + LINE);
}

/* Of what has yet to show that it is mail they are kept. */
static void count_unseen(struct sessions *ss, struct live *l)
{
	const struct undecided *u = undecided_of(ss, l);

	if (l->unseen.bytes > 0 && !(u && u->probe.open))
		ss->health->n[HEALTH_ACKED_UNSEEN] += unseen_take(&l->unseen);
}

enum session_state session_packet(struct sessions *ss, uint32_t index, enum side from,
				  const struct packet *p, uint64_t now_ms)
{
	struct live *l = live_at(ss, index);
	struct undecided *u = undecided_of(ss, l);

	l->s.end_ns = p->time_ns;
	if (l->given_up)
		return let_go(ss, index);
	unseen_packet(&l->unseen, from, p, now_ms);
	count_unseen(ss, l);
	if (!u) {
		volume_segment(&l->volume, &l->s, from, p->seq, p->wire_length);
		return SESSION_GOES_ON;
	}
	if (p->wire_length > 0)
		probe_packet(&u->probe, ss->classifier, &u->parser.mail, p);
	parser_packet(ss->parsers, &u->parser, from, p, now_ms);
	return go_on(ss, index, u, p->time_ns);
}

bool session_stalled(const struct sessions *ss, uint32_t index)
{
	const struct undecided *u = undecided_of(ss, live_at(ss, index));

	return u && parser_stalled(&u->parser);
}

enum session_state session_poll(struct sessions *ss, uint32_t index, uint64_t now_ms,
				uint64_t now_ns)
{
	struct live *l = live_at(ss, index);
	struct undecided *u = undecided_of(ss, l);

	if (l->given_up)
		return let_go(ss, index);
	if (!u)
		return SESSION_GOES_ON;
	parser_poll(ss->parsers, &u->parser, now_ms);
	return go_on(ss, index, u, now_ns);
}

bool session_expects(const struct sessions *ss, uint32_t index, enum side from, uint32_t seq)
{
	const struct live *l = live_at(ss, index);
	const struct undecided *u = undecided_of(ss, l);

	return u ? parser_expects(&u->parser, from, seq) : seq_in_window(l->volume.next[from], seq);
}

bool session_is_last(const struct sessions *ss, uint32_t index, enum side from, uint32_t seq)
{
	const struct live *l = live_at(ss, index);
	const struct undecided *u = undecided_of(ss, l);

	return u ? parser_is_last(&u->parser, from, seq) : seq - l->volume.next[from] <= 1;
}

bool session_finished(const struct sessions *ss, uint32_t index)
{
	const struct undecided *u = undecided_of(ss, live_at(ss, index));

	return !u || parser_finished(&u->parser);
}

/* The end ------------------------------------------------------------------------------------ */

static void report_end(struct sessions *ss, uint64_t id, bool counted, const struct session *s)
{
	if (s->directions != DIRECTIONS_BOTH)
		ss->health->n[HEALTH_ONE_SIDED]++;
	ss->health->n[HEALTH_SESSIONS]++;
	ss->report(ss->ctx, MESSAGE_END, id, counted, s);
}

/* The record at the end. What a verdict that was reported said stays, whatever came later; only
 * its weight may grow. */
static void judge_end(struct live *l, struct undecided *u, enum ending how, uint64_t now_ns)
{
	struct session s;

	judge(l, u, how, &s);
	if (l->counted) {
		s.verdict = l->s.verdict;
		s.reason = l->s.reason;
	} else {
		s.decided_ns = now_ns;
	}
	l->s = s;
}

bool session_close(struct sessions *ss, uint32_t index, enum ending how, uint64_t now_ns)
{
	struct live *l = live_at(ss, index);
	struct undecided *u = undecided_of(ss, l);

	if (u)
		parser_end(ss->parsers, &u->parser, how);
	if (l->given_up || (u && !l->counted && !probe_is_mail(&u->probe, &u->parser.mail))) {
		let_go(ss, index);
		return false;
	}
	if (u)
		judge_open(ss, l, u, now_ns); /* what the last bytes decided, if they did */
	u = undecided_of(ss, l);
	if (u)
		judge_end(l, u, how, now_ns);
	unseen_end(&l->unseen);
	ss->health->n[HEALTH_ACKED_UNSEEN] += unseen_take(&l->unseen);
	report_end(ss, l->id, l->counted, &l->s);
	release(ss, l);
	pool_give(&ss->lives, index);
	return true;
}

void session_refused(struct sessions *ss, const struct session_start *start, uint64_t now_ns)
{
	struct session s;

	parser_refused(start, &s);
	s.decided_ns = s.end_ns = now_ns;
	report_end(ss, ++ss->next_id, false, &s);
}
