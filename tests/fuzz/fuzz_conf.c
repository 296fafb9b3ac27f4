/* The configuration file. What is accepted must print as a file that reads back to the same. */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reports/rules.h"
#include "reports/target.h"
#include "sensor/conf.h"
#include "sensor/conf_yaml.h"

/* A file in memory, by a name that can be opened. */
struct file {
	int fd;
	char path[64];
};

static struct file file_of(const void *data, size_t n)
{
	struct file f = { .fd = memfd_create("conf", MFD_CLOEXEC) };

	MUST(f.fd >= 0 && write(f.fd, data, n) == (ssize_t)n);
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}

/* One line, and it begins with the file. */
static void check_error(const struct file *f, const char *err, size_t room)
{
	size_t n = strnlen(err, room);

	MUST(n > 0 && n < room);
	MUST(strncmp(err, f->path, strlen(f->path)) == 0);
	for (size_t i = 0; i < n; i++)
		MUST((unsigned char)err[i] >= 0x20 && err[i] != 0x7f);
}

static struct conf *read_conf(const void *data, size_t n)
{
	struct file f = file_of(data, n);
	char err[1024];
	struct conf *c = conf_read(f.path, err, sizeof(err));

	if (!c)
		check_error(&f, err, sizeof(err));
	close(f.fd);
	return c;
}

static char *printed(const struct conf *c, size_t *n)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, n);

	MUST(out != NULL);
	conf_print(c, true, out);
	MUST(fclose(out) == 0 && text != NULL);
	return text;
}

static void check_alerts(const struct conf *c)
{
	char why[256];

	MUST(c->rules_n <= RULE_ENTRIES_MAX && c->targets_n <= TARGETS_MAX);
	MUST(c->maintenance_n <= MAINTENANCE_MAX);
	for (size_t i = 0; i < c->rules_n; i++)
		MUST(c->rules[i].rule < RULES && c->rules[i].given < 1u << RULE_KEYS);
	for (size_t i = 0; i < c->targets_n; i++) {
		MUST(target_check(&c->targets[i], why, sizeof(why)));
		for (size_t j = 0; j < i; j++)
			MUST(strcmp(c->targets[i].name, c->targets[j].name) != 0);
	}
	for (size_t i = 0; i < c->maintenance_n; i++)
		MUST(c->maintenance[i].from < c->maintenance[i].to);
}

static void check(const struct conf *c)
{
	MUST(c->interfaces_n <= CONF_INTERFACES_MAX && c->ports_n <= CONF_PORTS_MAX);
	MUST(c->encapsulations < 1u << ENCAPSULATIONS && c->mode <= MODE_ANY);
	MUST(strnlen(c->sensor, sizeof(c->sensor)) < sizeof(c->sensor) && c->sensor[0] != '\0');
	MUST(strnlen(c->filter, sizeof(c->filter)) < sizeof(c->filter));
	MUST(c->workers > 0 && c->workers <= CONF_WORKERS_MAX && c->cpus_n <= CONF_WORKERS_MAX);
	MUST(c->max_flows > 0 && c->max_undecided > 0 && c->snaplen > 0 && c->idle_s > 0);
	check_alerts(c);
	for (unsigned i = 0; i < c->ports_n; i++) {
		MUST(c->ports[i].port != 0 && c->ports[i].service < SERVICE_N);
		MUST(c->ports[i].protocol != PROTOCOL_NONE && c->ports[i].protocol < PROTOCOL_N);
		MUST(conf_port(c, c->ports[i].port) == &c->ports[i]);
	}
}

static void same_texts(const struct conf *a, const struct conf *b)
{
	MUST(strcmp(a->sensor, b->sensor) == 0 && strcmp(a->user, b->user) == 0);
	MUST(strcmp(a->filter, b->filter) == 0 && strcmp(a->state_dir, b->state_dir) == 0);
	MUST(strcmp(a->syslog_socket, b->syslog_socket) == 0);
	MUST(a->interfaces_n == b->interfaces_n);
	for (unsigned i = 0; i < a->interfaces_n; i++)
		MUST(strcmp(a->interfaces[i], b->interfaces[i]) == 0);
}

static void same_peers(const struct peers *a, const struct peers *b)
{
	MUST(peers_count(a) == peers_count(b));
	for (int i = 0; i < (int)peers_count(a); i++) {
		MUST(strcmp(peers_name(a, i), peers_name(b, i)) == 0);
		MUST(peers_signatory(a, i) == peers_signatory(b, i));
	}
}

/* Items are zeroed before they are read, so that they compare whole. */
static bool same_bytes(const void *a, size_t a_n, const void *b, size_t b_n, size_t size)
{
	return a_n == b_n && (a_n == 0 || memcmp(a, b, a_n * size) == 0);
}

static void same_alerts(const struct conf *a, const struct conf *b)
{
	MUST(same_bytes(a->rules, a->rules_n, b->rules, b->rules_n, sizeof(*a->rules)));
	MUST(same_bytes(a->targets, a->targets_n, b->targets, b->targets_n, sizeof(*a->targets)));
	MUST(same_bytes(a->maintenance, a->maintenance_n, b->maintenance, b->maintenance_n,
			sizeof(*a->maintenance)));
}

static void same(const struct conf *a, const struct conf *b)
{
	same_texts(a, b);
	same_peers(a->peers, b->peers);
	same_alerts(a, b);
	MUST(a->mode == b->mode && a->encapsulations == b->encapsulations);
	MUST(a->ports_n == b->ports_n);
	for (unsigned i = 0; i < a->ports_n; i++) {
		const struct mail_port *port = conf_port(b, a->ports[i].port);

		MUST(port && port->protocol == a->ports[i].protocol);
		MUST(port->service == a->ports[i].service);
		MUST(port->implicit_tls == a->ports[i].implicit_tls);
	}
	MUST(a->snaplen == b->snaplen && a->ring_mib == b->ring_mib && a->idle_s == b->idle_s);
	MUST(a->max_flows == b->max_flows && a->max_undecided == b->max_undecided);
	MUST(a->reassembly_kib == b->reassembly_kib && a->fragments_kib == b->fragments_kib);
	MUST(a->reassembly_flow_kib == b->reassembly_flow_kib);
	MUST(a->decrypted_mirror == b->decrypted_mirror);
	MUST(strcmp(a->metrics_file, b->metrics_file) == 0);
	MUST(a->max_series == b->max_series && a->max_servers == b->max_servers);
	MUST(a->quiet_s == b->quiet_s && a->lossy_percent_x100 == b->lossy_percent_x100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *first = read_conf(data, size), *again;
	size_t n, m;
	char *text, *twice;

	if (!first)
		return 0;
	check(first);
	text = printed(first, &n);
	again = read_conf(text, n);
	MUST(again != NULL);
	check(again);
	same(first, again);
	twice = printed(again, &m);
	MUST(n == m && memcmp(text, twice, n) == 0);
	free(twice);
	free(text);
	conf_free(again);
	conf_free(first);
	return 0;
}
