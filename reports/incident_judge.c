/* incident_judge.c - what the ledger says of the time before a step, for the rules. */
#include "reports/incident_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_SIZE   (INCIDENT_WHY_MAX + 1)
#define MINUTES_S  (7 * 86400) /* further back the hours tell enough */
#define SIGNED_MAX PEERS_MAX

/* What the sensor saw ------------------------------------------------------------------------ */

struct looking {
	struct sight *out;
	int64_t step_s;
	int64_t from;  /* sums are of these steps */
	int64_t light; /* end of the last step with a packet, or the beginning */
	int64_t ran;   /* end of the last step in which it ran */
};

static void note_dark(struct looking *k, int64_t until)
{
	if (until > k->from && until - k->light > k->out->dark_s)
		k->out->dark_s = until - k->light;
}

/* The step in which it began is no whole one, and is not counted: what was before, nobody saw. */

static bool look(void *ctx, int64_t step, const struct health *h)
{
	struct looking *k = ctx;
	bool began = step != k->ran;

	for (unsigned n = 0; step >= k->from && n < HEALTH_N; n++)
		k->out->sum.n[n] += h->n[n];
	if (h->n[HEALTH_PACKETS] > 0 || began)
		k->out->last_s = 0;
	else
		k->out->last_s += k->step_s;
	k->ran = step + k->step_s;
	if (h->n[HEALTH_PACKETS] == 0)
		return true;
	note_dark(k, step);
	k->light = step + k->step_s;
	return true;
}

static enum resolution resolution_for(int64_t seconds)
{
	return seconds > MINUTES_S ? RESOLUTION_HOUR : RESOLUTION_MINUTE;
}

bool judge_sight(struct ledger *l, int64_t early, int64_t from, int64_t end, struct sight *out,
		 char *err, size_t errlen)
{
	enum resolution r = resolution_for(end - early);
	struct looking k = { .out = out, .step_s = resolution_seconds(r), .light = early };

	memset(out, 0, sizeof(*out));
	k.from = from - from % k.step_s;
	k.ran = early - early % k.step_s; /* before that it ran, for all that is looked at */
	if (!ledger_walk_health(l, r, early - early % k.step_s, end, look, &k, err, errlen))
		return false;
	note_dark(&k, end);
	if (k.ran < end)
		out->last_s = 0;
	return true;
}

/* Pairs -------------------------------------------------------------------------------------- */

struct signatories {
	char (*names)[PEER_NAME_MAX + 1];
	size_t n, room;
};

static void *grown(void *list, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return list;
	*room = *room ? 2 * *room : 16;
	list = reallocarray(list, *room, size);
	if (!list)
		abort();
	return list;
}

static bool add_signatory(void *ctx, const char *name, bool signatory)
{
	struct signatories *s = ctx;

	if (signatory) {
		s->names = grown(s->names, s->n, &s->room, sizeof(*s->names));
		snprintf(s->names[s->n++], sizeof(*s->names), "%s", name);
	}
	return s->n < SIGNED_MAX;
}

static bool has_signed(const struct signatories *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->names[i], name) == 0)
			return true;
	}
	return false;
}

static bool add_pair(void *ctx, const struct ledger_row *sum)
{
	struct judge_pairs *p = ctx;

	p->list = grown(p->list, p->n, &p->room, sizeof(*p->list));
	p->list[p->n++] = (struct judge_pair){ .sum = *sum };
	return true;
}

bool judge_pairs(struct ledger *l, int64_t from, int64_t end, struct judge_pairs *out, char *err,
		 size_t errlen)
{
	struct ledger_query q = { .from = from, .to = end, .service = -1 };
	struct signatories s = { .n = 0 };
	bool ok = ledger_sum(l, &q, add_pair, out, err, errlen) &&
		  ledger_peers(l, add_signatory, &s, err, errlen);

	for (size_t i = 0; ok && i < out->n; i++) {
		const struct ledger_row *r = &out->list[i].sum;

		out->list[i].promised = strcmp(r->client, r->server) != 0 &&
					has_signed(&s, r->client) && has_signed(&s, r->server);
	}
	free(s.names);
	return ok;
}

const struct judge_pair *judge_find(const struct judge_pairs *p, enum service service,
				    const char *client, const char *server)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct ledger_row *r = &p->list[i].sum;

		if (r->service == service && strcmp(r->client, client) == 0 &&
		    strcmp(r->server, server) == 0)
			return &p->list[i];
	}
	return NULL;
}

/* Peers that are gone ------------------------------------------------------------------------- */

/* A party of which a peer of the configuration may be; "other" and "-" are always there. */
struct party {
	const char *name;
	bool known;
	size_t peers;
};

static bool add_peer(void *ctx, const char *name, bool signatory)
{
	struct party *p = ctx;
	size_t len = strlen(name);

	(void)signatory;
	p->peers++;
	if (strncmp(p->name, name, len) == 0 &&
	    (p->name[len] == '\0' || strcmp(p->name + len, "-net") == 0))
		p->known = true;
	return true;
}

/* A ledger without any peers was written by a sensor that was started without its configuration. */
static bool is_known(struct ledger *l, const char *name, bool *known, char *err, size_t errlen)
{
	struct party p = { .name = name };

	*known = true;
	if (strcmp(name, "other") == 0 || strcmp(name, "-") == 0)
		return true;
	if (!ledger_peers(l, add_peer, &p, err, errlen))
		return false;
	*known = p.known || p.peers == 0;
	return true;
}

bool judge_gone(const struct judge *j, const struct incident *i, char why[WHY_SIZE], char *err,
		size_t errlen)
{
	bool client, server;

	why[0] = '\0';
	if (!is_known(j->ledger, i->client, &client, err, errlen) ||
	    !is_known(j->ledger, i->server, &server, err, errlen))
		return false;
	if (!client || !server)
		snprintf(why, WHY_SIZE,
			 "not shown to be over: %s is no longer in the configuration",
			 client ? i->server : i->client);
	return true;
}

/* The quiet time ----------------------------------------------------------------------------- */

static double share(uint64_t lost, uint64_t got)
{
	return lost == 0 ? 0 : (double)lost / ((double)lost + (double)got);
}

/* Why the sensor cannot vouch for the time because it did not see; empty when it did. */
static void judge_blind(const struct judge *j, const struct sight *s, char why[WHY_SIZE])
{
	why[0] = '\0';
	if (s->sum.n[HEALTH_PACKETS] == 0)
		snprintf(why, WHY_SIZE, "the sensor saw no packets in the quiet time");
	else if (s->dark_s >= j->blind_s)
		snprintf(why, WHY_SIZE, "the sensor saw no packets for %" PRId64 " min",
			 s->dark_s / 60);
}

/* The same because it lost too much. */
static void judge_loss(const struct judge *j, const struct sight *s, char why[WHY_SIZE])
{
	const uint64_t *n = s->sum.n;
	double packets = share(n[HEALTH_DROP_KERNEL] + n[HEALTH_DROP_NIC], n[HEALTH_PACKETS]);
	double records = share(n[HEALTH_LOST], n[HEALTH_SESSIONS]);

	if (packets > j->lossy_share)
		snprintf(why, WHY_SIZE, "the sensor lost %.2f %% of the packets in the quiet time",
			 100 * packets);
	else if (records > j->lossy_share)
		snprintf(why, WHY_SIZE, "the sensor lost %.2f %% of its records in the quiet time",
			 100 * records);
}

static void judge_counts(const struct counts *sum, enum rule r, const struct rule_settings *set,
			 char why[WHY_SIZE])
{
	struct ratio ratio = counts_ratio(sum, 0);
	uint64_t decided = sum->n[COUNT_ENC_STARTTLS] + sum->n[COUNT_ENC_IMPLICIT] +
			   sum->n[COUNT_PLAINTEXT] + sum->n[COUNT_TLS_FAILED];
	char text[32];

	if (r == RULE_RATIO_BELOW) /* what failed shows no ratio, as when it opened */
		decided = ratio.encrypted + ratio.plaintext;
	if (decided == 0) {
		snprintf(why, WHY_SIZE, "no session of the pair was decided in the quiet time");
	} else if (decided < set->min_sessions) {
		snprintf(why, WHY_SIZE,
			 "only %" PRIu64 " session%s of the pair %s decided in the quiet time, and"
			 " %u are needed",
			 decided, decided == 1 ? "" : "s", decided == 1 ? "was" : "were",
			 set->min_sessions);
	} else if (ratio.covered && 10000 * ratio.coverage < set->min_coverage_x100) {
		coverage_fine_text(&ratio, text, sizeof(text));
		snprintf(why, WHY_SIZE,
			 "the coverage of the pair in the quiet time was %s, and %.2f %% are"
			 " needed",
			 text, set->min_coverage_x100 / 100.0);
	} else if (r == RULE_RATIO_BELOW && ratio.known &&
		   10000 * ratio.ratio < set->threshold_x100) {
		ratio_text(&ratio, text, sizeof(text));
		snprintf(why, WHY_SIZE, "the ratio of the quiet time is %s", text);
	}
}

static void judge_directions(const struct sight *s, const struct rule_settings *set,
			     char why[WHY_SIZE])
{
	uint64_t n = s->sum.n[HEALTH_SESSIONS];

	if (n < set->min_sessions)
		snprintf(why, WHY_SIZE,
			 "only %" PRIu64 " sessions ended in the quiet time, and %u are needed", n,
			 set->min_sessions);
}

static bool add_row(void *ctx, const struct ledger_row *row)
{
	counts_add(ctx, &row->counts);
	return true;
}

/* So long before the end, but behind the step that holds what was seen last. */
static int64_t before_end(const struct incident *i, int64_t end, int64_t seconds)
{
	int64_t after = i->last_seen - i->last_seen % STEP_S + STEP_S, from = end - seconds;

	from -= from % STEP_S;
	return from < after ? after : from;
}

bool judge_quiet(const struct judge *j, const struct incident *i, enum rule r,
		 const struct rule_settings *set, int64_t quiet_s, char why[WHY_SIZE], char *err,
		 size_t errlen)
{
	struct ledger_query q = {
		.to = j->end, .service = (int)i->service, .client = i->client, .server = i->server
	};
	struct counts sum = { { 0 } };
	struct sight s;

	q.from = before_end(i, j->end, quiet_s);
	if (!judge_sight(j->ledger, before_end(i, j->end, quiet_s + j->blind_s), q.from, j->end, &s,
			 err, errlen))
		return false;
	judge_blind(j, &s, why);
	if (why[0] || r == RULE_SENSOR_BLIND || r == RULE_SENSOR_LOSSY)
		return true;
	if (r == RULE_SENSOR_ONE_SIDED) {
		judge_directions(&s, set, why);
		return true;
	}
	judge_loss(j, &s, why);
	if (why[0])
		return true;
	if (!ledger_sum(j->ledger, &q, add_row, &sum, err, errlen))
		return false;
	judge_counts(&sum, r, set, why);
	return true;
}
