/* Tests the configuration file: every kind of mistake gets one line with its place, and what is
 * printed reads back to the same. */
#include "tests/unit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/conf.h"
#include "tests/sensor/conf_file.h"

static void the_defaults_are_as_documented(void **state)
{
	static const struct mail_port ports[] = {
		{ 25, PROTOCOL_SMTP, SERVICE_MTA, false },
		{ 2525, PROTOCOL_SMTP, SERVICE_MTA, false },
		{ 587, PROTOCOL_SMTP, SERVICE_SUBMISSION, false },
		{ 465, PROTOCOL_SMTP, SERVICE_SUBMISSION, true },
		{ 143, PROTOCOL_IMAP, SERVICE_ACCESS, false },
		{ 993, PROTOCOL_IMAP, SERVICE_ACCESS, true },
		{ 110, PROTOCOL_POP3, SERVICE_ACCESS, false },
		{ 995, PROTOCOL_POP3, SERVICE_ACCESS, true },
	};
	size_t n = sizeof(ports) / sizeof(ports[0]);
	struct conf *c = conf_default();

	(void)state;
	assert_int_equal(c->ports_n, n);
	for (size_t i = 0; i < n; i++) {
		const struct mail_port *p = conf_port(c, ports[i].port);

		assert_non_null(p);
		assert_int_equal(p->protocol, ports[i].protocol);
		assert_int_equal(p->service, ports[i].service);
		assert_int_equal(p->implicit_tls, ports[i].implicit_tls);
	}
	assert_null(conf_port(c, 26));
	assert_true(c->sensor[0] != '\0');
	assert_string_equal(c->user, "mailseal");
	assert_int_equal(c->mode, MODE_DEFAULT);
	assert_int_equal(c->idle_s, 1800);
	assert_int_equal(c->keep_sessions_days, 90);
	assert_int_equal(c->keep_incidents_days, 1827);
	assert_int_equal(c->lossy_percent_x100, 100);
	assert_string_equal(c->state_dir, "");
	assert_string_equal(c->syslog_socket, "/dev/log");
	assert_int_equal(peers_count(c->peers), 0);
	conf_free(c);
	conf_free(NULL);
}

static struct place place_of(const struct conf *c, const char *text)
{
	uint8_t addr[16] = { [10] = 0xff, [11] = 0xff };

	if (strchr(text, ':'))
		assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
	else
		assert_int_equal(inet_pton(AF_INET, text, addr + 12), 1);
	return peers_find(c->peers, addr);
}

static const char everything[] = "sensor: th2-1\n"
				 "user: nobody\n"
				 "capture:\n"
				 "  interfaces: [eth1, 'a \"b\" \\c']\n"
				 "  mode: any\n"
				 "  filter: not host 192.0.2.1\n"
				 "  ports: {smtp: [26, 587], submission: [], imap: [1143]}\n"
				 "  encapsulations: [6in4, \"mpls\"]\n"
				 "  snaplen: 2000\n"
				 "  ring_mib: 8\n"
				 "  max_flows: 1000\n"
				 "  max_undecided: 100\n"
				 "  reassembly_kib: 4096\n"
				 "  reassembly_flow_kib: 64\n"
				 "  fragments_kib: 512\n"
				 "  idle_s: 60\n"
				 "  workers: 4\n"
				 "  cpus: [0, 7, 1023]\n"
				 "peers:\n"
				 "  - {name: orange, signatory: true, mta: [198.51.100.0/28, "
				 "\"2001:db8:10:25::/64\"], access: [198.51.100.16/28]}\n"
				 "  - {networks: [203.0.113.0/26], name: \"123\"}\n"
				 "exceptions:\n"
				 "  - {client: 198.51.100.1, note: 'p\xc3\xa9riode: \"x\" # y'}\n"
				 "record: {state_dir: /var/lib/m, metrics_file: /run/m.prom,\n"
				 "  max_series: 7, max_servers: 9}\n"
				 "retention: {sessions_days: 30, incidents_days: 400}\n"
				 "incidents: {quiet_s: 120, lossy_percent: 2.5}\n"
				 "syslog: {socket: \"\"}\n";

static void check_everything(const struct conf *c)
{
	uint8_t a[16] = { [10] = 0xff, [11] = 0xff, 198, 51, 100, 1 }, b[16] = { 0 };

	assert_string_equal(c->sensor, "th2-1");
	assert_string_equal(c->user, "nobody");
	assert_int_equal(c->interfaces_n, 2);
	assert_string_equal(c->interfaces[1], "a \"b\" \\c");
	assert_int_equal(c->mode, MODE_ANY);
	assert_string_equal(c->filter, "not host 192.0.2.1");
	assert_null(conf_port(c, 25));
	assert_int_equal(conf_port(c, 587)->service, SERVICE_MTA);
	assert_int_equal(conf_port(c, 1143)->protocol, PROTOCOL_IMAP);
	assert_true(conf_port(c, 993)->implicit_tls);
	assert_int_equal(c->encapsulations, 1u << ENCAPSULATION_6IN4 | 1u << ENCAPSULATION_MPLS);
	assert_int_equal(c->snaplen, 2000);
	assert_int_equal(c->ring_mib, 8);
	assert_int_equal(c->max_flows, 1000);
	assert_int_equal(c->max_undecided, 100);
	assert_int_equal(c->reassembly_kib, 4096);
	assert_int_equal(c->reassembly_flow_kib, 64);
	assert_int_equal(c->fragments_kib, 512);
	assert_int_equal(c->idle_s, 60);
	assert_int_equal(c->workers, 4);
	assert_int_equal(c->cpus_n, 3);
	assert_int_equal(c->cpus[1], 7);
	assert_int_equal(c->cpus[2], 1023);
	assert_int_equal(peers_count(c->peers), 2);
	assert_string_equal(peers_name(c->peers, 1), "123");
	assert_true(peers_signatory(c->peers, 0));
	assert_false(peers_signatory(c->peers, 1));
	assert_int_equal(place_of(c, "2001:db8:10:25::7").peer, 0);
	assert_int_equal(place_of(c, "198.51.100.17").kind, PREFIX_ACCESS);
	assert_int_equal(place_of(c, "203.0.113.1").peer, 1);
	assert_true(peers_excepted(c->peers, a, b));
	assert_string_equal(c->state_dir, "/var/lib/m");
	assert_string_equal(c->metrics_file, "/run/m.prom");
	assert_int_equal(c->max_series, 7);
	assert_int_equal(c->max_servers, 9);
	assert_int_equal(c->keep_sessions_days, 30);
	assert_int_equal(c->keep_incidents_days, 400);
	assert_int_equal(c->quiet_s, 120);
	assert_int_equal(c->lossy_percent_x100, 250);
	assert_string_equal(c->syslog_socket, "");
}

static void what_is_printed_reads_back_to_the_same(void **state)
{
	struct conf *c = read_text(everything);

	(void)state;
	check_everything(c);
	c = printed_and_read(c);
	check_everything(c);
	conf_free(c);
	conf_free(printed_and_read(conf_default()));
}

static void nothing_is_the_defaults(void **state)
{
	static const char *const empties[] = { "",
					       "\n",
					       "# only a comment\n",
					       "---\n",
					       "capture:\npeers:\nexceptions:\n",
					       "\xef\xbb\xbf# after a byte order mark\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(empties) / sizeof(empties[0]); i++) {
		struct conf *c = read_text(empties[i]);

		assert_int_equal(c->ports_n, 8);
		conf_free(c);
	}
}

static void every_mistake_gets_its_place(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		/* YAML */
		{ "sensor: [a\n", ":2: bad YAML: " },
		{ "a: b: c\n", ":1: bad YAML: " },
		{ "sensor: a\n---\nsensor: b\n", ":2: bad YAML: more than one document" },
		{ "sensor: &x a\nuser: *x\n", ":1: bad YAML: anchors" },
		{ "user: *x\n", ":1: bad YAML: anchors" },
		{ "capture: &x {mode: any}\n", ":1: bad YAML: anchors" },
		{ "capture: {interfaces: &x [a]}\n", ":1: bad YAML: anchors" },
		{ "sensor: !!str a\n", ":1: bad YAML: tags" },
		{ "[[[[[[[[[[[[[[[[[[\n", ":1: bad YAML: nested too deeply" },
		{ "? [a]\n: b\n", ":1: bad YAML: a key must be a word" },
		{ "user: \"a\\nb\"\n", ":1: bad YAML: a control character" },
		{ "user: \"a\\0b\"\n", ":1: bad YAML: a control character" },
		{ "user: \"a\\u2028b\"\n", ":1: bad YAML: a control character" },
		{ "user: a\n\x01\n", ":2: bad YAML: " },
		{ "user: a\nsensor: \xff\n", ":2: not UTF-8" },
		{ "user: a\nsensor: \xed\xa0\x80\n", ":2: not UTF-8" },
		{ "sensor: \xc0\x80\n", ":1: not UTF-8" },
		/* shape */
		{ "- a\n", ":1: file: needs keys with values, not a list" },
		{ "a\n", ":1: file: needs keys with values, not a single value" },
		{ "capture: 5\n", ":1: capture: needs keys with values, not a single value" },
		{ "sensor: [a]\n", ":1: sensor: needs a single value, not a list" },
		{ "capture: {interfaces: eth1}\n", ":1: capture.interfaces: needs a list" },
		{ "peers: {}\n", ":1: peers: needs a list, not keys" },
		{ "peers: [a]\n", ":1: peers: needs keys with values" },
		{ "sensor:\n", ":1: sensor: needs a value" },
		{ "user: ~\n", ":1: user: needs a value" },
		/* keys */
		{ "user: a\nsensr: b\n", ":2: sensr: unknown key; did you mean \"sensor\"?" },
		{ "capture:\n  max_flow: 3\n",
		  ":2: capture.max_flow: unknown key; did you mean \"max_flows\"?" },
		{ "peers:\n  - name: a\n    alerts: {}\n",
		  ":3: peers.alerts: unknown key; \"alerts\" has to stand at the beginning of its "
		  "line" },
		{ "captrue: {}\n", ":1: captrue: unknown key; did you mean \"capture\"?" },
		{ "wholly-different: 1\n", ":1: wholly-different: unknown key" },
		{ "capture.max_flows: 20\n", ":1: capture.max_flows: unknown key" },
		{ "\"\": 20\n", ":1: : unknown key" },
		{ "<<: {user: a}\n", ":1: <<: unknown key" },
		{ "user: a\nsensor: b\nuser: c\n", ":3: user: is in line 1 already" },
		{ "capture: {ports: {smtps: [1]}}\n",
		  ":1: capture.ports.smtps: unknown key; did you mean \"smtp\"?" },
		/* values */
		{ "sensor: a b\n", ":1: sensor: needs letters, digits" },
		{ "user: \"\"\n", ":1: user: needs text of 1 to 32 bytes, not of 0" },
		{ "capture: {max_flows: 1}\n",
		  ":1: capture.max_flows: needs a whole number from 16 to 50000000, not \"1\"" },
		{ "capture: {max_flows: 99999999999}\n", ":1: capture.max_flows: needs a whole" },
		{ "capture: {max_flows: -5}\n", ":1: capture.max_flows: needs a whole" },
		{ "capture: {max_flows: 1e3}\n", ":1: capture.max_flows: needs a whole" },
		{ "capture: {max_flows: '20'}\n",
		  ":1: capture.max_flows: needs a number without quotes" },
		{ "capture: {mode: all}\n",
		  ":1: capture.mode: needs \"ports\" or \"any\", not \"all\"" },
		{ "capture:\n  interfaces: [a,\n    a]\n",
		  ":3: capture.interfaces: names a twice" },
		{ "capture: {encapsulations: gre}\n", ":1: capture.encapsulations: needs a list" },
		{ "capture: {encapsulations: [gre, gre]}\n",
		  ":1: capture.encapsulations: names gre twice" },
		{ "capture:\n  encapsulations: [gre,\n    GRE]\n",
		  ":3: capture.encapsulations: knows mpls, pppoe, gre, erspan, vxlan, geneve, "
		  "ipip, "
		  "6in4, not \"GRE\"" },
		{ "capture: {encapsulations: [~]}\n", ":1: capture.encapsulations: needs a value" },
		{ "capture: {encapsulation: [gre]}\n",
		  ":1: capture.encapsulation: unknown key; did you mean \"encapsulations\"?" },
		{ "capture: {workers: 0}\n",
		  ":1: capture.workers: needs a whole number from 1 to 64, not \"0\"" },
		{ "capture: {workers: 65}\n", ":1: capture.workers: needs a whole" },
		{ "capture: {cpus: 1}\n", ":1: capture.cpus: needs a list" },
		{ "capture: {cpus: [0, 1024]}\n",
		  ":1: capture.cpus: needs numbers of CPUs from 0 to 1023, not \"1024\"" },
		{ "capture: {cpus: [0-3]}\n", ":1: capture.cpus: needs numbers of CPUs" },
		{ "capture: {cpus: ['1']}\n", ":1: capture.cpus: needs numbers without quotes" },
		{ "capture: {fragments_kib: 255}\n", ":1: capture.fragments_kib: needs a whole" },
		{ "capture: {interfaces: [\"\"]}\n", ":1: capture.interfaces: needs names" },
		{ "capture: {ports: {smtp: [0]}}\n",
		  ":1: capture.ports.smtp: needs ports from 1 to 65535, not \"0\"" },
		{ "capture: {ports: {smtp: [65536]}}\n", ":1: capture.ports.smtp: needs ports" },
		{ "capture: {ports: {smtp: [\"25\"]}}\n",
		  ":1: capture.ports.smtp: needs numbers without quotes" },
		{ "capture: {ports: {smtp: [26, 26]}}\n",
		  ":1: capture.ports.smtp: port 26 is in a list of capture.ports already" },
		{ "capture: {ports: {smtp: [587]}}\n",
		  ":1: capture.ports.smtp: port 587 is in a list" },
		{ "record: {state_dir: here}\n",
		  ":1: record.state_dir: needs a path that begins with /, not \"here\"" },
		{ "retention: {sessions_days: 0}\n",
		  ":1: retention.sessions_days: needs a whole number from 1 to 3660" },
		{ "retention: {incidents_days: 3661}\n", ":1: retention.incidents_days: needs" },
		{ "incidents: {lossy_percent: 100.01}\n",
		  ":1: incidents.lossy_percent: needs a number from 0 to 100" },
		{ "incidents: {lossy_percent: 1.234}\n", ":1: incidents.lossy_percent: needs" },
		{ "incidents: {lossy_percent: .5}\n", ":1: incidents.lossy_percent: needs" },
		{ "incidents: {lossy_percent: 1.}\n", ":1: incidents.lossy_percent: needs" },
		/* peers */
		{ "peers:\n  - signatory: true\n", ":2: peers.name: is missing" },
		{ "peers:\n  - name: Orange\n", ":2: peers.name: " },
		{ "peers:\n  - name: other\n", ":2: peers.name: " },
		{ "peers:\n  - name: a\n  - name: a\n", ":3: peers.name: " },
		{ "peers: [{name: a, signatory: yes}]\n",
		  ":1: peers.signatory: needs true or false, not \"yes\"" },
		{ "peers: [{name: a, signatory: \"true\"}]\n", ":1: peers.signatory: needs" },
		{ "peers: [{name: a, mat: []}]\n",
		  ":1: peers.mat: unknown key; did you mean \"mta\"?" },
		{ "peers:\n  - name: a\n    mta: [192.0.2.0/24,\n      192.0.2.1/24]\n",
		  ":4: peers.mta: " },
		{ "peers: [{name: a, mta: [192.0.2.0/33]}]\n", ":1: peers.mta: " },
		{ "peers: [{name: a, access: [mail.example]}]\n", ":1: peers.access: " },
		{ "peers: [{name: a, networks: 192.0.2.0/24}]\n",
		  ":1: peers.networks: needs a list, not a single value" },
		/* exceptions */
		{ "exceptions:\n  - note: x\n",
		  ":2: exceptions: needs a client, a server or both" },
		{ "exceptions: [{client: x}]\n", ":1: exceptions: " },
		{ "exceptions: [{client: 192.0.2.1, node: x}]\n",
		  ":1: exceptions.node: unknown key; did you mean \"note\"?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].text, cases[i].error);
}

static void a_prefix_twice_names_the_other_peer(void **state)
{
	const char *text = "peers:\n"
			   "  - {name: first-of-them, mta: [192.0.2.0/24]}\n"
			   "  - {name: b, networks: [192.0.2.0/24]}\n";
	char err[ERR_MAX];

	(void)state;
	assert_null(read_bytes(text, strlen(text), err));
	assert_int_equal(strncmp(err, ":3: peers.networks: ", 20), 0);
	assert_non_null(strstr(err, "first-of-them"));
	assert_non_null(strstr(err, "192.0.2.0/24"));
}

static void too_many_are_refused(void **state)
{
	char text[4096] = "capture: {ports: {smtp: [";
	char *at = text + strlen(text);

	(void)state;
	for (unsigned i = 0; i < 80; i++)
		at += sprintf(at, "%u, ", 2000 + i);
	strcpy(at, "]}}\n");
	assert_refused(text, ":1: capture.ports.smtp: more than 64 ports in capture.ports");
	strcpy(text, "capture: {interfaces: [");
	at = text + strlen(text);
	for (unsigned i = 0; i < 20; i++)
		at += sprintf(at, "eth%u, ", i);
	strcpy(at, "]}\n");
	assert_refused(text, ":1: capture.interfaces: more than 16 interfaces");
}

static void assert_file_refused(const char *path, const char *expected)
{
	char err[ERR_MAX];

	assert_null(conf_read(path, err, sizeof(err)));
	assert_non_null(strstr(err, expected));
	assert_int_equal(strncmp(err, path, strlen(path)), 0);
	assert_null(strchr(err, '\n'));
}

static void files_that_cannot_be_read_say_why(void **state)
{
	struct file f = write_file("", 0);

	(void)state;
	assert_file_refused("/nonexistent/mailseal.yaml", "No such file");
	assert_file_refused("/tmp", "is a directory");
	if (geteuid() != 0) { /* root may read it all the same */
		chmod(f.path, 0);
		assert_file_refused(f.path, "Permission denied");
	}
	unlink(f.path);
}

static void a_file_that_is_too_large_is_refused(void **state)
{
	size_t len = 5u << 20;
	char *bytes = malloc(len), err[ERR_MAX];

	(void)state;
	assert_non_null(bytes);
	memset(bytes, '#', len);
	assert_null(read_bytes(bytes, len, err));
	assert_int_equal(strncmp(err, ": larger than ", 14), 0);
	len = 3u << 20; /* small enough, but "- - " or "[,": a value for every other byte */
	memcpy(bytes, "peers: [", 8);
	for (size_t i = 8; i < len; i++)
		bytes[i] = i % 2 ? ',' : '1';
	assert_null(read_bytes(bytes, len, err));
	assert_string_equal(err, ":1: bad YAML: too many values");
	free(bytes);
}

/* Reads a file of the source tree; the caller frees. */
static char *source_text(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[512], *text = calloc(1, 1u << 20);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot open %s", path);
	assert_non_null(text);
	assert_true(fread(text, 1, (1u << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void every_option_is_documented(void **state)
{
	char *man = source_text("doc/mailseal.yaml.5");
	char *example = source_text("mailseal.yaml.example");
	const struct conf_option_text *o;
	size_t n = conf_option_texts(&o);

	(void)state;
	assert_true(n > 20);
	for (size_t i = 0; i < n; i++) {
		const char *dot = strrchr(o[i].key, '.');
		char item[128], word[128];

		snprintf(item, sizeof(item), "\n.It Ic %s", o[i].key);
		snprintf(word, sizeof(word), "%s:", dot ? dot + 1 : o[i].key);
		if (!strstr(man, item))
			fail_msg("%s is not in mailseal.yaml(5)", o[i].key);
		if (o[i].fallback[0] != '\0' && !strstr(strstr(man, item), o[i].fallback))
			fail_msg("%s: its default is not in mailseal.yaml(5)", o[i].key);
		if (!strstr(example, word))
			fail_msg("%s is not in mailseal.yaml.example", o[i].key);
		assert_true(strlen(o[i].text) > 10);
	}
	free(man);
	free(example);
}

static void check_example(const char *text, const char *interface)
{
	static const char *const names[] = { "orange", "sfr", "free", "bouygues", "laposte" };
	struct conf *c = read_text(text);

	assert_int_equal(peers_count(c->peers), 6);
	for (int i = 0; i < 5; i++) {
		assert_string_equal(peers_name(c->peers, i), names[i]);
		assert_true(peers_signatory(c->peers, i));
	}
	assert_false(peers_signatory(c->peers, 5));
	assert_string_equal(c->interfaces[0], interface);
	conf_free(c);
}

/* "  #key: value" becomes "  key: value", and an item "#- key: value" with its "#  key: value" as
 * well; "# words" stay. */
static void uncomment(char *text)
{
	char *to = text;
	bool blank = true;

	for (const char *at = text; *at; at++) {
		if (blank && at[0] == '#' &&
		    ((at[1] >= 'a' && at[1] <= 'z') || (at[1] == '-' && at[2] == ' ') ||
		     (at[1] == ' ' && at[2] == ' ')))
			continue;
		blank = at[0] == '\n' || (blank && at[0] == ' ');
		*to++ = *at;
	}
	*to = '\0';
}

/* Cuts what follows a word, up to the end of the list. */
__attribute__((unused)) static void cut_list(char *text, const char *from, const char *end)
{
	char *at = strstr(text, from), *rest = at ? strstr(at, end) : NULL;

	assert_non_null(rest);
	memmove(at, rest, strlen(rest) + 1);
}

/* As it stands, and with every default and every item that it shows in force: all that this build
 * knows of. */
static void the_example_is_valid(void **state)
{
	char *text = source_text("mailseal.yaml.example");
	struct conf *c;

	(void)state;
	check_example(text, "eth1");
	uncomment(text);
	assert_null(strstr(text, "#user"));
	assert_null(strstr(text, "#- "));
#ifndef HAVE_NETSNMP
	cut_list(text, "    - name: nms", "\n  # Alerts wait");
#endif
#ifndef HAVE_CURL
	cut_list(text, "    - name: noc-am",
		 strstr(text, "    - name: nms") ? "    - name: nms" : "\n  # Alerts wait");
#endif
	check_example(text, "eth1");
	c = printed_and_read(read_text(text));
	assert_int_equal(c->rules_n, 3);
	assert_true(c->targets_n >= 4);
	assert_int_equal(c->maintenance_n, 1);
	conf_free(c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_as_documented),
		cmocka_unit_test(what_is_printed_reads_back_to_the_same),
		cmocka_unit_test(nothing_is_the_defaults),
		cmocka_unit_test(every_mistake_gets_its_place),
		cmocka_unit_test(a_prefix_twice_names_the_other_peer),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(files_that_cannot_be_read_say_why),
		cmocka_unit_test(a_file_that_is_too_large_is_refused),
		cmocka_unit_test(every_option_is_documented),
		cmocka_unit_test(the_example_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
