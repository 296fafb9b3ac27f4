#include "sensor/self_test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WHAT_MAX 160

/* Made by make of the files of the same name. */
static const uint8_t capture[] = {
#include "sensor/self_test.pcap.inc"
};
static const struct self_test_count expectation[] = {
#include "sensor/self_test.counts.inc"
};

#define EXPECTED_N (sizeof(expectation) / sizeof(expectation[0]))

struct self_test {
	int fd;
	char input[32];
	struct ledger_row *rows; /* of all steps together */
	size_t rows_n;
	struct health health;
};

/* The capture -------------------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *data, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, data, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		data += put;
		n -= (size_t)put;
	}
	return true;
}

struct self_test *self_test_new(char *err, size_t errlen)
{
	struct self_test *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->fd = memfd_create("self-test", MFD_CLOEXEC);
	if (t->fd < 0 || !write_all(t->fd, capture, sizeof(capture))) {
		snprintf(err, errlen, "no memory for the capture of the self-test: %s",
			 strerror(errno));
		self_test_free(t);
		return NULL;
	}
	snprintf(t->input, sizeof(t->input), "/proc/self/fd/%d", t->fd);
	return t;
}

void self_test_free(struct self_test *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t->rows);
	free(t);
}

const char *self_test_input(const struct self_test *t)
{
	return t->input;
}

struct conf *self_test_conf(void)
{
	static const struct {
		const char *name;
		bool signatory;
		enum prefix_kind kind;
		const char *prefix;
	} places[] = {
		{ "alpha", true, PREFIX_MTA, "198.51.100.0/28" },
		{ "alpha", true, PREFIX_MTA, "2001:db8:1::/48" },
		{ "alpha", true, PREFIX_ACCESS, "198.51.100.16/28" },
		{ "alpha", true, PREFIX_NETWORKS, "198.51.100.128/25" },
		{ "beta", true, PREFIX_MTA, "198.51.100.32/28" },
		{ "beta", true, PREFIX_MTA, "2001:db8:2::/48" },
		{ "cloud", false, PREFIX_MTA, "203.0.113.0/28" },
	};
	struct conf *c = conf_default();
	char why[256];
	int peer = -1;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (i == 0 || strcmp(places[i].name, places[i - 1].name) != 0)
			peer = peers_add(c->peers, places[i].name, places[i].signatory, why,
					 sizeof(why));
		if (peer < 0 || !peers_add_prefix(c->peers, peer, places[i].kind, places[i].prefix,
						  why, sizeof(why)))
			abort(); /* the table is wrong */
	}
	return c;
}

/* The counters ------------------------------------------------------------------------------- */

static void add_row(struct self_test *t, const struct ledger_row *row)
{
	for (size_t i = 0; i < t->rows_n; i++) {
		struct ledger_row *r = &t->rows[i];

		if (r->service == row->service && strcmp(r->client, row->client) == 0 &&
		    strcmp(r->server, row->server) == 0) {
			counts_add(&r->counts, &row->counts);
			return;
		}
	}
	t->rows = reallocarray(t->rows, t->rows_n + 1, sizeof(*t->rows));
	if (!t->rows)
		abort();
	t->rows[t->rows_n++] = *row;
}

bool self_test_step(void *ctx, const struct ledger_batch *b)
{
	for (size_t i = 0; i < b->rows_n; i++)
		add_row(ctx, &b->rows[i]);
	return true;
}

void self_test_end(struct self_test *t, const struct health *h)
{
	t->health = *h;
}

/* Comparing ---------------------------------------------------------------------------------- */

struct comparison {
	const struct self_test_count *expected;
	size_t n;
	bool *met; /* by expected */
	unsigned all, wrong;
	FILE *out;
};

static void compare(struct comparison *c, const char *what, uint64_t found)
{
	uint64_t expected = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->expected[i].what, what) != 0)
			continue;
		expected = c->expected[i].n;
		c->met[i] = true;
	}
	c->all++;
	if (found == expected)
		return;
	c->wrong++;
	fprintf(c->out, "self-test: %s: %" PRIu64 ", not %" PRIu64 "\n", what, found, expected);
}

static void compare_row(struct comparison *c, const struct ledger_row *row)
{
	char what[WHAT_MAX];

	for (unsigned i = 0; i < COUNT_N; i++) {
		snprintf(what, sizeof(what), "%s %s %s %s", service_name(row->service), row->client,
			 row->server, count_name((enum count)i));
		compare(c, what, row->counts.n[i]);
	}
}

static void compare_health(struct comparison *c, const struct health *h)
{
	char what[WHAT_MAX];

	for (unsigned i = 0; i < HEALTH_N; i++) {
		snprintf(what, sizeof(what), "health %s", health_name((enum health_counter)i));
		compare(c, what, h->n[i]);
	}
	compare(c, "health alive", h->alive);
}

/* Of pairs that were not found at all. */
static void compare_rest(struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!c->met[i])
			compare(c, c->expected[i].what, 0);
	}
}

unsigned self_test_compare(const struct self_test_count *expected, size_t n,
			   const struct ledger_row *rows, size_t rows_n, const struct health *h,
			   FILE *out, unsigned *all)
{
	struct comparison c = {
		.expected = expected,
		.n = n,
		.met = calloc(n + 1, sizeof(*c.met)),
		.out = out,
	};

	if (!c.met)
		abort();
	for (size_t i = 0; i < rows_n; i++)
		compare_row(&c, &rows[i]);
	compare_health(&c, h);
	compare_rest(&c);
	free(c.met);
	*all = c.all;
	return c.wrong;
}

bool self_test_judge(const struct self_test *t, FILE *out)
{
	unsigned all, wrong = self_test_compare(expectation, EXPECTED_N, t->rows, t->rows_n,
						&t->health, out, &all);

	if (wrong > 0)
		fprintf(out, "self-test failed: %u of %u counters are wrong\n", wrong, all);
	else
		fprintf(out, "self-test passed: %u counters\n", all);
	return fflush(out) == 0 && wrong == 0;
}
