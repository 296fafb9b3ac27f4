/* Tests the recorder from the channel to the state directory. */
#include "tests/unit.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/db.h"
#include "reports/deliveries.h"
#include "reports/ledger.h"
#include "reports/rrdfile.h"
#include "reports/text.h"
#include "sensor/channel.h"
#include "sensor/recorder.h"

#define NS 1000000000ull
#define T0 1448186400ull /* 2015-11-22T10:00:00Z */

static const char configuration[] = "sensor: th2-1\n"
				    "peers:\n"
				    "  - {name: orange, signatory: true, mta: [198.51.100.0/28],"
				    " networks: [203.0.113.0/26]}\n"
				    "  - {name: free, signatory: true, mta: [198.51.100.64/28]}\n"
				    "exceptions: [{client: 198.51.100.15}]\n";

struct bench {
	char dir[64], state[128], said_path[128], sessions_path[128];
	struct conf *conf;
	struct recorder_options o;
	struct channel to;
	int from;
	struct health last;
	char said[16384];     /* on standard error */
	char sessions[16384]; /* to --sessions */
};

/* Bench -------------------------------------------------------------------------------------- */

static struct conf *read_conf(const struct bench *b, const char *more)
{
	char path[128], err[512] = "";
	struct conf *c;
	FILE *f;

	snprintf(path, sizeof(path), "%s/conf", b->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s%s", configuration, more);
	fclose(f);
	c = conf_read(path, err, sizeof(err));
	if (!c)
		fail_msg("%s", err);
	return c;
}

static void open_run(struct bench *b)
{
	b->to = (struct channel){ .wait = false };
	assert_true(channel_open(&b->from, &b->to.fd, 1u << 20));
}

static int set_up(void **state)
{
	static const char *const inputs[] = { "a.pcap" };
	struct bench *b = calloc(1, sizeof(*b));

	strcpy(b->dir, "/tmp/mailseal-recorder-XXXXXX");
	if (!mkdtemp(b->dir))
		return 1;
	snprintf(b->state, sizeof(b->state), "%s/state", b->dir);
	snprintf(b->said_path, sizeof(b->said_path), "%s/said", b->dir);
	snprintf(b->sessions_path, sizeof(b->sessions_path), "%s/out", b->dir);
	b->conf = read_conf(b, "");
	b->o = (struct recorder_options){
		.conf = b->conf,
		.inputs = inputs,
		.inputs_n = 1,
		.state_dir = b->state,
		.quiet = true,
	};
	open_run(b);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[128];
	int rc;

	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	rc = system(command);
	close(b->to.fd);
	close(b->from);
	conf_free(b->conf);
	free(b);
	return rc;
}

static void read_all(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");

	text[0] = '\0';
	if (!f)
		return;
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* Ends the channel and lets the recorder consume what was sent. What it says goes to a file. */
static int run(struct bench *b)
{
	int stderr_fd = dup(STDERR_FILENO), code = -1;
	char err[512] = "";
	struct recorder *r;

	close(b->to.fd);
	fflush(stderr);
	assert_non_null(freopen(b->said_path, "w", stderr));
	r = recorder_new(&b->o, err, sizeof(err));
	if (r)
		code = recorder_run(r, b->from, &b->last);
	recorder_free(r);
	fflush(stderr);
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	read_all(b->said_path, b->said, sizeof(b->said));
	if (b->o.sessions)
		fclose(b->o.sessions);
	b->o.sessions = NULL;
	read_all(b->sessions_path, b->sessions, sizeof(b->sessions));
	close(b->from);
	open_run(b); /* for the next one */
	if (!r)
		fail_msg("%s", err);
	return code;
}

static void assert_said(const struct bench *b, const char *text)
{
	if (!strstr(b->said, text))
		fail_msg("\"%s\" is not in \"%s\"", text, b->said);
}

/* Messages ----------------------------------------------------------------------------------- */

static void set_address(uint8_t to[16], uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t v4[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d };

	memcpy(to, v4, 16);
}

static struct session session_of(enum verdict v, uint64_t when)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = when * NS;
	s.end_ns = when * NS;
	s.decided_ns = when * NS;
	s.verdict = (uint8_t)v;
	s.protocol = PROTOCOL_SMTP;
	s.service = SERVICE_MTA;
	s.vlan = VLAN_NONE;
	s.tls_cipher = TLS_CIPHER_NONE;
	set_address(s.client, 198, 51, 100, 1);
	set_address(s.server, 198, 51, 100, 65);
	s.client_port = 40000;
	s.server_port = 25;
	if (v == VERDICT_PLAINTEXT) {
		s.reason = REASON_MAIL_IN_CLEAR;
		s.exposure = EXPOSURE_CONTENT;
		s.confirmed = TRI_TRUE;
		s.cause = CAUSE_NOT_OFFERED;
		s.messages = 2;
	}
	return s;
}

static void send_mail(struct bench *b, enum message_kind kind, uint64_t id, bool counted,
		      uint64_t now, struct session s)
{
	struct message m;

	memset(&m, 0, sizeof(m));
	m.kind = kind;
	m.session = id;
	m.counted = counted;
	m.now_ns = now * NS;
	m.mail = s;
	assert_true(channel_send(&b->to, &m));
}

/* A session from verdict to end at once. */
static void send_whole(struct bench *b, uint64_t id, struct session s)
{
	uint64_t when = s.decided_ns / NS;

	send_mail(b, MESSAGE_VERDICT, id, false, when, s);
	send_mail(b, MESSAGE_END, id, true, when, s);
}

static void send_health(struct bench *b, uint64_t now, uint64_t packets, bool last)
{
	struct message m;

	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_HEALTH;
	m.now_ns = now * NS;
	m.last = last;
	m.health.n[HEALTH_PACKETS] = packets;
	assert_true(channel_send(&b->to, &m));
}

/* What is in the ledger ----------------------------------------------------------------------- */

struct sums {
	struct counts all;
	struct health health;
	size_t rows, steps;
	int64_t last;
	bool open;
	char pairs[1024];
};

static bool on_row(void *ctx, const struct ledger_row *row)
{
	struct sums *s = ctx;
	size_t n = strlen(s->pairs);

	counts_add(&s->all, &row->counts);
	s->rows++;
	snprintf(s->pairs + n, sizeof(s->pairs) - n, "%s>%s ", row->client, row->server);
	return true;
}

static bool on_health(void *ctx, int64_t step, const struct health *h)
{
	struct sums *s = ctx;

	(void)step;
	s->steps++;
	for (unsigned i = 0; i < HEALTH_N; i++)
		s->health.n[i] += h->n[i];
	return true;
}

static struct sums ledger_period(const struct bench *b, int64_t from, int64_t to)
{
	struct ledger_query q = { .from = from, .to = to, .service = -1 };
	struct sums s;
	char err[512] = "";
	struct ledger *l = ledger_open(b->state, LEDGER_READ, err, sizeof(err));

	memset(&s, 0, sizeof(s));
	if (!l || !ledger_sum(l, &q, on_row, &s, err, sizeof(err)) ||
	    !ledger_walk_health(l, RESOLUTION_MINUTE, from, to, on_health, &s, err, sizeof(err)) ||
	    !ledger_last_step(l, &s.last, &s.open, err, sizeof(err)))
		fail_msg("%s", err);
	ledger_close(l);
	return s;
}

static struct sums ledger_all(const struct bench *b)
{
	return ledger_period(b, 0, INT64_MAX);
}

static uint64_t sessions_between(const struct bench *b, int64_t from, int64_t to)
{
	struct sums s = ledger_period(b, from, to);

	return counts_sessions(&s.all);
}

static uint64_t sessions_counted(const struct bench *b)
{
	return sessions_between(b, 0, INT64_MAX);
}

static bool exists(const struct bench *b, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", b->state, name);
	return access(path, F_OK) == 0;
}

static void read_state(const struct bench *b, const char *name, char *text, size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", b->state, name);
	read_all(path, text, size);
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* A log says so much in a second and no more: of the next one nothing is spent yet. */
static void next_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now = (struct timespec){ 0, 999999999 - now.tv_nsec };
	while (nanosleep(&now, &now) != 0)
		;
}

/* Tests -------------------------------------------------------------------------------------- */

static void a_run_is_kept_whole(void **state)
{
	struct bench *b = *state;
	struct session subscriber = session_of(VERDICT_NO_TRANSACTION, T0 + 5);
	struct sums s;
	char log[8192];

	set_address(subscriber.client, 203, 0, 113, 9);
	send_health(b, T0, 10, false);
	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 1));
	send_whole(b, 2, session_of(VERDICT_PLAINTEXT, T0 + 2));
	send_mail(b, MESSAGE_END, 3, false, T0 + 5, subscriber); /* decided by its end */
	send_health(b, T0 + 61, 30, false);
	send_health(b, T0 + 70, 42, true);
	b->o.sessions = fopen(b->sessions_path, "w");
	assert_int_equal(run(b), 0);

	s = ledger_all(b);
	assert_int_equal(counts_sessions(&s.all), 3);
	assert_int_equal(s.all.n[COUNT_ENC_STARTTLS], 1);
	assert_int_equal(s.all.n[COUNT_PLAINTEXT], 1);
	assert_int_equal(s.all.n[COUNT_NO_TRANSACTION], 1);
	assert_int_equal(s.all.n[COUNT_MESSAGES_CLEAR], 2);
	assert_string_equal(s.pairs, "orange>free orange-net>free ");
	assert_int_equal(s.steps, 2);
	assert_int_equal(s.health.n[HEALTH_PACKETS], 42);
	assert_int_equal(s.last, T0 + 60);
	assert_false(s.open); /* a capture file ends for good */
	assert_int_equal(b->last.n[HEALTH_PACKETS], 42);
	assert_true(exists(b, "rrd/mta/orange/free.rrd"));
	assert_true(exists(b, "rrd/health.rrd"));

	read_state(b, "sessions/2015-11-22.jsonl", log, sizeof(log));
	assert_int_equal(lines(log), 3);
	assert_non_null(strstr(log, "\"client\":\"203.0.0.0\"")); /* somebody at home */
	assert_null(strstr(log, "203.0.113.9"));
	assert_non_null(strstr(log, "\"client\":\"198.51.100.1\""));
	assert_int_equal(lines(b->sessions), 3);
	assert_non_null(strstr(b->sessions, "\"client\":\"203.0.113.9\""));
	assert_non_null(strstr(b->sessions, "\"counted\":\"2015-11-22T10:00:00Z\""));
	assert_non_null(strstr(b->sessions, "\"interface\":\"a.pcap\""));
	assert_said(b, "incident 1 opened: critical: plaintext-between-signatories");
}

static void without_a_state_directory_nothing_is_written(void **state)
{
	struct bench *b = *state;

	b->o.state_dir = NULL;
	b->o.quiet = false;
	b->o.sessions = fopen(b->sessions_path, "w");
	send_whole(b, 1, session_of(VERDICT_PLAINTEXT, T0));
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 0);
	assert_int_equal(lines(b->sessions), 1);
	assert_false(exists(b, ""));
	assert_null(strstr(b->said, "incident"));
	assert_said(b, "sessions 1, ");
	assert_said(b, "plaintext 1");
}

static void show_drops(const struct bench *b, uint64_t n)
{
	char path[192];
	FILE *f;

	snprintf(path, sizeof(path), "%s/eth0/statistics/rx_dropped", b->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%" PRIu64 "\n", n);
	fclose(f);
}

/* The capture process knows nothing of them. */
static void drops_of_interfaces_are_the_recorders(void **state)
{
	static const char *const name = "eth0";
	struct bench *b = *state;
	char folder[128];

	snprintf(folder, sizeof(folder), "%s/eth0", b->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(folder, sizeof(folder), "%s/eth0/statistics", b->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	show_drops(b, 1000);
	b->o.interfaces = interfaces_new(b->dir, &name, 1);
	show_drops(b, 1003);
	send_health(b, T0, 10, false);
	send_health(b, T0 + 1, 20, true);
	assert_int_equal(run(b), 0);
	interfaces_free(b->o.interfaces);
	assert_int_equal(ledger_all(b).health.n[HEALTH_DROP_NIC], 3);
	assert_int_equal(b->last.n[HEALTH_DROP_NIC], 3);
}

static void records_that_were_lost_are_counted(void **state)
{
	struct bench *b = *state;
	struct sums s;

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0));
	b->to.number += 5;
	send_health(b, T0 + 1, 10, true);
	assert_int_equal(run(b), 0);
	s = ledger_all(b);
	assert_int_equal(s.health.n[HEALTH_LOST], 5);
	assert_int_equal(b->last.n[HEALTH_LOST], 5);
	assert_int_equal(counts_sessions(&s.all), 1);
}

static void a_date_in_2096_harms_nothing(void **state)
{
	const uint64_t far = 3976214400ull;
	struct bench *b = *state;
	struct sums s;
	char log[8192];

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0));
	send_whole(b, 2, session_of(VERDICT_PLAINTEXT, far));
	send_whole(b, 3, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 70));
	send_health(b, T0 + 70, 10, true);
	assert_int_equal(run(b), 0);
	s = ledger_all(b);
	assert_int_equal(counts_sessions(&s.all), 3);
	assert_int_equal(s.last, T0 + 60);
	assert_int_equal(s.health.n[HEALTH_FUTURE], 1);
	read_state(b, "sessions/2015-11-22.jsonl", log, sizeof(log));
	assert_int_equal(lines(log), 3);
	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 130));
	send_health(b, T0 + 130, 10, true);
	assert_int_equal(run(b), 0);
	assert_int_equal(sessions_counted(b), 4);
}

static void a_late_session_is_logged_where_it_counts(void **state)
{
	struct bench *b = *state;

	send_health(b, T0 + 130, 1, false);
	b->o.sessions = fopen(b->sessions_path, "w");
	send_mail(b, MESSAGE_VERDICT, 9, false, T0 + 131,
		  session_of(VERDICT_ENCRYPTED_STARTTLS, T0));
	send_health(b, T0 + 200, 1, false);
	send_mail(b, MESSAGE_END, 9, true, T0 + 200, session_of(VERDICT_ENCRYPTED_STARTTLS, T0));
	send_health(b, T0 + 200, 1, true);
	assert_int_equal(run(b), 0);
	assert_non_null(strstr(b->sessions, "\"counted\":\"2015-11-22T10:02:00Z\""));
	assert_int_equal(ledger_all(b).health.n[HEALTH_LATE], 1);
}

static void older_packets_are_refused(void **state)
{
	struct bench *b = *state;
	struct sums before, after;

	next_second();
	send_whole(b, 1, session_of(VERDICT_PLAINTEXT, T0));
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 0);
	before = ledger_all(b);
	send_whole(b, 1, session_of(VERDICT_PLAINTEXT, T0)); /* the same again */
	send_health(b, T0 + 600, 10, true);
	b->o.sessions = fopen(b->sessions_path, "w");
	assert_int_equal(run(b), 1);
	after = ledger_all(b);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(lines(b->said), 1);
	assert_said(b, "the packets begin in the minute of 2015-11-22T10:00:00Z");
	assert_said(b, b->state);
	assert_int_equal(lines(b->sessions), 0);
	send_whole(b, 1, session_of(VERDICT_PLAINTEXT, T0 - 86400));
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 1);
	assert_said(b, "begin in the minute of 2015-11-21T10:00:00Z");
	assert_said(b, "all up to that of 2015-11-22T10:00:00Z");
}

static void a_live_run_leaves_its_last_step_open(void **state)
{
	struct bench *b = *state;
	struct sums s;

	b->o.live = true;
	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 1));
	send_health(b, T0 + 10, 10, true);
	assert_int_equal(run(b), 0);
	s = ledger_all(b);
	assert_int_equal(counts_sessions(&s.all), 1);
	assert_true(s.open);
	assert_false(exists(b, "rrd/mta/orange/free.rrd"));

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 20)); /* within the minute */
	send_health(b, T0 + 30, 5, true);
	assert_int_equal(run(b), 0);
	s = ledger_all(b);
	assert_int_equal(counts_sessions(&s.all), 2);
	assert_int_equal(s.health.n[HEALTH_PACKETS], 15);
	assert_int_equal(s.steps, 1);
	assert_true(s.open);

	send_health(b, T0 + 600, 5, true); /* after an outage */
	assert_int_equal(run(b), 0);
	assert_true(exists(b, "rrd/mta/orange/free.rrd"));
	assert_int_equal(sessions_counted(b), 2);
}

static void a_capture_that_dies_costs_nothing_recorded(void **state)
{
	struct bench *b = *state;

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 1));
	send_health(b, T0 + 10, 10, false);
	assert_int_equal(run(b), 1);
	assert_said(b, "event=capture-died");
	assert_int_equal(sessions_counted(b), 1);
}

static void a_capture_that_fails_says_why(void **state)
{
	struct bench *b = *state;
	struct message m;

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 1));
	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_FAILURE;
	m.now_ns = T0 * NS;
	strcpy(m.failure, "a.pcap: cut\nshort");
	assert_true(channel_send(&b->to, &m));
	send_health(b, T0 + 10, 10, true);
	assert_int_equal(run(b), 1);
	assert_said(b, "a.pcap: cut\\x0ashort");
	assert_int_equal(sessions_counted(b), 1);
}

/* Standard error is no terminal here; how far files are read counts nowhere. */
static void progress_is_for_a_terminal_only(void **state)
{
	struct bench *b = *state;
	struct message m;

	b->o.progress = true;
	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 1));
	memset(&m, 0, sizeof(m));
	m.kind = MESSAGE_PROGRESS;
	m.now_ns = T0 * NS;
	m.position = (struct position){ .packets = 10, .bytes = UINT64_MAX, .bytes_all = 1 };
	assert_true(channel_send(&b->to, &m));
	send_health(b, T0 + 10, 10, true);
	assert_int_equal(run(b), 0);
	assert_null(strchr(b->said, '%'));
	assert_null(strchr(b->said, '\r'));
	assert_int_equal(sessions_counted(b), 1);
}

static void what_is_no_record_ends_the_run(void **state)
{
	struct bench *b = *state;

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 1));
	assert_int_equal(write(b->to.fd, "garbage", 7), 7);
	assert_int_equal(run(b), 1);
	assert_said(b, "event=bad-record");
	assert_int_equal(sessions_counted(b), 1);

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 60));
	b->to.number = 0; /* the numbers begin anew */
	send_health(b, T0 + 60, 10, true);
	assert_int_equal(run(b), 1);
	assert_said(b, "numbers of records do not grow");
	assert_int_equal(sessions_counted(b), 2);
}

/* What a capture process may send that somebody has taken over --------------------------------- */

#define HOSTILE      900 /* messages, which fit the pipe */
#define HOSTILE_RUNS 4

static uint64_t hostile_seed;

static uint64_t any(void)
{
	hostile_seed = hostile_seed * 6364136223846793005u + 1442695040888963407u;
	return hostile_seed >> 33 ^ hostile_seed << 31;
}

/* Whatever passes as a session: some fields of one that makes sense are anything. */
static struct session hostile_session(void)
{
	struct session s, good = session_of((enum verdict)(1 + any() % (VERDICT_N - 1)), T0);

	do {
		s = good;
		for (unsigned n = (unsigned)any() % 64; n > 0; n--)
			((uint8_t *)&s)[any() % sizeof(s)] = (uint8_t)any();
	} while (!session_valid(&s));
	return s;
}

static void hostile_message(struct message *m)
{
	memset(m, 0, sizeof(*m));
	m->kind = 1 + (uint32_t)any() % (MESSAGE_KINDS - 1);
	m->session = any() % 64;
	m->now_ns = any() % 2 ? any() : T0 * NS + any() % (3600 * NS);
	m->counted = any() & 1;
	if (m->kind == MESSAGE_HEALTH) {
		for (unsigned i = 0; i < HEALTH_N; i++)
			m->health.n[i] = any() >> 8;
	} else if (m->kind == MESSAGE_FAILURE) {
		for (unsigned i = 0; i < sizeof(m->failure) - 1; i++)
			m->failure[i] = (char)any();
	} else if (m->kind == MESSAGE_PROGRESS) {
		m->position = (struct position){ any(), any(), any() };
	} else {
		m->mail = hostile_session();
	}
}

/* Each line as it would be shown by who trusts none of it. */
static void assert_safe(char *text)
{
	char safe[sizeof(((struct bench *)0)->said)];

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		text_safe(line, true, safe, sizeof(safe));
		assert_string_equal(line, safe);
	}
}

/* Nothing but what belongs there, and in the session log nothing but lines of printable text. */
static void assert_only_state_files(const struct bench *b)
{
	char command[1024], out[4096];
	FILE *f;

	snprintf(command, sizeof(command),
		 "cd %s && ls | grep -vx -e conf -e said -e out -e 'state[0-9]';"
		 "cd %s && find . -type f | grep -vE '^./("
		 "(ledger|incidents)[.]db(-wal|-shm)?|lock|metrics[.]prom|"
		 "sessions/[0-9]{4}-[0-9]{2}-[0-9]{2}[.]jsonl|rrd/[a-z]+/[a-z0-9-]+/"
		 "[a-z0-9-]+[.]rrd|"
		 "rrd/([a-z]+/total|health)[.]rrd)$';"
		 "cat sessions/* | grep -av '^{\"timestamp\":[ -~]*}$'",
		 b->dir, b->state);
	f = popen(command, "r");
	assert_non_null(f);
	out[fread(out, 1, sizeof(out) - 1, f)] = '\0';
	pclose(f);
	assert_string_equal(out, "");
}

static void hostile_records_break_nothing(void **state)
{
	struct bench *b = *state;
	struct message m;

	for (unsigned seed = 1; seed <= HOSTILE_RUNS; seed++) {
		hostile_seed = seed;
		snprintf(b->state, sizeof(b->state), "%s/state%u", b->dir, seed);
		for (unsigned i = 0; i < HOSTILE; i++) {
			hostile_message(&m);
			assert_true(channel_send(&b->to, &m));
		}
		assert_int_equal(run(b), 1);
		assert_said(b, "event=capture-failed"); /* it said so itself */
		assert_safe(b->said);
		assert_only_state_files(b);
		assert_true(ledger_all(b).rows > 0);
	}
}

static void a_count_that_nobody_reaches_ends_the_run(void **state)
{
	struct bench *b = *state;

	send_health(b, T0, 1ull << 57, false);
	assert_int_equal(run(b), 1);
	assert_said(b, "event=bad-record");
}

static void before_1980_there_is_no_rrd(void **state)
{
	struct bench *b = *state;
	const char *once;

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, 1000));
	send_whole(b, 2, session_of(VERDICT_ENCRYPTED_STARTTLS, 2000));
	send_health(b, 2000, 10, true);
	assert_int_equal(run(b), 0);
	assert_int_equal(sessions_counted(b), 2);
	assert_false(exists(b, "rrd/mta/orange/free.rrd"));
	once = strstr(b->said, "event=no-rrd");
	assert_non_null(once);
	assert_null(strstr(once + 1, "event=no-rrd"));
}

static void sessions_that_cannot_be_written_are_said_once(void **state)
{
	struct bench *b = *state;
	const char *once;

	b->o.sessions = fopen("/dev/full", "w");
	assert_non_null(b->o.sessions);
	for (uint64_t i = 0; i < 50; i++)
		send_whole(b, i, session_of(VERDICT_ENCRYPTED_STARTTLS, T0));
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 1);
	once = strstr(b->said, "what=sessions");
	assert_non_null(once);
	assert_null(strstr(once + 1, "what=sessions"));
	assert_int_equal(sessions_counted(b), 50);
}

static void a_session_log_that_cannot_be_written_costs_nothing_else(void **state)
{
	struct bench *b = *state;
	char path[256];

	next_second();
	send_health(b, T0 - 60, 1, true);
	assert_int_equal(run(b), 0);
	snprintf(path, sizeof(path), "%s/sessions/2015-11-22.jsonl", b->state);
	assert_int_equal(symlink("/dev/full", path), 0);
	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0));
	send_whole(b, 2, session_of(VERDICT_ENCRYPTED_STARTTLS, T0));
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 1);
	assert_int_equal(lines(b->said), 2);
	assert_said(b, "event=write-failed what=session-log");
	assert_said(b, "event=lines-lost what=session-log lines=2");
	assert_int_equal(sessions_counted(b), 2);
}

/* No file grows beyond this. */
static void disk_takes(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static bool full_for_a_while(void *ctx, const struct ledger_batch *b)
{
	unsigned *steps = ctx;

	(void)b;
	disk_takes(++*steps < 15 ? 100000 : RLIM_INFINITY);
	return true;
}

static void what_a_full_disk_does_not_take_comes_later(void **state)
{
	struct bench *b = *state;
	unsigned steps = 0;

	next_second();
	b->o.on_step = full_for_a_while;
	b->o.ctx = &steps;
	for (uint64_t n = 0; n < 25; n++)
		send_whole(b, n, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + n * 60));
	send_health(b, T0 + 25 * 60, 10, true);
	assert_int_equal(run(b), 0);
	assert_int_equal(lines(b->said), 3); /* and an incident: there are no packets */
	assert_said(b, "event=write-failed what=ledger");
	assert_said(b, "event=write-works what=ledger");
	assert_int_equal(sessions_counted(b), 25);
	for (int64_t n = 0; n < 25; n++) {
		int64_t step = (int64_t)T0 + n * 60;

		assert_int_equal(sessions_between(b, step, step + 60), 1);
	}
	assert_int_equal(ledger_all(b).health.n[HEALTH_LOST], 0);
}

static bool full_to_the_end(void *ctx, const struct ledger_batch *b)
{
	(void)ctx;
	(void)b;
	disk_takes(100000);
	return true;
}

static void what_a_full_disk_never_takes_is_told(void **state)
{
	struct bench *b = *state;
	uint64_t counted;
	char expected[64];

	b->o.on_step = full_to_the_end;
	for (uint64_t n = 0; n < 25; n++)
		send_whole(b, n, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + n * 60));
	send_health(b, T0 + 24 * 60, 10, true);
	assert_int_equal(run(b), 1);
	disk_takes(RLIM_INFINITY);
	counted = sessions_counted(b);
	assert_true(counted > 0 && counted < 25);
	snprintf(expected, sizeof(expected), "event=steps-lost steps=%d sessions=%d",
		 (int)(25 - counted), (int)(25 - counted));
	assert_said(b, expected);
}

static void pairs_beyond_the_bound_are_other(void **state)
{
	struct bench *b = *state;
	struct session s = session_of(VERDICT_ENCRYPTED_STARTTLS, T0);
	struct sums sums;

	conf_free(b->conf);
	b->o.conf = b->conf = read_conf(b, "record: {max_series: 4}\n");
	send_whole(b, 1, s);
	set_address(s.client, 203, 0, 113, 9);
	send_whole(b, 2, s);
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 0);
	sums = ledger_all(b);
	assert_string_equal(sums.pairs, "orange>free other>other ");
	assert_int_equal(sums.health.n[HEALTH_OVERFLOW], 1);
	s.decided_ns += 60 * NS; /* the first one has its place, whoever comes first now */
	send_whole(b, 1, s);
	send_whole(b, 2, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 60));
	send_health(b, T0 + 60, 10, true);
	assert_int_equal(run(b), 0);
	assert_string_equal(ledger_all(b).pairs, "orange>free other>other ");
}

static void exceptions_count_apart(void **state)
{
	struct bench *b = *state;
	struct session s = session_of(VERDICT_PLAINTEXT, T0);
	struct sums sums;

	set_address(s.client, 198, 51, 100, 15);
	send_whole(b, 1, s);
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 0);
	sums = ledger_all(b);
	assert_int_equal(sums.all.n[COUNT_EXCEPTED], 1);
	assert_int_equal(sums.all.n[COUNT_PLAINTEXT], 0);
	assert_int_equal(sums.all.n[COUNT_MESSAGES_CLEAR], 0);
	assert_null(strstr(b->said, "incident"));
}

/* Incidents ---------------------------------------------------------------------------------- */

struct found {
	size_t n;
	struct incident newest;
	char evidence[8192];
};

static bool on_incident(void *ctx, const struct incident *i)
{
	struct found *f = ctx;

	if (f->n++ == 0)
		f->newest = *i;
	return true;
}

static bool on_evidence(void *ctx, const char *record)
{
	struct found *f = ctx;

	snprintf(f->evidence, sizeof(f->evidence), "%s", record);
	return true;
}

static struct found incidents_of(const struct bench *b)
{
	struct found f = { .n = 0 };
	char err[512] = "";
	struct incidents *in = incidents_open(b->state, false, NULL, err, sizeof(err));

	if (!in || !incidents_list(in, -1, NULL, on_incident, &f, err, sizeof(err)) ||
	    (f.n > 0 && !incidents_evidence(in, f.newest.id, on_evidence, &f, err, sizeof(err))))
		fail_msg("%s", err);
	incidents_close(in);
	return f;
}

static void a_session_that_grows_escalates_once(void **state)
{
	struct bench *b = *state;
	struct session s = session_of(VERDICT_PLAINTEXT, T0);
	struct found f;

	s.exposure = EXPOSURE_ENVELOPE;
	send_mail(b, MESSAGE_VERDICT, 7, false, T0, s);
	s.exposure = EXPOSURE_CONTENT;
	send_mail(b, MESSAGE_WEIGHT, 7, false, T0 + 1, s);
	send_mail(b, MESSAGE_END, 7, true, T0 + 2, s);
	send_health(b, T0 + 3, 10, true);
	assert_int_equal(run(b), 0);
	assert_said(b, "incident 1 opened: warning");
	assert_said(b, "incident 1 escalated: critical");
	f = incidents_of(b);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.newest.sessions, 1);
	assert_int_equal(f.newest.by_exposure[EXPOSURE_CONTENT], 1);
	assert_int_equal(f.newest.by_exposure[EXPOSURE_ENVELOPE], 0);
	assert_non_null(strstr(f.evidence, "\"client\":\"198.51.100.1\"")); /* a mail server */
	assert_non_null(strstr(f.evidence, "\"exposure\":\"content\""));
	assert_null(strchr(f.evidence, '\n'));
}

/* The last step of the ledger, or -1. Opens it anew: another process writes. */
static int64_t last_step_of(const struct bench *b)
{
	char err[256];
	struct ledger *l = ledger_open(b->state, LEDGER_READ, err, sizeof(err));
	int64_t last = -1;
	bool open;

	if (l && !ledger_last_step(l, &last, &open, err, sizeof(err)))
		last = -1;
	ledger_close(l);
	return last;
}

/* In a process of its own: has the incidents locked while steps pass, and only then sends the
 * rest. Ends with 0. */
static int lock_incidents_while_steps_pass(struct bench *b)
{
	char path[200], err[256];
	struct db *db;

	snprintf(path, sizeof(path), "%s/incidents.db", b->state);
	db = db_open(path, true, err, sizeof(err));
	if (!db || !db_begin(db, err, sizeof(err)))
		return 1;
	send_whole(b, 1, session_of(VERDICT_PLAINTEXT, T0));
	for (uint64_t t = T0 + 60; t <= T0 + 600; t += 60)
		send_health(b, t, 10 * (t - T0), false);
	while (last_step_of(b) < (int64_t)T0 + 480)
		poll(NULL, 0, 10);
	db_rollback(db);
	db_close(db);
	send_health(b, T0 + 720, 10000, true);
	return 0;
}

static void no_step_waits_for_who_has_the_incidents_locked(void **state)
{
	struct bench *b = *state;
	struct found f;
	int status;
	pid_t pid;

	next_second();
	b->o.live = true;
	send_health(b, T0 - 120, 1, true);
	assert_int_equal(run(b), 0); /* there is a store to lock */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(lock_incidents_while_steps_pass(b));
	assert_int_equal(run(b), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_said(b, "event=write-failed what=incidents");
	assert_said(b, "event=write-works what=incidents");
	assert_int_equal(lines(b->said), 2);
	f = incidents_of(b);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.newest.sessions, 1);
	assert_non_null(strstr(f.evidence, "\"exposure\":\"content\""));
}

static void live_incidents_are_left_to_the_couriers(void **state)
{
	struct bench *b = *state;
	char err[256];
	struct deliveries *queue;
	struct delivery del;
	struct target t;

	next_second();
	b->o.live = true;
	send_whole(b, 1, session_of(VERDICT_PLAINTEXT, T0));
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 0);
	assert_int_equal(lines(b->said), 0);
	target_init(&t, TARGET_WEBHOOK);
	strcpy(t.name, "noc");
	queue = deliveries_open(b->state, &t, NULL, 0, err, sizeof(err));
	assert_non_null(queue);
	assert_int_equal(deliveries_next(queue, (int64_t)time(NULL), &del, err, sizeof(err)),
			 DELIVERIES_DUE);
	assert_int_equal(del.event, EVENT_OPENED);
	assert_int_equal(del.at, T0);
	assert_int_equal(del.evidence_n, 1);
	delivery_fini(&del);
	deliveries_close(queue);
}

/* Downgrade ----------------------------------------------------------------------------------- */

/* A session that was offered the upgrade, or was not: then in clear. */
static struct session offer_of(bool offered, uint64_t when)
{
	struct session s =
		session_of(offered ? VERDICT_ENCRYPTED_STARTTLS : VERDICT_PLAINTEXT, when);

	s.offered = offered ? TRI_TRUE : TRI_FALSE;
	return s;
}

static size_t times_in(const char *text, const char *word)
{
	size_t n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

/* The session log says of so many sessions that STARTTLS was removed, and the ledger counts them. */
static void assert_removed(const struct bench *b, size_t n)
{
	char log[16384];

	read_state(b, "sessions/2015-11-22.jsonl", log, sizeof(log));
	assert_int_equal(times_in(log, "\"stripped\":\"removed\""), n);
	assert_int_equal(times_in(log, "\"downgrade\":{\"offered_at\":\"2015-11-22T10:"), n);
	assert_int_equal(times_in(log, "\"cause\":\"suspected-stripping\""), n);
	assert_int_equal(ledger_all(b).all.n[COUNT_STRIPPED], n);
}

static void what_is_not_offered_here_is_told_everywhere(void **state)
{
	struct bench *b = *state;
	struct found f;

	send_whole(b, 1, offer_of(true, T0));
	for (uint64_t i = 1; i <= 4; i++)
		send_whole(b, 1 + i, offer_of(false, T0 + i));
	/* Decided by its end, and then as often as it is told. */
	send_mail(b, MESSAGE_END, 9, false, T0 + 8, offer_of(false, T0 + 8));
	send_health(b, T0 + 9, 1, true);
	assert_int_equal(run(b), 0);
	assert_removed(b, 3);
	f = incidents_of(b);
	assert_int_equal(f.newest.sessions, 5);
	assert_int_equal(f.newest.by_cause[CAUSE_SUSPECTED_STRIPPING], 3);
	assert_int_equal(f.newest.by_cause[CAUSE_NOT_OFFERED], 2);
	assert_non_null(strstr(f.evidence, "\"stripped\":\"removed\""));
}

/* A session that is told again, with more weight or at its end, says what it said first. */
static void what_was_counted_stays(void **state)
{
	struct bench *b = *state;
	struct session s;

	send_mail(b, MESSAGE_VERDICT, 1, false, T0, offer_of(false, T0));
	send_whole(b, 2, offer_of(true, T0 + 1));
	send_whole(b, 3, offer_of(false, T0 + 2));
	s = offer_of(false, T0 + 3);
	s.exposure = EXPOSURE_ENVELOPE;
	send_mail(b, MESSAGE_VERDICT, 4, false, T0 + 3, s);
	s.exposure = EXPOSURE_CONTENT;
	send_mail(b, MESSAGE_WEIGHT, 4, true, T0 + 4, s);
	send_mail(b, MESSAGE_END, 4, true, T0 + 5, s);
	send_mail(b, MESSAGE_END, 1, true, T0 + 6, offer_of(false, T0)); /* the first one again */
	send_health(b, T0 + 9, 1, true);
	assert_int_equal(run(b), 0);
	assert_removed(b, 1);
	assert_int_equal(incidents_of(b).newest.by_cause[CAUSE_SUSPECTED_STRIPPING], 1);
	assert_int_equal(incidents_of(b).newest.by_exposure[EXPOSURE_CONTENT], 3);
}

static void servers_are_remembered_across_a_restart(void **state)
{
	struct bench *b = *state;

	send_whole(b, 1, offer_of(true, T0));
	send_whole(b, 2, offer_of(false, T0 + 1));
	send_health(b, T0 + 2, 1, true);
	assert_int_equal(run(b), 0);
	send_whole(b, 1, offer_of(false, T0 + 60));
	send_health(b, T0 + 62, 1, true);
	assert_int_equal(run(b), 0);
	assert_removed(b, 0);
	send_whole(b, 1, offer_of(false, T0 + 120));
	send_health(b, T0 + 122, 1, true);
	assert_int_equal(run(b), 0);
	assert_removed(b, 1);
	send_whole(b, 1, offer_of(false, T0 + 3601)); /* the offer is over an hour old */
	send_health(b, T0 + 3602, 1, true);
	assert_int_equal(run(b), 0);
	assert_removed(b, 1);
}

/* Their addresses may not reach the disk. Within a run they are remembered all the same. */
static void servers_elsewhere_are_in_memory_only(void **state)
{
	struct bench *b = *state;
	struct session s;

	for (uint64_t i = 0; i < 4; i++) {
		s = offer_of(i == 0, T0 + i);
		set_address(s.server, 192, 0, 2, 77);
		send_whole(b, 1 + i, s);
	}
	send_health(b, T0 + 5, 1, true);
	assert_int_equal(run(b), 0);
	assert_removed(b, 1);
	s = offer_of(false, T0 + 60);
	set_address(s.server, 192, 0, 2, 77);
	send_whole(b, 1, s);
	send_health(b, T0 + 62, 1, true);
	assert_int_equal(run(b), 0);
	assert_removed(b, 1);
}

static void the_memory_is_bounded_by_configuration(void **state)
{
	struct bench *b = *state;

	conf_free(b->conf);
	b->o.conf = b->conf = read_conf(b, "record: {max_servers: 1}\n");
	send_whole(b, 1, offer_of(true, T0));
	for (uint64_t i = 1; i <= 3; i++) {
		struct session s = offer_of(true, T0 + i);

		s.server_port = 2525;
		send_whole(b, 2 * i, s);
		send_whole(b, 2 * i + 1, offer_of(false, T0 + i));
	}
	send_health(b, T0 + 5, 1, true);
	assert_int_equal(run(b), 0);
	assert_removed(b, 0);
	assert_int_equal(ledger_all(b).health.n[HEALTH_FORGOTTEN], 6);
	assert_int_equal(b->last.n[HEALTH_FORGOTTEN], 6);
}

static void clear_text_after_failed_tls_is_told(void **state)
{
	struct bench *b = *state;
	struct session clear = session_of(VERDICT_PLAINTEXT, T0 + 30);

	clear.cause = CAUSE_NOT_REQUESTED;
	b->o.sessions = fopen(b->sessions_path, "w");
	send_mail(b, MESSAGE_END, 1, false, T0, session_of(VERDICT_TLS_FAILED, T0));
	send_whole(b, 2, clear);
	send_whole(b, 3, session_of(VERDICT_PLAINTEXT, T0 + 601));
	send_health(b, T0 + 602, 1, true);
	assert_int_equal(run(b), 0);
	assert_int_equal(lines(b->sessions), 3);
	assert_int_equal(times_in(b->sessions, "\"fallback\":true"), 1);
	assert_int_equal(times_in(b->sessions, "\"fallback\":true,\"exposure\":\"content\","
					       "\"confirmed\":true,\"directions\":\"both\","
					       "\"cause\":\"not-requested\""),
			 1);
	assert_int_equal(
		times_in(b->sessions, "{\"tls_failed_at\":\"2015-11-22T10:00:00.000000Z\"}"), 1);
	assert_int_equal(ledger_all(b).all.n[COUNT_STRIPPED], 0);
}

/* RRD ---------------------------------------------------------------------------------------- */

static void a_batch_that_was_cut_short_is_drawn_anew(void **state)
{
	struct bench *b = *state;
	char path[256], err[256] = "";
	struct ledger *l;
	bool dirty = true;

	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0));
	send_health(b, T0, 10, true);
	assert_int_equal(run(b), 0);
	snprintf(path, sizeof(path), "%s/rrd/mta/orange/free.rrd", b->state);
	assert_int_equal(truncate(path, 100), 0);
	l = ledger_open(b->state, LEDGER_WRITE, err, sizeof(err));
	assert_true(ledger_mark_rrd(l, true, err, sizeof(err)));
	ledger_close(l);
	send_whole(b, 1, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + 60));
	send_health(b, T0 + 60, 10, true);
	assert_int_equal(run(b), 0);
	assert_said(b, "event=rrd-rebuild");
	l = ledger_open(b->state, LEDGER_READ, err, sizeof(err));
	assert_true(ledger_rrd_dirty(l, &dirty, err, sizeof(err)));
	assert_false(dirty);
	ledger_close(l);
}

static bool is_marked(const struct bench *b)
{
	char err[256] = "";
	struct ledger *l = ledger_open(b->state, LEDGER_READ, err, sizeof(err));
	bool dirty = false;

	assert_non_null(l);
	assert_true(ledger_rrd_dirty(l, &dirty, err, sizeof(err)));
	ledger_close(l);
	return dirty;
}

static void send_step(struct bench *b, uint64_t id, uint64_t time)
{
	send_whole(b, id, session_of(VERDICT_ENCRYPTED_STARTTLS, time));
	send_health(b, time, 10, true);
}

static void a_file_that_is_damaged_is_set_aside(void **state)
{
	struct bench *b = *state;
	char path[256];

	next_second();
	send_step(b, 1, T0);
	assert_int_equal(run(b), 0);
	snprintf(path, sizeof(path), "%s/rrd/mta/orange/free.rrd", b->state);
	assert_int_equal(truncate(path, 100), 0);
	send_step(b, 1, T0 + 60);
	assert_int_equal(run(b), 0);
	assert_int_equal(lines(b->said), 1);
	assert_said(b, "event=rrd-aside file=");
	assert_said(b, "/rrd/mta/orange/free.rrd.aside");
	assert_true(exists(b, "rrd/mta/orange/free.rrd.aside"));
	assert_true(exists(b, "rrd/mta/orange/free.rrd"));
	assert_false(is_marked(b));
	assert_int_equal(sessions_counted(b), 2);
}

/* A file where a directory should be. */
static void a_file_that_fails_keeps_the_mark(void **state)
{
	struct bench *b = *state;
	char path[256], away[256];
	FILE *f;

	next_second();
	send_health(b, T0 - 60, 1, true);
	assert_int_equal(run(b), 0);
	snprintf(path, sizeof(path), "%s/rrd/access", b->state);
	snprintf(away, sizeof(away), "%s/away", b->state);
	assert_int_equal(rename(path, away), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	for (uint64_t n = 0; n < 3; n++)
		send_step(b, n + 1, T0 + n * 60);
	assert_int_equal(run(b), 1);
	assert_int_equal(lines(b->said), 2);
	assert_said(b, "event=rrd-rebuild why=\"totals are missing");
	assert_said(b, "event=write-failed what=rrd");
	assert_true(is_marked(b));
	assert_int_equal(sessions_counted(b), 3);
	assert_int_equal(unlink(path), 0);
	send_health(b, T0 + 240, 10, true);
	assert_int_equal(run(b), 0);
	assert_said(b, "event=rrd-rebuild");
	assert_false(is_marked(b));
}

/* Kill ---------------------------------------------------------------------------------------- */

static void feed_minutes(struct bench *b, uint64_t from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		send_whole(b, i, session_of(VERDICT_ENCRYPTED_STARTTLS, T0 + (from + i) * 60));
}

static bool reached(const struct bench *b, uint64_t minute)
{
	return exists(b, "rrd/health.rrd") && ledger_all(b).last >= (int64_t)(T0 + minute * 60);
}

/* Runs the recorder in a process of its own and kills it when the ledger has reached a step. */
static void run_and_kill(struct bench *b, uint64_t step)
{
	char err[512];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct recorder *r = recorder_new(&b->o, err, sizeof(err));

		if (r)
			recorder_run(r, b->from, &b->last); /* the channel stays open */
		_exit(1);
	}
	for (unsigned tries = 0; !reached(b, step); tries++) {
		if (tries == 6000 || waitpid(pid, &status, WNOHANG) != 0)
			fail_msg("the recorder did not get to minute %d", (int)step);
		poll(NULL, 0, 10);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(b->to.fd);
	close(b->from);
	open_run(b);
}

static void what_is_in_the_ledger_survives_a_kill(void **state)
{
	struct bench *b = *state;
	struct sums s;

	feed_minutes(b, 0, 20); /* the last two stay in memory: nothing closes them */
	run_and_kill(b, 17);
	s = ledger_all(b);
	assert_int_equal(counts_sessions(&s.all), 18);
	feed_minutes(b, 30, 20); /* after an outage */
	run_and_kill(b, 47);
	feed_minutes(b, 60, 20);
	send_health(b, T0 + 79 * 60, 10, true);
	assert_int_equal(run(b), 0);
	s = ledger_all(b);
	assert_int_equal(counts_sessions(&s.all), 18 + 18 + 20);
	for (int64_t minute = 0; minute < 80; minute++) {
		int64_t step = (int64_t)T0 + minute * 60;
		bool ran = minute % 30 < (minute < 60 ? 18 : 20);

		assert_int_equal(sessions_between(b, step, step + 60), ran);
	}
}

static void a_directory_in_use_is_refused(void **state)
{
	struct bench *b = *state;
	char err[512] = "";
	struct recorder *r = recorder_new(&b->o, err, sizeof(err));

	assert_non_null(r);
	assert_null(recorder_new(&b->o, err, sizeof(err)));
	assert_non_null(strstr(err, "is in use by another mailseald"));
	recorder_free(r);
	recorder_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_run_is_kept_whole),
		TEST(without_a_state_directory_nothing_is_written),
		TEST(drops_of_interfaces_are_the_recorders),
		TEST(records_that_were_lost_are_counted),
		TEST(a_date_in_2096_harms_nothing),
		TEST(a_late_session_is_logged_where_it_counts),
		TEST(older_packets_are_refused),
		TEST(a_live_run_leaves_its_last_step_open),
		TEST(a_capture_that_dies_costs_nothing_recorded),
		TEST(a_capture_that_fails_says_why),
		TEST(progress_is_for_a_terminal_only),
		TEST(what_is_no_record_ends_the_run),
		TEST(hostile_records_break_nothing),
		TEST(a_count_that_nobody_reaches_ends_the_run),
		TEST(before_1980_there_is_no_rrd),
		TEST(sessions_that_cannot_be_written_are_said_once),
		TEST(a_session_log_that_cannot_be_written_costs_nothing_else),
		TEST(what_a_full_disk_does_not_take_comes_later),
		TEST(what_a_full_disk_never_takes_is_told),
		TEST(pairs_beyond_the_bound_are_other),
		TEST(exceptions_count_apart),
		TEST(a_session_that_grows_escalates_once),
		TEST(live_incidents_are_left_to_the_couriers),
		TEST(no_step_waits_for_who_has_the_incidents_locked),
		TEST(what_is_not_offered_here_is_told_everywhere),
		TEST(what_was_counted_stays),
		TEST(servers_are_remembered_across_a_restart),
		TEST(servers_elsewhere_are_in_memory_only),
		TEST(the_memory_is_bounded_by_configuration),
		TEST(clear_text_after_failed_tls_is_told),
		TEST(a_batch_that_was_cut_short_is_drawn_anew),
		TEST(a_file_that_is_damaged_is_set_aside),
		TEST(a_file_that_fails_keeps_the_mark),
		TEST(what_is_in_the_ledger_survives_a_kill),
		TEST(a_directory_in_use_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
