/* state_of_lines.c - fills a state directory as lines on standard input say.
 *
 * state_of_lines DIR; each line is one of
 *
 *     peers NAME[+]...                           + for a signatory
 *     count SERVICE CLIENT SERVER COUNT N        of the step under way
 *     health COUNTER N                           the same
 *     step SECONDS                               goes to the ledger
 *     incident ID RULE SEVERITY STATE CLIENT SERVER SERVICE SECONDS WHY
 *
 * Names are those of the ledger; an incident of the sensor has "-" for both peers and the service.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/incident_store.h"
#include "reports/ledger.h"

#define ROWS_MAX  64
#define WORDS_MAX 12
#define ERR_MAX   512
#define INVALID   (~0u)

struct state {
	struct ledger *l;
	struct incident_store *in;
	struct ledger_row rows[ROWS_MAX];
	size_t rows_n;
	struct health health;
};

static char err[ERR_MAX];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "state_of_lines: %s: %s\n", what, err);
	exit(1);
}

static unsigned index_of(const char *word, const char *(*name)(unsigned), unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const char *known = name(i);

		if (known && strcmp(known, word) == 0)
			return i;
	}
	must(false, word);
	return INVALID;
}

static const char *count_at(unsigned i)
{
	return count_name((enum count)i);
}

static const char *health_at(unsigned i)
{
	return health_name((enum health_counter)i);
}

static const char *severity_at(unsigned i)
{
	return severity_name((enum severity)i);
}

static const char *state_at(unsigned i)
{
	return incident_state_name((enum incident_state)i);
}

static enum service service_of(const char *word)
{
	enum service s = SERVICE_MTA;

	must(service_by_name(word, &s), word);
	return s;
}

static void on_peers(struct state *st, char **words, size_t n)
{
	struct peers *p = peers_new();

	for (size_t i = 1; i < n; i++) {
		size_t len = strlen(words[i]);
		bool signatory = words[i][len - 1] == '+';

		if (signatory)
			words[i][len - 1] = '\0';
		must(peers_add(p, words[i], signatory, err, sizeof(err)) >= 0, "peers");
	}
	must(ledger_set_peers(st->l, p, err, sizeof(err)), "peers");
	peers_free(p);
}

static void on_count(struct state *st, char **words)
{
	struct ledger_row *row = &st->rows[st->rows_n++];
	unsigned what = index_of(words[4], count_at, COUNT_N);

	must(st->rows_n <= ROWS_MAX, "too many counts");
	memset(row, 0, sizeof(*row));
	row->service = service_of(words[1]);
	snprintf(row->client, sizeof(row->client), "%s", words[2]);
	snprintf(row->server, sizeof(row->server), "%s", words[3]);
	row->counts.n[what] = strtoull(words[5], NULL, 10);
}

static void on_step(struct state *st, const char *seconds)
{
	struct ledger_batch b = {
		.step = strtoll(seconds, NULL, 10),
		.rows = st->rows,
		.rows_n = st->rows_n,
		.health = &st->health,
	};

	must(ledger_commit(st->l, &b, err, sizeof(err)), "step");
	st->rows_n = 0;
	memset(&st->health, 0, sizeof(st->health));
}

static void on_incident(struct state *st, char **words)
{
	struct incident i = { .id = 0 };
	int64_t id = 0;

	snprintf(i.rule, sizeof(i.rule), "%s", words[2]);
	i.severity = (enum severity)index_of(words[3], severity_at, SEVERITY_N);
	i.state = (enum incident_state)index_of(words[4], state_at, INCIDENT_STATES);
	snprintf(i.client, sizeof(i.client), "%s", words[5]);
	snprintf(i.server, sizeof(i.server), "%s", words[6]);
	i.service = strcmp(words[7], "-") == 0 ? SERVICE_N : service_of(words[7]);
	snprintf(i.sensor, sizeof(i.sensor), "th2-1");
	i.opened = i.since = i.last_seen = strtoll(words[8], NULL, 10);
	i.closed = i.state == INCIDENT_CLOSED ? i.opened : 0;
	i.sessions = 1;
	snprintf(i.why, sizeof(i.why), "%s", words[9] ? words[9] : "");
	must(incident_store_put(st->in, &i, &id, err, sizeof(err)), "incident");
	must(id == strtoll(words[1], NULL, 10), "the id of the incident");
}

/* Words of a line; the tenth is what is left of it. */
static size_t split(char *line, char *words[WORDS_MAX])
{
	size_t n = 0;

	memset(words, 0, WORDS_MAX * sizeof(*words));
	line[strcspn(line, "\n")] = '\0';
	for (char *p = line; p && *p && n < WORDS_MAX; n++) {
		words[n] = p;
		p = n == 9 ? NULL : strchr(p, ' ');
		if (p)
			*p++ = '\0';
	}
	return n;
}

static void on_line(struct state *st, char *line)
{
	char *words[WORDS_MAX];
	size_t n = split(line, words);

	if (n > 0 && strcmp(words[0], "peers") == 0)
		on_peers(st, words, n);
	else if (n == 6 && strcmp(words[0], "count") == 0)
		on_count(st, words);
	else if (n == 3 && strcmp(words[0], "health") == 0)
		st->health.n[index_of(words[1], health_at, HEALTH_N)] =
			strtoull(words[2], NULL, 10);
	else if (n == 2 && strcmp(words[0], "step") == 0)
		on_step(st, words[1]);
	else if (n >= 9 && strcmp(words[0], "incident") == 0)
		on_incident(st, words);
	else
		must(false, n ? words[0] : "an empty line");
}

int main(int argc, char **argv)
{
	struct state st = { .rows_n = 0 };
	char line[1024];

	if (argc != 2)
		return 2;
	mkdir(argv[1], 0750);
	st.l = ledger_open(argv[1], LEDGER_WRITE, err, sizeof(err));
	must(st.l != NULL, "ledger");
	st.in = incident_store_open(argv[1], true, err, sizeof(err));
	must(st.in != NULL, "incidents");
	while (fgets(line, sizeof(line), stdin))
		on_line(&st, line);
	incident_store_close(st.in);
	ledger_close(st.l);
	return 0;
}
