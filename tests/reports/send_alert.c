/* send_alert - opens the target that its options name and sends it alerts of an invented incident.
 *
 *   send_alert --kind syslog --transport tcp --host 127.0.0.1 --port 514 --event opened
 *
 * Prints one line for each: "taken: ANSWER", "later: ANSWER" or "refused: ANSWER". With --events A,B
 * each is sent after the one before; with --step each waits for a line of standard input. Exit: 0
 * all were taken, 1 one was not, 2 usage, or the target could not be opened.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reports/sink.h"

#define EVIDENCE_MAX 16

enum {
	O_KIND = 1,
	O_TIMEOUT,
	O_REPEAT,
	O_SOCKET,
	O_TRANSPORT,
	O_HOST,
	O_PORT,
	O_URL,
	O_CA_FILE,
	O_SECRET_FILE,
	O_PROGRAM,
	O_INFORM,
	O_SECURITY,
	O_USER,
	O_AUTH_FILE,
	O_PRIV_FILE,
	O_EVENTS,
	O_EVENT_ID,
	O_ID,
	O_AGAIN,
	O_AT,
	O_RULE,
	O_SEVERITY,
	O_SENSOR,
	O_CLIENT,
	O_SERVER,
	O_WHY,
	O_EVIDENCE,
	O_STEP,
	O_UNCHECKED,
};

static const struct option options[] = {
	{ "kind", 1, NULL, O_KIND }, /* first: sets the defaults of the rest */
	{ "timeout", 1, NULL, O_TIMEOUT },
	{ "repeat", 1, NULL, O_REPEAT },
	{ "socket", 1, NULL, O_SOCKET },
	{ "transport", 1, NULL, O_TRANSPORT },
	{ "host", 1, NULL, O_HOST },
	{ "port", 1, NULL, O_PORT },
	{ "url", 1, NULL, O_URL },
	{ "ca-file", 1, NULL, O_CA_FILE },
	{ "secret-file", 1, NULL, O_SECRET_FILE },
	{ "program", 1, NULL, O_PROGRAM }, /* again for each argument */
	{ "inform", 0, NULL, O_INFORM },
	{ "security", 1, NULL, O_SECURITY },
	{ "user", 1, NULL, O_USER },
	{ "auth-file", 1, NULL, O_AUTH_FILE },
	{ "priv-file", 1, NULL, O_PRIV_FILE },
	{ "event", 1, NULL, O_EVENTS },
	{ "events", 1, NULL, O_EVENTS },
	{ "event-id", 1, NULL, O_EVENT_ID }, /* of the first; counts up */
	{ "id", 1, NULL, O_ID },             /* of the incident */
	{ "again", 0, NULL, O_AGAIN },
	{ "at", 1, NULL, O_AT }, /* seconds */
	{ "rule", 1, NULL, O_RULE },
	{ "severity", 1, NULL, O_SEVERITY },
	{ "sensor", 1, NULL, O_SENSOR },
	{ "client", 1, NULL, O_CLIENT },
	{ "server", 1, NULL, O_SERVER },
	{ "why", 1, NULL, O_WHY },
	{ "evidence", 1, NULL, O_EVIDENCE }, /* a record; again for each */
	{ "step", 0, NULL, O_STEP },
	{ "unchecked", 0, NULL, O_UNCHECKED }, /* do not ask target_check() */
	{ NULL, 0, NULL, 0 },
};

struct asked {
	struct target target;
	struct incident incident;
	struct alert alert;
	char events[256];
	const char *evidence[EVIDENCE_MAX];
	bool step, unchecked;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "send_alert: %s: %s\n", what, why);
	exit(2);
}

static void copy(char *out, size_t outlen, const char *text)
{
	if (strlen(text) >= outlen)
		fail(text, "too long");
	memcpy(out, text, strlen(text) + 1);
}

#define COPY(field, text) copy(field, sizeof(field), text)

/* The number of a name among those of an enum. */
#define NUMBER_OF(name, text, n, out)                                     \
	do {                                                              \
		unsigned k_ = 0;                                          \
		while (k_ < (unsigned)(n) && strcmp(name(k_), text) != 0) \
			k_++;                                             \
		if (k_ == (unsigned)(n))                                  \
			fail(text, "no such name");                       \
		(out) = k_;                                               \
	} while (0)

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

static void set_kind(struct asked *a, const char *text)
{
	enum target_kind kind;

	NUMBER_OF(target_kind_name, text, TARGET_KINDS, kind);
	target_init(&a->target, kind);
	COPY(a->target.name, "test");
}

/* False when the option is none of the target's. */
static bool set_target(struct asked *a, int option, const char *text)
{
	struct target *t = &a->target;

	switch (option) {
	case O_KIND: set_kind(a, text); break;
	case O_TIMEOUT: t->timeout_s = number(text); break;
	case O_REPEAT: t->repeat_s = number(text); break;
	case O_SOCKET: COPY(t->socket, text); break;
	case O_TRANSPORT: NUMBER_OF(target_transport_name, text, TRANSPORTS, t->transport); break;
	case O_HOST: COPY(t->host, text); break;
	case O_PORT: t->port = number(text); break;
	case O_URL: COPY(t->url, text); break;
	case O_CA_FILE: COPY(t->ca_file, text); break;
	case O_SECRET_FILE: COPY(t->secret_file, text); break;
	case O_PROGRAM:
		if (t->program_n == TARGET_ARGS_MAX)
			fail(text, "too many arguments");
		COPY(t->program[t->program_n++], text);
		break;
	case O_INFORM: t->inform = true; break;
	case O_SECURITY: NUMBER_OF(snmp_security_name, text, SNMP_SECURITIES, t->security); break;
	case O_USER: COPY(t->user, text); break;
	case O_AUTH_FILE: COPY(t->auth_file, text); break;
	case O_PRIV_FILE: COPY(t->priv_file, text); break;
	default: return false;
	}
	return true;
}

static bool set_alert(struct asked *a, int option, const char *text)
{
	struct incident *i = &a->incident;

	switch (option) {
	case O_EVENTS: COPY(a->events, text); break;
	case O_EVENT_ID: a->alert.event_id = (int64_t)strtoll(text, NULL, 10); break;
	case O_ID: i->id = (int64_t)strtoll(text, NULL, 10); break;
	case O_AGAIN: a->alert.again = true; break;
	case O_AT: a->alert.at = a->alert.now = (int64_t)strtoll(text, NULL, 10); break;
	case O_RULE: COPY(i->rule, text); break;
	case O_SEVERITY: NUMBER_OF(severity_name, text, SEVERITY_N, i->severity); break;
	case O_SENSOR: COPY(i->sensor, text); break;
	case O_CLIENT: COPY(i->client, text); break;
	case O_SERVER: COPY(i->server, text); break;
	case O_WHY: COPY(i->why, text); break;
	case O_EVIDENCE:
		if (a->alert.evidence_n == EVIDENCE_MAX)
			fail(text, "too many records");
		a->evidence[a->alert.evidence_n++] = text;
		break;
	case O_STEP: a->step = true; break;
	case O_UNCHECKED: a->unchecked = true; break;
	default: return false;
	}
	return true;
}

/* Three sessions with a message in clear from orange to free. */
static void invent(struct asked *a)
{
	struct incident *i = &a->incident;

	memset(a, 0, sizeof(*a));
	i->id = 7;
	i->service = SERVICE_MTA;
	i->severity = SEVERITY_CRITICAL;
	i->opened = i->since = 1448186400;
	i->last_seen = 1448186460;
	i->sessions = i->confirmed = 3;
	i->by_exposure[EXPOSURE_CONTENT] = 3;
	i->by_cause[CAUSE_NOT_OFFERED] = 3;
	COPY(i->rule, "plaintext-between-signatories");
	COPY(i->client, "orange");
	COPY(i->server, "free");
	COPY(i->sensor, "th2-1");
	COPY(a->events, "opened");
	a->alert.event_id = 12;
	a->alert.at = a->alert.now = (int64_t)time(NULL);
	a->alert.incident = i;
	a->alert.evidence = a->evidence;
}

static void set_event(struct asked *a, const char *name)
{
	NUMBER_OF(incident_event_name, name, EVENT_N, a->alert.event);
	a->incident.state = INCIDENT_OPEN;
	a->incident.closed = 0;
	if (a->alert.event == EVENT_CLOSED) {
		a->incident.state = INCIDENT_CLOSED;
		a->incident.closed = a->alert.at;
	} else if (a->alert.event == EVENT_ACKNOWLEDGED) {
		a->incident.acked = a->alert.at;
	} else if (a->alert.event == EVENT_STALE) {
		a->incident.state = INCIDENT_STALE;
	}
}

static bool send_all(struct asked *a, struct sink *s)
{
	static const char *const words[] = { "taken", "later", "refused" };
	char answer[SINK_ANSWER_MAX + 1], line[16], *save = NULL;
	bool all = true;

	for (char *e = strtok_r(a->events, ",", &save); e; e = strtok_r(NULL, ",", &save)) {
		enum sink_answer taken;

		if (a->step && !fgets(line, sizeof(line), stdin))
			break;
		set_event(a, e);
		taken = sink_send(s, &a->alert, answer);
		a->alert.event_id++;
		all = all && taken == SINK_TAKEN;
		printf("%s: %s\n", words[taken], answer);
		fflush(stdout);
	}
	return all;
}

int main(int argc, char **argv)
{
	static struct asked a;
	char err[256] = "";
	struct sink *s;
	bool all;
	int option;

	invent(&a);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!set_target(&a, option, optarg) && !set_alert(&a, option, optarg))
			return 2;
	}
	if (optind != argc || !a.target.name[0])
		fail("usage", "--kind KIND [--OPTION VALUE]...");
	if (!a.unchecked && !target_check(&a.target, err, sizeof(err)))
		fail("the target", err);
	s = sink_open(&a.target, err, sizeof(err));
	if (!s)
		fail("cannot open", err);
	all = send_all(&a, s);
	sink_close(s);
	return all ? 0 : 1;
}
