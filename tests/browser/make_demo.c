/* make_demo.c - fills a state directory with nine days of invented traffic, for pictures of pages.
 *
 * make_demo DIR END: the last step ends at END (seconds, UTC, a whole minute). The same END gives the
 * same state. Five signatories and a cloud; free's servers offer no STARTTLS to sfr for three hours of
 * the last day; bouygues was once in clear a week before; the sensor missed three hours on the fifth day.
 * Session records are written for the last six hours.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/incidents.h"
#include "reports/ledger.h"
#include "reports/record.h"
#include "reports/rrdfile.h"
#include "reports/statedir.h"

#define DAYS     9
#define MINUTES  (DAYS * 24 * 60)
#define LOGGED   (6 * 60) /* minutes at the end of which records are written */
#define JUDGED   15       /* minutes: the ledger is not judged with each step, which takes long */
#define ROWS_MAX 128
#define ERR_MAX  512
#define SENSOR   "th2-1"
#define PARTIES  8
#define SIGNED   5
#define OUTAGE   (4 * 24 * 60 + 600)
#define OUTAGE_N 180
#define CLEAR    (MINUTES - 200) /* free to sfr */
#define CLEAR_N  170
#define LONG_AGO (2 * 24 * 60 + 300) /* bouygues to laposte */
#define OLD_TLS  (MINUTES - 90)      /* sfr to orange */

static const char *const parties[PARTIES] = { "orange",  "sfr",        "free",  "bouygues",
					      "laposte", "orange-net", "cloud", "other" };
/* Their addresses: as in mailseal.yaml.example; "other" is cut. */
static const uint8_t networks[PARTIES][3] = { { 198, 51, 100 }, { 198, 51, 100 }, { 198, 51, 100 },
					      { 198, 51, 100 }, { 198, 51, 100 }, { 203, 0, 113 },
					      { 192, 0, 2 },    { 100, 64, 0 } };
static const uint8_t hosts[PARTIES] = { 2, 34, 66, 98, 130, 9, 25, 0 };
/* Sessions a minute at noon, in tenths: a mail server of the row to one of the column. */
static const uint8_t weights[PARTIES][PARTIES] = {
	{ 0, 30, 34, 14, 16, 4, 12, 40 }, { 28, 0, 20, 10, 8, 0, 8, 22 },
	{ 33, 21, 0, 12, 14, 0, 10, 30 }, { 13, 9, 12, 0, 5, 0, 4, 12 },
	{ 17, 9, 13, 6, 0, 0, 5, 14 },    { 0, 2, 6, 0, 1, 0, 0, 3 },
	{ 14, 9, 11, 5, 6, 0, 0, 0 },     { 60, 30, 44, 18, 20, 6, 0, 0 },
};

static char err[ERR_MAX];

struct demo {
	struct ledger *l;
	struct incidents *in;
	struct statedir *log;
	struct ledger_row rows[ROWS_MAX];
	size_t rows_n;
	struct health health;
	int64_t begin;
	int minute;
	uint64_t key;
	uint32_t chance;
};

static void must(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "make_demo: %s\n", err);
	exit(1);
}

static uint32_t chance(struct demo *d, uint32_t below)
{
	d->chance = d->chance * 1664525u + 1013904223u;
	return (d->chance >> 8) % below;
}

static int64_t now(const struct demo *d)
{
	return d->begin + (int64_t)d->minute * STEP_S;
}

static bool is_between(const struct demo *d, int from, int n)
{
	return d->minute >= from && d->minute < from + n;
}

static struct counts *row_of(struct demo *d, enum service service, const char *client,
			     const char *server)
{
	for (size_t i = 0; i < d->rows_n; i++) {
		struct ledger_row *r = &d->rows[i];

		if (r->service == service && strcmp(r->client, client) == 0 &&
		    strcmp(r->server, server) == 0)
			return &r->counts;
	}
	if (d->rows_n == ROWS_MAX)
		abort();
	memset(&d->rows[d->rows_n], 0, sizeof(d->rows[0]));
	d->rows[d->rows_n].service = service;
	snprintf(d->rows[d->rows_n].client, PARTY_NAME_MAX + 1, "%s", client);
	snprintf(d->rows[d->rows_n].server, PARTY_NAME_MAX + 1, "%s", server);
	return &d->rows[d->rows_n++].counts;
}

/* Sessions -------------------------------------------------------------------------------- */

static void address(uint8_t out[16], unsigned party, uint32_t host)
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	memcpy(out + 12, networks[party], 3);
	out[15] = (uint8_t)(hosts[party] + host);
	if (strcmp(parties[party], "other") == 0) {
		out[13] = (uint8_t)(64 + host);
		out[14] = 3;
	}
}

static struct session session_of(struct demo *d, unsigned client, unsigned server,
				 enum service service)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = (uint64_t)now(d) * 1000000000u + (uint64_t)chance(d, 50000) * 1000000u;
	s.decided_ns = s.start_ns + 200000000u;
	s.end_ns = s.start_ns + 1500000000u;
	address(s.client, client, chance(d, 6));
	address(s.server, server, chance(d, 3));
	s.client_port = (uint16_t)(32768 + chance(d, 20000));
	s.server_port = service == SERVICE_MTA ? 25 : service == SERVICE_ACCESS ? 993 : 587;
	s.service = (uint8_t)service;
	s.protocol = service == SERVICE_ACCESS ? PROTOCOL_IMAP : PROTOCOL_SMTP;
	s.bytes_to_server = 2000 + chance(d, 40000);
	s.bytes_to_client = 4000 + chance(d, 900);
	s.vlan = VLAN_NONE;
	s.messages = MESSAGES_NULL;
	s.tls_cipher = TLS_CIPHER_NONE;
	s.tls_group = TLS_GROUP_NONE;
	s.tls_alert = TLS_ALERT_NONE;
	return s;
}

static void evidence(struct session *s, const uint16_t *words, size_t n)
{
	memcpy(s->evidence, words, n * sizeof(words[0]));
	s->evidence_len = (uint16_t)n;
}

static void seal(struct demo *d, struct session *s)
{
	static const uint16_t words[] = { 220,
					  WORD_EHLO,
					  250,
					  WORD_STARTTLS,
					  220,
					  WORD_CLIENT_HELLO,
					  WORD_SERVER_HELLO,
					  WORD_FINISHED };
	static const struct {
		uint16_t version;
		int32_t cipher;
	} choices[] = { { 0x0304, 0x1302 }, { 0x0304, 0x1302 }, { 0x0304, 0x1301 },
			{ 0x0304, 0x1303 }, { 0x0303, 0xc030 }, { 0x0303, 0xc02f } };
	uint32_t i = chance(d, sizeof(choices) / sizeof(choices[0]));

	s->reason = REASON_HANDSHAKE_COMPLETED;
	s->tls_version = choices[i].version;
	s->tls_cipher = choices[i].cipher;
	if (s->service == SERVICE_ACCESS) {
		s->verdict = VERDICT_ENCRYPTED_IMPLICIT;
		evidence(s, words + 5, 3);
	} else {
		s->verdict = VERDICT_ENCRYPTED_STARTTLS;
		s->offered = s->requested = s->accepted = TRI_TRUE;
		s->messages = 0;
		evidence(s, words, sizeof(words) / sizeof(words[0]));
	}
	s->certificate.state = CERTIFICATE_NOT_OBSERVABLE;
	s->sni_len = (uint16_t)snprintf(s->sni, sizeof(s->sni), "mx%u.example", s->server[15]);
}

static void lay_open(struct session *s)
{
	static const uint16_t words[] = { 220,       WORD_EHLO, 250,       WORD_MAIL, 250,
					  WORD_RCPT, 250,       WORD_DATA, 354,       WORD_BODY,
					  WORD_DOT,  250,       WORD_QUIT, 221 };

	s->verdict = VERDICT_PLAINTEXT;
	s->reason = REASON_MAIL_IN_CLEAR;
	s->offered = s->requested = s->auth_clear = TRI_FALSE;
	s->exposure = EXPOSURE_CONTENT;
	s->confirmed = TRI_TRUE;
	s->cause = CAUSE_NOT_OFFERED;
	s->messages = 1;
	evidence(s, words, sizeof(words) / sizeof(words[0]));
}

static void leave(struct session *s, enum verdict v, enum reason r)
{
	static const uint16_t words[] = { 220, WORD_EHLO, 250, WORD_QUIT, 221 };

	s->verdict = (uint8_t)v;
	s->reason = (uint8_t)r;
	s->offered = v == VERDICT_INDETERMINATE ? TRI_NULL : TRI_TRUE;
	evidence(s, words, sizeof(words) / sizeof(words[0]));
}

/* In an mta or access prefix. */
static bool is_host(unsigned party)
{
	return strcmp(parties[party], "other") != 0 && strstr(parties[party], "-net") == NULL;
}

static void count(struct demo *d, const struct session *s, unsigned client, unsigned server)
{
	struct pair p = { .promised =
				  s->service == SERVICE_MTA && client < SIGNED && server < SIGNED,
			  .client_known_host = is_host(client),
			  .server_known_host = is_host(server) };
	struct record_context c = { .sensor = SENSOR,
				    .interface = "eth1",
				    .pair = &p,
				    .counted = now(d),
				    .truncate = true };
	struct counts *to = row_of(d, (enum service)s->service, parties[client], parties[server]);
	char line[RECORD_MAX];
	size_t len;

	snprintf(p.client, sizeof(p.client), "%s", parties[client]);
	snprintf(p.server, sizeof(p.server), "%s", parties[server]);
	counts_add_session(to, s, false);
	counts_add_end(to, s);
	len = record_json(s, &c, line);
	d->key++;
	must(incidents_session(d->in, d->key, s, &p, line, NULL, NULL, err, sizeof(err)));
	if (d->minute >= MINUTES - LOGGED)
		must(statedir_log(d->log, now(d), line, len, err, sizeof(err)));
}

/* What one session of a pair comes to. */
static void happen(struct demo *d, unsigned client, unsigned server, enum service service)
{
	struct session s = session_of(d, client, server, service);
	uint32_t luck = chance(d, 1000);

	seal(d, &s);
	if (client == 2 && server == 1 && is_between(d, CLEAR, CLEAR_N) && luck < 700) {
		s = session_of(d, client, server, service);
		lay_open(&s);
	} else if (client == 3 && server == 4 && d->minute == LONG_AGO) {
		s = session_of(d, client, server, service);
		lay_open(&s);
	} else if (client >= SIGNED && service == SERVICE_MTA && luck < 120) {
		s = session_of(d, client, server, service);
		lay_open(&s);
	} else if (client == 1 && server == 0 && d->minute == OLD_TLS) {
		s.tls_version = 0x0301;
		s.tls_cipher = 0xc014;
	} else if (luck >= 992) {
		s = session_of(d, client, server, service);
		leave(&s, luck > 996 ? VERDICT_NO_TRANSACTION : VERDICT_INDETERMINATE,
		      luck > 996 ? REASON_CLOSED_WITHOUT_MAIL : REASON_GAP);
	}
	count(d, &s, client, server);
}

/* Steps ----------------------------------------------------------------------------------- */

/* Sessions of this minute for a weight: more by day than by night. */
static uint32_t how_many(struct demo *d, unsigned weight)
{
	double day = (double)(now(d) % 86400) / 86400;
	double level = 0.25 + 0.75 * pow(sin(M_PI * day), 2);
	uint32_t thousandths = (uint32_t)(100 * weight * level);

	return thousandths / 1000 + (chance(d, 1000) < thousandths % 1000 ? 1 : 0);
}

static void live_minute(struct demo *d)
{
	for (unsigned client = 0; client < PARTIES; client++) {
		for (unsigned server = 0; server < PARTIES; server++) {
			uint32_t n = how_many(d, weights[client][server]);

			if (d->minute == LONG_AGO && client == 3 && server == 4)
				n++;
			if (d->minute == OLD_TLS && client == 1 && server == 0)
				n++;
			while (n-- > 0)
				happen(d, client, server, SERVICE_MTA);
		}
	}
	for (unsigned server = 0; server < SIGNED; server++) {
		for (uint32_t n = how_many(d, 12); n > 0; n--)
			happen(d, 5 + 2 * (n % 2), server, SERVICE_SUBMISSION);
		for (uint32_t n = how_many(d, 20); n > 0; n--)
			happen(d, 5 + 2 * (n % 2), server, SERVICE_ACCESS);
	}
}

static uint64_t sessions_of(const struct demo *d)
{
	uint64_t n = 0;

	for (size_t i = 0; i < d->rows_n; i++)
		n += counts_sessions(&d->rows[i].counts);
	return n;
}

static void measure(struct demo *d)
{
	uint64_t n = sessions_of(d);
	struct health *h = &d->health;

	memset(h, 0, sizeof(*h));
	h->n[HEALTH_SESSIONS] = n;
	h->n[HEALTH_NOT_MAIL] = n / 9;
	h->n[HEALTH_EMPTY] = n / 4;
	h->n[HEALTH_FLOWS] = n + n / 9 + n / 4;
	h->n[HEALTH_DELIVERED] = n * 42;
	h->n[SKIP_PORT] = n * 180;
	h->n[SKIP_NOT_TCP] = n * 60;
	h->n[HEALTH_PACKETS] = n * 282;
	h->n[HEALTH_BYTES] = n * 282 * 700;
	h->n[HEALTH_GAPS] = chance(d, 4);
	h->n[HEALTH_ONE_SIDED] = chance(d, 2);
	if (d->minute % 1440 == 840)
		h->n[HEALTH_DROP_KERNEL] = 300 + chance(d, 900);
}

static void step(struct demo *d)
{
	struct ledger_batch b = { .step = now(d), .rows = d->rows, .health = &d->health };

	d->rows_n = 0;
	live_minute(d);
	measure(d);
	b.rows_n = d->rows_n;
	must(ledger_commit(d->l, &b, err, sizeof(err)));
	if (d->minute % JUDGED == 0)
		must(incidents_step(d->in, d->l, b.step, NULL, NULL, err, sizeof(err)));
}

static void add_peers(struct ledger *l)
{
	struct peers *p = peers_new();

	for (unsigned i = 0; i < SIGNED; i++)
		must(peers_add(p, parties[i], true, err, sizeof(err)) >= 0);
	must(peers_add(p, "cloud", false, err, sizeof(err)) >= 0);
	must(ledger_set_peers(l, p, err, sizeof(err)));
	peers_free(p);
}

static void draw(const char *dir, struct ledger *l)
{
	struct rrdstore *r = rrdstore_open(dir, 1000, err, sizeof(err));

	must(r != NULL);
	must(rrdstore_rebuild(r, l, NULL, err, sizeof(err)));
	rrdstore_close(r);
}

int main(int argc, char **argv)
{
	static const struct incidents_config config = { .sensor = SENSOR,
							.quiet_s = 3600,
							.lossy_share = 0.01 };
	static struct demo d = { .chance = 1 };
	int64_t end = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;

	if (end < MINUTES * STEP_S || end % STEP_S != 0) {
		fputs("usage: make_demo DIR END\n", stderr);
		return 2;
	}
	d.begin = end - (int64_t)MINUTES * STEP_S;
	must((d.log = statedir_open(argv[1], err, sizeof(err))) != NULL);
	must((d.l = ledger_open(argv[1], LEDGER_WRITE, err, sizeof(err))) != NULL);
	must((d.in = incidents_open(argv[1], true, &config, err, sizeof(err))) != NULL);
	add_peers(d.l);
	for (d.minute = 0; d.minute < MINUTES; d.minute++) {
		if (!is_between(&d, OUTAGE, OUTAGE_N))
			step(&d);
	}
	must(incidents_save(d.in, NULL, NULL, err, sizeof(err)));
	must(statedir_flush(d.log, err, sizeof(err)));
	draw(argv[1], d.l);
	incidents_close(d.in);
	ledger_close(d.l);
	statedir_close(d.log);
	return 0;
}
