/* Tests what a running recorder takes from a configuration that was read anew. */
#include "tests/unit.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sensor/channel.h"
#include "sensor/eras.h"
#include "sensor/reload.h"
#include "tests/sensor/conf_file.h"

#define NS      1000000000ull
#define T0      1448186400ull /* 2015-11-22T10:00:00Z */
#define RELOADS 200

static const char one[] = "sensor: one\n"
			  "capture: {snaplen: 1000, ports: {smtp: [25]}}\n"
			  "peers:\n"
			  "  - {name: orange, signatory: true, mta: [198.51.100.0/28]}\n"
			  "  - {name: free, signatory: true, mta: [198.51.100.64/28]}\n";
static const char two[] =
	"sensor: two\n"
	"user: nobody\n"
	"capture: {snaplen: 1000, ports: {smtp: [25, 26]}}\n"
	"incidents: {quiet_s: 120, lossy_percent: 2.5}\n"
	"syslog: {socket: \"\"}\n"
	"retention: {sessions_days: 30}\n"
	"peers:\n"
	"  - {name: orange, mta: [198.51.100.0/28]}\n"
	"  - {name: laposte, signatory: true, mta: [198.51.100.64/28]}\n"
	"alerts: {rules: [{rule: plaintext-between-signatories, severity: off}]}\n";

/* Configurations ----------------------------------------------------------------------------- */

static void only_some_keys_are_taken(void **state)
{
	struct conf *now = read_text(one), *next = read_text(two);
	char left[256], little[16];

	(void)state;
	assert_int_equal(conf_take(now, next, left, sizeof(left)), 3);
	assert_string_equal(left, "sensor, user, capture.ports.smtp");
	assert_string_equal(next->sensor, "one");
	assert_string_equal(next->user, "mailseal");
	assert_int_equal(next->ports_n, now->ports_n);
	assert_int_equal(next->quiet_s, 120);
	assert_int_equal(next->lossy_percent_x100, 250);
	assert_string_equal(next->syslog_socket, "");
	assert_int_equal(next->keep_sessions_days, 30);
	assert_int_equal(next->keep_incidents_days, now->keep_incidents_days);
	assert_int_equal(next->rules_n, 1);
	assert_string_equal(peers_name(next->peers, 1), "laposte");
	assert_int_equal(conf_take(now, next, left, sizeof(left)), 0);
	assert_string_equal(left, "");
	conf_free(next);
	next = read_text(two);
	assert_int_equal(conf_take(now, next, little, sizeof(little)), 3);
	assert_string_equal(little, "sensor, user, c");
	conf_free(next);
	conf_free(now);
}

static void each_session_has_the_peers_of_its_time(void **state)
{
	struct conf *first = conf_default();
	struct eras *e = eras_new(first);
	const struct peers *second;

	(void)state;
	assert_ptr_equal(eras_now(e), first);
	assert_ptr_equal(eras_peers(e, 5), first->peers);
	eras_begin(e, conf_default(), 10);
	second = eras_now(e)->peers;
	assert_ptr_equal(eras_peers(e, 10), first->peers);
	assert_ptr_equal(eras_peers(e, 11), second);
	eras_begin(e, conf_default(), 20);
	assert_ptr_equal(eras_peers(e, 10), first->peers);
	assert_ptr_equal(eras_peers(e, 20), second);
	assert_ptr_equal(eras_peers(e, 21), eras_now(e)->peers);
	for (uint64_t ns = 30; ns < 200; ns += 10) /* of the oldest nothing is known any more */
		eras_begin(e, conf_default(), ns);
	assert_ptr_not_equal(eras_peers(e, 10), first->peers);
	assert_ptr_equal(eras_peers(e, 1000), eras_now(e)->peers);
	eras_free(e);
	conf_free(first);
	eras_free(NULL);
}

/* Again and again ---------------------------------------------------------------------------- */

struct bench {
	char dir[64], path[128], state[128];
	struct conf *first;
	struct recorder *recorder;
	struct channel to;
	unsigned reloads;
	size_t bytes_early, bytes_late;
	unsigned files_early, files_late;
};

static void write_conf(const struct bench *b, const char *text)
{
	FILE *f = fopen(b->path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static size_t bytes_in_use(void)
{
	return mallinfo2().uordblks; /* 0 where a sanitizer has its own, and looks for leaks */
}

static unsigned files_in_use(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Before each message: the next file, of which every third is wrong. */
static bool reload_again(void *ctx)
{
	static const char *const texts[] = { one, two, "peers: what?\n" };
	struct bench *b = ctx;

	if (b->reloads == RELOADS)
		return true;
	write_conf(b, texts[b->reloads % 3]);
	reload(b->path, b->first, b->recorder, NULL);
	b->reloads++;
	if (b->reloads == RELOADS / 2) {
		b->bytes_early = bytes_in_use();
		b->files_early = files_in_use();
	} else if (b->reloads == RELOADS - 2) { /* in the same place of the row of texts */
		b->bytes_late = bytes_in_use();
		b->files_late = files_in_use();
	}
	return true;
}

static void send_health(struct bench *b, unsigned n)
{
	struct message m = { .kind = MESSAGE_HEALTH, .now_ns = (T0 + n) * NS };

	m.health.n[HEALTH_PACKETS] = m.health.n[HEALTH_DELIVERED] = n + 1;
	m.last = n == RELOADS;
	assert_true(channel_send(&b->to, &m));
}

static void nothing_is_left_of_a_reload(void **state)
{
	struct bench b = { .dir = "/tmp/mailseal-reload-XXXXXX" };
	struct recorder_options o = {
		.inputs_n = 0, .quiet = true, .between = reload_again, .ctx = &b
	};
	char err[512] = "", command[128];
	struct health last;
	int from;

	(void)state;
	assert_non_null(mkdtemp(b.dir));
	snprintf(b.path, sizeof(b.path), "%s/conf", b.dir);
	snprintf(b.state, sizeof(b.state), "%s/state", b.dir);
	write_conf(&b, one);
	b.first = conf_read(b.path, err, sizeof(err));
	assert_non_null(b.first);
	o.conf = b.first;
	o.state_dir = b.state;
	assert_true(channel_open(&from, &b.to.fd, 1u << 20));
	for (unsigned n = 0; n <= RELOADS; n++)
		send_health(&b, n);
	close(b.to.fd);
	b.recorder = recorder_new(&o, err, sizeof(err));
	assert_non_null(b.recorder);
	assert_int_equal(recorder_run(b.recorder, from, &last), 0);
	assert_int_equal(b.reloads, RELOADS);
	assert_int_equal(b.files_late, b.files_early);
	assert_in_range(b.bytes_late, 0, b.bytes_early + 16384);
	recorder_free(b.recorder);
	close(from);
	conf_free(b.first);
	snprintf(command, sizeof(command), "rm -rf %s", b.dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_some_keys_are_taken),
		cmocka_unit_test(each_session_has_the_peers_of_its_time),
		cmocka_unit_test(nothing_is_left_of_a_reload),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
