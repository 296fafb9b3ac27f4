/* Tests the sums over the session log: files that grow, shrink, go, and are none; hostile lines; the
 * bounds; and the pages that show them. */
#include "tests/unit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/ledger.h"
#include "reports/record.h"
#include "web/lines.h"
#include "web/route.h"
#include "web/site.h"
#include "web/view.h"

#define BEGIN INT64_C(1795341600) /* 2026-11-22 10:00 */
#define DAY   "2026-11-22"

static char top[64];

/* Writing ----------------------------------------------------------------------------------- */

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static const char *day_path(const char *day)
{
	char name[64];

	snprintf(name, sizeof(name), "sessions/%s.jsonl", day);
	return path_of(name);
}

static void write_to(const char *day, const char *mode, const char *text, size_t len)
{
	FILE *f = fopen(day_path(day), mode);

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void append(const char *day, const char *text)
{
	write_to(day, "a", text, strlen(text));
}

/* One session between two parties; addresses in four bytes each. */
struct line {
	const char *client_peer, *server_peer;
	uint8_t client[4], server[4];
	enum verdict verdict;
	enum exposure exposure;
	enum service service;
	int32_t cipher;
	const char *sni;
	int64_t time;
	bool excepted;
};

static void take_address(uint8_t out[16], const uint8_t v4[4])
{
	out[10] = out[11] = 0xff;
	memcpy(out + 12, v4, 4);
}

static const char *text_of_line(const struct line *l)
{
	static char out[RECORD_MAX];
	struct pair pair = { .promised = false, .excepted = l->excepted };
	struct record_context c = { .sensor = "t", .pair = &pair, .counted = BEGIN };
	struct session s;

	snprintf(pair.client, sizeof(pair.client), "%s", l->client_peer);
	snprintf(pair.server, sizeof(pair.server), "%s", l->server_peer);
	memset(&s, 0, sizeof(s));
	s.start_ns = s.end_ns = (uint64_t)(l->time ? l->time : BEGIN) * 1000000000u;
	take_address(s.client, l->client);
	take_address(s.server, l->server);
	s.vlan = VLAN_NONE;
	s.protocol = PROTOCOL_SMTP;
	s.service = (uint8_t)l->service;
	s.verdict = (uint8_t)l->verdict;
	s.exposure = (uint8_t)l->exposure;
	s.messages = MESSAGES_NULL;
	s.tls_cipher = l->cipher ? l->cipher : TLS_CIPHER_NONE;
	s.tls_version = l->cipher ? 0x0304 : 0;
	s.tls_group = TLS_GROUP_NONE;
	s.tls_alert = TLS_ALERT_NONE;
	if (l->sni) {
		s.sni_len = (uint16_t)strlen(l->sni);
		memcpy(s.sni, l->sni, s.sni_len);
	}
	record_json(&s, &c, out);
	return out;
}

static const struct line sealed = { "orange",
				    "free",
				    { 198, 51, 100, 5 },
				    { 192, 0, 2, 25 },
				    VERDICT_ENCRYPTED_STARTTLS,
				    EXPOSURE_NONE,
				    SERVICE_MTA,
				    0x1302,
				    NULL,
				    0,
				    false };

static void add_sealed(const char *day, unsigned n)
{
	while (n-- > 0)
		append(day, text_of_line(&sealed));
}

/* Asking ------------------------------------------------------------------------------------ */

static uint64_t sessions(const struct lines *l)
{
	struct cipher_use use;
	uint64_t n;

	lines_ciphers(l, SERVICE_MTA, "orange", "free", &use, 1, &n);
	return n;
}

static struct lines_extent extent_of(const struct lines *l)
{
	struct lines_extent e;

	lines_extent(l, &e);
	return e;
}

static struct lines *read_whole(void)
{
	struct lines *l = lines_new(top, NULL);

	assert_true(lines_update(l, 0, NULL, NULL));
	return l;
}

/* Files ------------------------------------------------------------------------------------- */

static void nothing_there_is_nothing(void **state)
{
	struct lines *l;
	struct lines_extent e = extent_of(NULL);

	(void)state;
	assert_int_equal(sessions(NULL), 0);
	assert_false(e.complete);
	assert_int_equal(rmdir(path_of("sessions")), 0);
	l = read_whole();
	e = extent_of(l);
	assert_true(e.complete);
	assert_string_equal(e.first_day, "");
	assert_int_equal(e.last, 0);
	lines_free(l);
	lines_free(NULL);
}

static void it_goes_on_where_it_ended(void **state)
{
	struct lines *l;
	struct lines_extent e;
	const char *line;

	(void)state;
	add_sealed(DAY, 2);
	l = read_whole();
	assert_int_equal(sessions(l), 2);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(sessions(l), 2);
	/* Half a line waits for its end, and is not missing meanwhile. */
	line = text_of_line(&sealed);
	write_to(DAY, "a", line, 100);
	assert_true(lines_update(l, 0, NULL, NULL));
	e = extent_of(l);
	assert_int_equal(e.lines, 2);
	assert_int_equal(e.unread_bytes, 0);
	append(DAY, line + 100);
	add_sealed(DAY, 1);
	assert_true(lines_update(l, 0, NULL, NULL));
	e = extent_of(l);
	assert_int_equal(e.lines, 4);
	assert_int_equal(e.bad, 0);
	assert_int_equal(sessions(l), 4);
	assert_string_equal(e.first_day, DAY);
	assert_int_equal(e.last, BEGIN);
	/* A day before and one after come to it. */
	add_sealed("2026-11-21", 10);
	add_sealed("2026-11-23", 20);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(sessions(l), 34);
	assert_string_equal(extent_of(l).first_day, "2026-11-21");
	lines_free(l);
}

/* What the ledger counts apart is no use of a cipher, nor a network that talks as a mail server. */
static void exceptions_are_in_no_sum(void **state)
{
	struct line probe = sealed;
	struct unknown_host host;
	struct lines *l;
	size_t all;

	(void)state;
	probe.excepted = true;
	probe.time = BEGIN + 60;
	add_sealed(DAY, 2);
	append(DAY, text_of_line(&probe));
	probe.client_peer = "other";
	append(DAY, text_of_line(&probe));
	l = read_whole();
	assert_int_equal(sessions(l), 2);
	lines_unknown(l, &host, 1, &all);
	assert_int_equal(all, 0);
	assert_int_equal(extent_of(l).lines, 4);
	assert_int_equal(extent_of(l).bad, 0);
	assert_int_equal(extent_of(l).last, BEGIN + 60);
	lines_free(l);
}

static void pieces_of_any_size_make_the_same_lines(void **state)
{
	const char *line = text_of_line(&sealed);
	size_t len = strlen(line), step;
	struct lines *l = lines_new(top, NULL);
	uint64_t whole = 0;

	(void)state;
	for (step = 1; step < len; step += 97, whole++) {
		for (size_t at = 0; at < len; at += step) {
			write_to(DAY, "a", line + at, at + step < len ? step : len - at);
			assert_true(lines_update(l, 0, NULL, NULL));
			assert_int_equal(sessions(l), whole + (at + step >= len));
		}
	}
	assert_int_equal(extent_of(l).bad, 0);
	lines_free(l);
}

static void a_day_that_is_gone_is_dropped(void **state)
{
	struct lines *l;

	(void)state;
	add_sealed("2026-11-21", 10);
	add_sealed(DAY, 3);
	l = read_whole();
	assert_int_equal(sessions(l), 13);
	assert_int_equal(unlink(day_path("2026-11-21")), 0);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(sessions(l), 3);
	assert_string_equal(extent_of(l).first_day, DAY);
	assert_int_equal(extent_of(l).lines, 3);
	lines_free(l);
}

static void a_file_that_shrank_or_was_replaced_is_read_anew(void **state)
{
	struct lines *l;
	char other[300];

	(void)state;
	add_sealed("2026-11-21", 1);
	add_sealed(DAY, 5);
	l = read_whole();
	write_to(DAY, "w", "", 0);
	add_sealed(DAY, 2);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(sessions(l), 3);
	/* Replaced by a longer one. */
	add_sealed("2026-11-20", 7);
	snprintf(other, sizeof(other), "%s", day_path("2026-11-20"));
	assert_int_equal(rename(other, day_path(DAY)), 0);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(sessions(l), 8);
	assert_int_equal(extent_of(l).lines, 8);
	lines_free(l);
}

static void only_plain_files_of_days_are_read(void **state)
{
	struct lines *l;
	char target[300];

	(void)state;
	add_sealed(DAY, 1);
	add_sealed("x", 1);
	add_sealed("2026-11-2x", 1);
	add_sealed("2026-11-222", 1);
	snprintf(target, sizeof(target), "%s", day_path(DAY));
	assert_int_equal(symlink(target, day_path("2026-11-19")), 0);
	assert_int_equal(mkfifo(day_path("2026-11-20"), 0600), 0);
	assert_int_equal(mkdir(day_path("2026-11-21"), 0700), 0);
	l = read_whole();
	assert_int_equal(sessions(l), 1);
	assert_int_equal(extent_of(l).unreadable, 3);
	/* What takes the place of a file takes its sums. */
	assert_int_equal(rename(target, path_of("away")), 0);
	assert_int_equal(symlink(path_of("away"), target), 0);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(sessions(l), 0);
	assert_int_equal(extent_of(l).unreadable, 4);
	lines_free(l);
}

static void a_folder_that_cannot_be_read_takes_nothing_away(void **state)
{
	struct lines *l;

	(void)state;
	add_sealed(DAY, 2);
	l = read_whole();
	assert_int_equal(chdir(top), 0);
	assert_int_equal(rename("sessions", "away"), 0);
	fclose(fopen("sessions", "w"));
	assert_false(lines_update(l, 0, NULL, NULL));
	assert_int_equal(sessions(l), 2);
	assert_int_equal(extent_of(l).unreadable, 1);
	assert_false(extent_of(l).complete);
	assert_int_equal(unlink("sessions"), 0);
	assert_int_equal(rename("away", "sessions"), 0);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(sessions(l), 2);
	assert_int_equal(chdir("/"), 0);
	lines_free(l);
}

/* Lines ------------------------------------------------------------------------------------- */

static void bad_lines_are_counted_and_passed_over(void **state)
{
	struct line stranger = sealed, lost = sealed;
	char *line = malloc(3 * RECORD_MAX);
	struct lines_extent e;
	struct lines *l;

	(void)state;
	assert_non_null(line);
	append(DAY, "no record\n\n{}\n");
	write_to(DAY, "a", "\0\xff\n", 3);
	stranger.client_peer = "<b>";
	append(DAY, text_of_line(&stranger));
	lost.server_peer = "free";
	append(DAY, text_of_line(&lost));
	/* Longer than any record: a whole one would follow without the end of the line. */
	memset(line, ' ', 3 * RECORD_MAX);
	write_to(DAY, "a", line, 3 * RECORD_MAX);
	append(DAY, text_of_line(&sealed));
	add_sealed(DAY, 1);
	l = read_whole();
	e = extent_of(l);
	assert_int_equal(e.lines, 8);
	assert_int_equal(e.bad, 6);
	assert_int_equal(e.overflow, 0);
	assert_int_equal(sessions(l), 2);
	lines_free(l);
	/* The same in small bites. */
	l = lines_new(top, NULL);
	while (!lines_update(l, 1, NULL, NULL))
		;
	e = extent_of(l);
	assert_int_equal(e.lines, 8);
	assert_int_equal(e.bad, 6);
	assert_int_equal(sessions(l), 2);
	lines_free(l);
	free(line);
}

static void a_long_line_without_end_is_one_bad_line(void **state)
{
	struct lines *l = lines_new(top, NULL);
	char *line = malloc(2 * RECORD_MAX);

	(void)state;
	assert_non_null(line);
	memset(line, 'x', 2 * RECORD_MAX);
	for (unsigned i = 0; i < 3; i++) {
		write_to(DAY, "a", line, 2 * RECORD_MAX);
		assert_true(lines_update(l, 0, NULL, NULL));
		assert_int_equal(extent_of(l).lines, 1);
		assert_int_equal(extent_of(l).bad, 1);
	}
	append(DAY, "\n");
	add_sealed(DAY, 1);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(extent_of(l).lines, 2);
	assert_int_equal(sessions(l), 1);
	lines_free(l);
	free(line);
}

struct told {
	uint64_t done, all;
	unsigned calls;
};

static void on_progress(void *ctx, uint64_t done, uint64_t all)
{
	struct told *t = ctx;

	assert_true(done > t->done && done <= all);
	t->done = done;
	t->all = all;
	t->calls++;
}

static void a_call_reads_no_more_than_it_may(void **state)
{
	struct lines *l = lines_new(top, NULL);
	const uint64_t budget = 4 * RECORD_MAX;
	struct told told = { .calls = 0 };
	struct lines_extent before, now;
	unsigned calls = 1;

	(void)state;
	add_sealed("2026-11-21", 150);
	add_sealed(DAY, 150);
	assert_false(lines_update(l, budget, on_progress, &told));
	assert_true(told.done <= budget);
	before = extent_of(l);
	assert_int_equal(before.unread_bytes + told.done, told.all);
	assert_string_equal(before.first_day, DAY); /* the newest comes first */
	assert_false(before.complete);
	for (bool all = false; !all; calls++) {
		all = lines_update(l, budget, NULL, NULL);
		now = extent_of(l);
		assert_true(before.unread_bytes - now.unread_bytes <= budget);
		assert_true(now.lines > before.lines);
		before = now;
	}
	assert_true(calls > 5);
	assert_int_equal(sessions(l), 300);
	lines_free(l);
	l = lines_new(top, NULL);
	memset(&told, 0, sizeof(told));
	assert_true(lines_update(l, 0, on_progress, &told));
	assert_int_equal(told.done, told.all);
	lines_free(l);
}

/* Bounds ------------------------------------------------------------------------------------ */

/* A stranger of 10.n.0.0 to orange. */
static struct line stranger(unsigned n)
{
	struct line l = sealed;

	l.client_peer = "other";
	l.server_peer = "orange";
	memcpy(l.client, (uint8_t[]){ 10, (uint8_t)n, 0, 0 }, 4);
	return l;
}

static void what_falls_over_is_counted(void **state)
{
	static const struct lines_room room = { 2, 3, 100 };
	struct lines *l = lines_new(top, &room);
	struct unknown_host hosts[10];
	struct cipher_use uses[10];
	uint64_t encrypted;
	size_t all;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned n = 0; n < 5; n++) {
			struct line s = stranger(n);

			append(DAY, text_of_line(&s));
		}
	}
	for (int32_t cipher = 0x1301; cipher < 0x1305; cipher++) {
		struct line s = sealed;

		s.cipher = cipher;
		append(DAY, text_of_line(&s));
	}
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(extent_of(l).overflow, 2 * 2 + 3);
	assert_int_equal(extent_of(l).bad, 0);
	/* Those that are there go on being counted. */
	assert_int_equal(lines_unknown(l, hosts, 10, &all), 3);
	assert_int_equal(all, 3);
	assert_int_equal(hosts[2].as_client, 2);
	assert_int_equal(lines_ciphers(l, SERVICE_MTA, NULL, NULL, uses, 10, &encrypted), 2);
	assert_int_equal(encrypted, 11);
	lines_free(l);
}

static void without_room_the_oldest_day_is_forgotten(void **state)
{
	static const struct lines_room room = { 10, 10, 10 };
	static const char *const days[] = { "2026-11-20", "2026-11-21", DAY };
	struct lines *l = lines_new(top, &room);
	struct unknown_host hosts[20];
	size_t all;

	(void)state;
	for (unsigned d = 0; d < 3; d++) {
		for (unsigned n = 0; n < 4; n++) {
			struct line s = stranger(10 * d + n);

			append(days[d], text_of_line(&s));
		}
	}
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(extent_of(l).forgotten, 1);
	assert_string_equal(extent_of(l).first_day, "2026-11-21");
	assert_int_equal(lines_unknown(l, hosts, 20, &all), 8);
	/* A new day pushes the next one out. */
	for (unsigned n = 0; n < 4; n++) {
		struct line s = stranger(40 + n);

		append("2026-11-23", text_of_line(&s));
	}
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(extent_of(l).forgotten, 2);
	assert_int_equal(lines_unknown(l, hosts, 20, &all), 8);
	assert_int_equal(extent_of(l).lines, 8);
	lines_free(l);
}

/* Sums -------------------------------------------------------------------------------------- */

static void ciphers_of_a_pair_most_first(void **state)
{
	struct cipher_use uses[4];
	struct line s = sealed;
	struct lines *l;
	uint64_t n;

	(void)state;
	add_sealed(DAY, 3);
	s.cipher = 0x1301;
	append(DAY, text_of_line(&s));
	s.cipher = 0xfefe; /* no name in the registry */
	append(DAY, text_of_line(&s));
	append(DAY, text_of_line(&s));
	s.cipher = 0;
	append(DAY, text_of_line(&s));
	s.verdict = VERDICT_TLS_FAILED;
	append(DAY, text_of_line(&s));
	s = sealed;
	s.service = SERVICE_SUBMISSION;
	append(DAY, text_of_line(&s));
	s = sealed;
	s.server_peer = "sfr";
	append("2026-11-21", text_of_line(&s));
	l = read_whole();
	assert_int_equal(lines_ciphers(l, SERVICE_MTA, "orange", "free", uses, 4, &n), 4);
	assert_int_equal(n, 7);
	assert_string_equal(uses[0].cipher, "TLS_AES_256_GCM_SHA384");
	assert_string_equal(uses[0].version, "TLSv1.3");
	assert_int_equal(uses[0].sessions, 3);
	assert_string_equal(uses[1].cipher, "0xfefe");
	assert_string_equal(uses[2].cipher, "TLS_AES_128_GCM_SHA256");
	assert_string_equal(uses[3].cipher, "");
	assert_string_equal(uses[3].version, "");
	assert_int_equal(lines_ciphers(l, SERVICE_MTA, "orange", NULL, uses, 1, &n), 1);
	assert_int_equal(uses[0].sessions, 4);
	assert_int_equal(n, 8);
	assert_int_equal(lines_ciphers(l, SERVICE_MTA, "free", "orange", uses, 4, &n), 0);
	assert_int_equal(lines_ciphers(l, SERVICE_SUBMISSION, NULL, NULL, uses, 4, &n), 1);
	lines_free(l);
}

static void networks_of_strangers_most_mail_first(void **state)
{
	struct unknown_host hosts[8];
	struct line s = stranger(1);
	struct lines *l;
	size_t all;

	(void)state;
	append(DAY, text_of_line(&s));
	s.server_peer = "free";
	append(DAY, text_of_line(&s));
	append("2026-11-21", text_of_line(&s));
	/* The same network as a server, asked for by name; the later name counts. */
	s = sealed;
	s.server_peer = "other";
	memcpy(s.server, s.client, 4);
	memcpy(s.server, (uint8_t[]){ 10, 1, 0, 0 }, 4);
	s.sni = "later\"<i>";
	s.time = BEGIN + 60;
	append(DAY, text_of_line(&s));
	s.sni = "earlier";
	s.time = BEGIN + 30;
	append(DAY, text_of_line(&s));
	/* A scanner: many sessions, and no mail. */
	s = stranger(2);
	s.verdict = VERDICT_NO_TRANSACTION;
	for (unsigned i = 0; i < 9; i++)
		append(DAY, text_of_line(&s));
	/* In clear, and refused; a whole address; no mail server; no stranger. */
	s = stranger(3);
	s.client_peer = "sfr-net";
	memcpy(s.client, (uint8_t[]){ 198, 51, 100, 7 }, 4);
	s.verdict = VERDICT_PLAINTEXT;
	s.exposure = EXPOSURE_CONTENT;
	append(DAY, text_of_line(&s));
	s.exposure = EXPOSURE_REFUSED;
	append(DAY, text_of_line(&s));
	s = stranger(4);
	s.service = SERVICE_ACCESS;
	append(DAY, text_of_line(&s));
	add_sealed(DAY, 20);
	l = read_whole();
	assert_int_equal(lines_unknown(l, hosts, 8, &all), 3);
	assert_int_equal(all, 3);
	assert_string_equal(hosts[0].network, "10.1.0.0/16");
	assert_string_equal(hosts[0].party, "other");
	assert_string_equal(hosts[0].name, "later\"<i>");
	assert_int_equal(hosts[0].as_client, 3);
	assert_int_equal(hosts[0].as_server, 2);
	assert_int_equal(hosts[0].encrypted, 5);
	assert_int_equal(hosts[0].last, BEGIN + 60);
	assert_string_equal(hosts[1].network, "198.51.100.7");
	assert_string_equal(hosts[1].party, "sfr-net");
	assert_string_equal(hosts[1].with, "orange");
	assert_int_equal(hosts[1].as_client, 2);
	assert_int_equal(hosts[1].plaintext, 1);
	assert_string_equal(hosts[2].network, "10.2.0.0/16");
	assert_int_equal(hosts[2].as_client, 9);
	assert_int_equal(hosts[2].encrypted, 0);
	for (size_t max = 0; max < 3; max++) {
		assert_int_equal(lines_unknown(l, hosts, max, &all), max);
		assert_int_equal(all, 3);
	}
	assert_string_equal(hosts[1].party, "sfr-net");
	lines_free(l);
}

static void a_name_goes_with_its_day(void **state)
{
	struct unknown_host host;
	struct line s = sealed;
	struct lines *l;
	size_t all;

	(void)state;
	s.server_peer = "other";
	append("2026-11-21", text_of_line(&s));
	s.sni = "mx.example";
	append(DAY, text_of_line(&s));
	l = read_whole();
	assert_int_equal(lines_unknown(l, &host, 1, &all), 1);
	assert_string_equal(host.name, "mx.example");
	assert_int_equal(host.as_server, 2);
	assert_int_equal(unlink(day_path(DAY)), 0);
	assert_true(lines_update(l, 0, NULL, NULL));
	assert_int_equal(lines_unknown(l, &host, 1, &all), 1);
	assert_string_equal(host.name, "");
	assert_int_equal(host.as_server, 1);
	lines_free(l);
}

/* IPv6 as it is stored. */
static void addresses_of_both_kinds(void **state)
{
	struct unknown_host host;
	struct line s = stranger(1);
	char line[2 * RECORD_MAX];
	const char *text = text_of_line(&s), *at = strstr(text, "10.1.0.0");
	struct lines *l;
	size_t all;

	(void)state;
	assert_non_null(at);
	snprintf(line, sizeof(line), "%.*s2001:db8:1::%s", (int)(at - text), text,
		 at + strlen("10.1.0.0"));
	append(DAY, line);
	snprintf(line, sizeof(line), "%.*s10.1.0.0.1%s", (int)(at - text), text,
		 at + strlen("10.1.0.0"));
	append(DAY, line); /* no address */
	l = read_whole();
	assert_int_equal(lines_unknown(l, &host, 1, &all), 1);
	assert_string_equal(host.network, "2001:db8:1::/48");
	assert_int_equal(all, 1);
	assert_int_equal(extent_of(l).bad, 1);
	lines_free(l);
	/* One that should have been cut is cut. */
	snprintf(line, sizeof(line), "%.*s2001:db8:1:2::3%s", (int)(at - text), text,
		 at + strlen("10.1.0.0"));
	append(DAY, line);
	l = read_whole();
	assert_int_equal(lines_unknown(l, &host, 1, &all), 1);
	assert_int_equal(all, 1);
	assert_int_equal(host.as_client, 2);
	lines_free(l);
}

/* Pages ------------------------------------------------------------------------------------- */

static void make_ledger(void)
{
	struct health h;
	struct ledger_batch b = { .step = BEGIN, .health = &h };
	char err[256] = "";
	struct ledger *l = ledger_open(top, LEDGER_WRITE, err, sizeof(err));

	memset(&h, 0, sizeof(h));
	assert_non_null(l);
	assert_true(ledger_commit(l, &b, err, sizeof(err)));
	ledger_close(l);
}

static struct reply ask(struct lines *l, const char *path)
{
	struct site site = { .dir = top, .lines = l };
	struct reply r;

	site_answer(&site, path, BEGIN + 120, &r);
	assert_int_equal(r.status, 200);
	return r;
}

static void has(const struct reply *r, const char *text)
{
	if (!strstr(r->body, text))
		fail_msg("no %s in %s", text, r->body);
}

static void the_page_of_strangers(void **state)
{
	struct line s = sealed;
	struct lines *l;
	struct reply r;

	(void)state;
	make_ledger();
	s.server_peer = "other";
	memcpy(s.server, (uint8_t[]){ 10, 1, 0, 0 }, 4);
	s.sni = "<b>\"\x1b";
	append(DAY, text_of_line(&s));
	append(DAY, "no record\n");
	l = read_whole();
	r = ask(l, "unknown.html");
	has(&r, "10.1.0.0/16");
	has(&r, "&lt;b&gt;&quot;\\x1b");
	has(&r, "peer/orange.html");
	has(&r, "passed over: 1.");
	has(&r, text_of(T_UNKNOWN_ADD));
	assert_null(strstr(r.body, "<b>"));
	assert_null(strstr(r.body, "style="));
	free(r.body);
	r = ask(l, "api/v1/unknown.json");
	has(&r, "\"network\": \"10.1.0.0/16\"");
	has(&r, "\"asked_for\": \"<b>\\\"\\u001b\"");
	has(&r, "\"no_records\": 1");
	has(&r, "\"complete\": true");
	free(r.body);
	lines_free(l);
}

static void pages_say_what_is_not_there(void **state)
{
	struct lines *l = lines_new(top, NULL);
	struct reply r;

	(void)state;
	make_ledger();
	r = ask(NULL, "unknown.html");
	has(&r, text_of(T_LINES_NOT_YET));
	free(r.body);
	assert_true(lines_update(l, 0, NULL, NULL));
	r = ask(l, "unknown.html");
	has(&r, text_of(T_LINES_NONE));
	free(r.body);
	add_sealed("2026-11-21", 30);
	add_sealed(DAY, 30);
	assert_false(lines_update(l, 1, NULL, NULL));
	r = ask(l, "unknown.html");
	has(&r, "still being read");
	has(&r, "1 MiB");
	has(&r, text_of(T_UNKNOWN_NONE));
	free(r.body);
	lines_free(l);
}

static char *ciphers(struct lines *l, bool html)
{
	struct view v = { .dir = top, .lines = l };
	struct html h = { .root = "" };
	struct json_out j;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	v.route = route_pair(SERVICE_MTA, "orange", "free");
	assert_non_null(out);
	h.out = out;
	if (html) {
		view_ciphers(&v, &h, NULL);
	} else {
		json_init(&j, out);
		json_object(&j, NULL);
		view_ciphers(&v, NULL, &j);
		json_object_end(&j);
	}
	fclose(out);
	return text;
}

static void the_ciphers_of_a_pair(void **state)
{
	struct line s = sealed;
	struct lines *l;
	char *text;

	(void)state;
	add_sealed(DAY, 2);
	s.cipher = 0x1301;
	append("2026-11-21", text_of_line(&s));
	l = read_whole();
	text = ciphers(l, true);
	assert_non_null(strstr(text, "<h2>Ciphers</h2>"));
	assert_non_null(strstr(text, "that are kept: 2026-11-21 to 2026-11-22 10:00, 3 lines."));
	assert_non_null(strstr(text, "TLS_AES_256_GCM_SHA384</th><td>TLSv1.3</td><td class=\"n\">2"
				     "</td><td class=\"n\">66.66 %"));
	assert_null(strstr(text, text_of(T_CIPHERS_REST)));
	free(text);
	text = ciphers(l, false);
	assert_non_null(strstr(text, "\"first_day\": \"2026-11-21\""));
	assert_non_null(strstr(text, "\"cipher\": \"TLS_AES_128_GCM_SHA256\""));
	assert_non_null(strstr(text, "\"encrypted\": 3"));
	free(text);
	/* More than are shown. */
	for (s.cipher = 0xf000; s.cipher < 0xf000 + 50; s.cipher++)
		append(DAY, text_of_line(&s));
	assert_true(lines_update(l, 0, NULL, NULL));
	text = ciphers(l, true);
	assert_non_null(strstr(text, ">others</th><td></td><td class=\"n\">12</td>"));
	free(text);
	lines_free(l);
	text = ciphers(NULL, true);
	assert_non_null(strstr(text, text_of(T_LINES_NOT_YET)));
	free(text);
}

/* ------------------------------------------------------------------------------------------- */

static int make_top(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/test_lines.XXXXXX");
	return mkdtemp(top) && mkdir(path_of("sessions"), 0700) == 0 ? 0 : -1;
}

static int remove_top(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command); /* NOLINT: a name that mkdtemp made */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_top, remove_top)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_there_is_nothing),
		TEST(it_goes_on_where_it_ended),
		TEST(exceptions_are_in_no_sum),
		TEST(pieces_of_any_size_make_the_same_lines),
		TEST(a_day_that_is_gone_is_dropped),
		TEST(a_file_that_shrank_or_was_replaced_is_read_anew),
		TEST(only_plain_files_of_days_are_read),
		TEST(a_folder_that_cannot_be_read_takes_nothing_away),
		TEST(bad_lines_are_counted_and_passed_over),
		TEST(a_long_line_without_end_is_one_bad_line),
		TEST(a_call_reads_no_more_than_it_may),
		TEST(what_falls_over_is_counted),
		TEST(without_room_the_oldest_day_is_forgotten),
		TEST(ciphers_of_a_pair_most_first),
		TEST(networks_of_strangers_most_mail_first),
		TEST(a_name_goes_with_its_day),
		TEST(addresses_of_both_kinds),
		TEST(the_page_of_strangers),
		TEST(pages_say_what_is_not_there),
		TEST(the_ciphers_of_a_pair),
	};

	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
