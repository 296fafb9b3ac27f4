/* make_state.c - fills a state directory with known numbers, for tests of what reads one.
 *
 * make_state DIR [LOCK]: with LOCK it then holds the lock of the directory, says so on standard
 * output, and ends with its standard input, as a running sensor would.
 *
 * One hour from 10:00 UTC on 22 November 2026, of which the sensor missed five minutes; one step
 * ten days before. The counts per pair are in add_pairs() and in test_mailseal_tool.py.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/incidents.h"
#include "reports/ledger.h"
#include "reports/record.h"
#include "reports/rrdfile.h"

#define BEGIN      INT64_C(1795341600)
#define STEPS      60
#define MISSED     20 /* first of five steps without the sensor */
#define LONG_AGO   (BEGIN - 10 * 86400)
#define ROWS_MAX   16
#define SERIES_MAX 1000u
#define ERR_MAX    512

struct state {
	struct ledger *l;
	struct rrdstore *r;
	struct incidents *in;
	FILE *sessions;
};

static char err[ERR_MAX];

static void must(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "make_state: %s\n", err);
	exit(1);
}

struct step {
	struct ledger_row rows[ROWS_MAX];
	size_t n;
};

static void add(struct step *s, enum service service, const char *client, const char *server,
		enum count what, uint64_t n)
{
	struct ledger_row *row = NULL;

	for (size_t i = 0; i < s->n; i++) {
		if (s->rows[i].service == service && strcmp(s->rows[i].client, client) == 0 &&
		    strcmp(s->rows[i].server, server) == 0)
			row = &s->rows[i];
	}
	if (!row) {
		row = &s->rows[s->n++];
		memset(row, 0, sizeof(*row));
		row->service = service;
		snprintf(row->client, sizeof(row->client), "%s", client);
		snprintf(row->server, sizeof(row->server), "%s", server);
	}
	row->counts.n[what] += n;
}

static void add_pairs(struct step *s, int minute)
{
	add(s, SERVICE_MTA, "orange", "free", COUNT_ENC_STARTTLS, 10);
	add(s, SERVICE_MTA, "orange", "free", COUNT_TLS13, 10);
	add(s, SERVICE_MTA, "free", "orange", COUNT_ENC_STARTTLS, 5);
	add(s, SERVICE_MTA, "other", "orange", COUNT_ENC_STARTTLS, 7);
	add(s, SERVICE_SUBMISSION, "other", "orange", COUNT_ENC_IMPLICIT, 4);
	if (minute == 0) {
		add(s, SERVICE_MTA, "sfr", "bouygues", COUNT_ENC_STARTTLS, 1);
		add(s, SERVICE_MTA, "laposte", "sfr", COUNT_PLAINTEXT, 3);
		add(s, SERVICE_MTA, "laposte", "sfr", COUNT_REFUSED, 3);
		add(s, SERVICE_MTA, "orange-net", "free", COUNT_PLAINTEXT, 2);
	}
	if (minute == 30) {
		add(s, SERVICE_MTA, "orange", "free", COUNT_PLAINTEXT, 1);
		add(s, SERVICE_MTA, "orange", "free", COUNT_MESSAGES_CLEAR, 1);
		add(s, SERVICE_MTA, "orange", "free", COUNT_INDETERMINATE, 2);
		add(s, SERVICE_MTA, "orange", "free", COUNT_BEGUN_BEFORE, 1);
		add(s, SERVICE_MTA, "bouygues", "orange", COUNT_NO_TRANSACTION, 1);
		add(s, SERVICE_MTA, "bouygues", "orange", COUNT_EXCEPTED, 4);
	}
}

static struct health health_of(int minute)
{
	struct health h;

	memset(&h, 0, sizeof(h));
	h.n[HEALTH_PACKETS] = h.n[HEALTH_DELIVERED] = 1000;
	if (minute == 40) {
		h.n[HEALTH_LOST] = 2;
		h.n[HEALTH_DROP_KERNEL] = 5;
		h.n[HEALTH_GAPS] = 3;
	}
	return h;
}

static void commit(struct state *st, int64_t time, const struct step *s, const struct health *h)
{
	struct ledger_batch b = { .step = time, .rows = s->rows, .rows_n = s->n, .health = h };
	unsigned failed = 0;

	must(ledger_commit(st->l, &b, err, sizeof(err)));
	must(rrdstore_step(st->r, time, s->rows, s->n, h, &failed, err, sizeof(err)));
	must(failed == 0);
	must(incidents_step(st->in, st->l, time, NULL, NULL, err, sizeof(err)));
}

/* A session in clear, 198.51.100.5 to 192.0.2.25. */
static struct session clear_session(int64_t time)
{
	static const uint16_t evidence[] = { 220,       WORD_EHLO, 250,       WORD_MAIL, 250,
					     WORD_RCPT, 250,       WORD_DATA, 354,       WORD_BODY,
					     WORD_DOT,  250,       WORD_QUIT, 221 };
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = (uint64_t)time * 1000000000u + 123456000u;
	s.decided_ns = s.start_ns + 500000000u;
	s.end_ns = s.start_ns + 1234567000u;
	s.client[10] = s.client[11] = s.server[10] = s.server[11] = 0xff;
	memcpy(s.client + 12, "\xc6\x33\x64\x05", 4);
	memcpy(s.server + 12, "\xc0\x00\x02\x19", 4);
	s.client_port = 40312;
	s.server_port = 25;
	s.bytes_to_server = 5310;
	s.bytes_to_client = 412;
	s.vlan = VLAN_NONE;
	s.protocol = PROTOCOL_SMTP;
	s.service = SERVICE_MTA;
	s.verdict = VERDICT_PLAINTEXT;
	s.reason = REASON_MAIL_IN_CLEAR;
	s.offered = s.requested = s.auth_clear = TRI_FALSE;
	s.exposure = EXPOSURE_CONTENT;
	s.confirmed = TRI_TRUE;
	s.cause = CAUSE_NOT_OFFERED;
	s.messages = 1;
	s.tls_cipher = TLS_CIPHER_NONE;
	s.evidence_len = sizeof(evidence) / sizeof(evidence[0]);
	memcpy(s.evidence, evidence, sizeof(evidence));
	return s;
}

static void accuse(struct state *st, int64_t time, const char *client, const char *server,
		   enum exposure exposure)
{
	struct session s = clear_session(time);
	struct pair p = { .promised = true, .client_known_host = true, .server_known_host = true };
	struct record_context c = { .sensor = "th2-1", .interface = "eth1", .pair = &p };
	char line[RECORD_MAX];

	s.exposure = (uint8_t)exposure;
	snprintf(p.client, sizeof(p.client), "%s", client);
	snprintf(p.server, sizeof(p.server), "%s", server);
	c.counted = time - time % STEP_S;
	record_json(&s, &c, line);
	fputs(line, st->sessions);
	must(incidents_session(st->in, (uint64_t)time, &s, &p, line, NULL, NULL, err, sizeof(err)));
}

static void add_peers(struct ledger *l)
{
	static const char *const names[] = { "orange", "sfr", "free", "bouygues", "laposte" };
	struct peers *p = peers_new();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		must(peers_add(p, names[i], true, err, sizeof(err)) >= 0);
	must(peers_add(p, "cloud", false, err, sizeof(err)) >= 0);
	must(ledger_set_peers(l, p, err, sizeof(err)));
	peers_free(p);
}

static void fill(struct state *st)
{
	struct step s = { .n = 0 };
	struct health h = health_of(0);

	accuse(st, LONG_AGO, "sfr", "bouygues", EXPOSURE_ENVELOPE);
	add(&s, SERVICE_MTA, "laposte", "free", COUNT_ENC_STARTTLS, 4);
	add(&s, SERVICE_MTA, "sfr", "bouygues", COUNT_PLAINTEXT, 1);
	commit(st, LONG_AGO, &s, &h);
	for (int minute = 0; minute < STEPS; minute++) {
		if (minute >= MISSED && minute < MISSED + 5)
			continue;
		s.n = 0;
		h = health_of(minute);
		add_pairs(&s, minute);
		if (minute == 30)
			accuse(st, BEGIN + minute * STEP_S, "orange", "free", EXPOSURE_CONTENT);
		commit(st, BEGIN + minute * STEP_S, &s, &h);
	}
	fputs("{\"timestamp\":\"2026-11-22T10:5", st->sessions); /* as a kill leaves it */
}

static FILE *session_log(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/sessions", dir);
	mkdir(dir, 0750);
	mkdir(path, 0750);
	snprintf(path, sizeof(path), "%s/sessions/2026-11-22.jsonl", dir);
	return fopen(path, "w");
}

static int hold_lock(const char *dir)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT, 0640);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return 1;
	puts("locked");
	fflush(stdout);
	while (getchar() != EOF)
		;
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	/* There are ten days between the first step and the others, and then holes of minutes. */
	static const struct rule_entry patient = { .rule = RULE_SENSOR_BLIND,
						   .given = 1u << RULE_KEY_BLIND,
						   .s = { .blind_s = 30 * 86400 } };
	static const struct incidents_config config = { .sensor = "th2-1",
							.quiet_s = 3600,
							.lossy_share = 0.01,
							.entries = &patient,
							.entries_n = 1 };
	struct state st;

	if (argc < 2)
		return 2;
	if (argc > 2)
		return hold_lock(argv[1]);
	st.sessions = session_log(argv[1]);
	if (!st.sessions)
		return 1;
	must((st.l = ledger_open(argv[1], LEDGER_WRITE, err, sizeof(err))) != NULL);
	must((st.r = rrdstore_open(argv[1], SERIES_MAX, err, sizeof(err))) != NULL);
	must((st.in = incidents_open(argv[1], true, &config, err, sizeof(err))) != NULL);
	add_peers(st.l);
	must(rrdstore_read_peers(st.r, st.l, err, sizeof(err)));
	fill(&st);
	incidents_close(st.in);
	rrdstore_close(st.r);
	ledger_close(st.l);
	return fclose(st.sessions) == 0 ? 0 : 1;
}
