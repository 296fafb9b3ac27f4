/* Tests that an alert as SNMP sees it says what the incident says, in the numbers of the MIB, and
 * that the engine stays the same engine. */
#include "tests/unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/notification.h"
#include "tests/reports/alert_sample.h"

#define MIB_MAX 65536

/* Objects ------------------------------------------------------------------------------------ */

static const struct notification_object *object_of(const struct notification *n, unsigned branch,
						   unsigned object)
{
	size_t i = 0;

	while (i < n->n && (n->objects[i].branch != branch || n->objects[i].object != object))
		i++;
	if (i == n->n)
		fail_msg("no object %u.%u", branch, object);
	return &n->objects[i];
}

static void assert_number(const struct notification *n, unsigned branch, unsigned object,
			  enum notification_type type, uint32_t number)
{
	const struct notification_object *o = object_of(n, branch, object);

	assert_int_equal(o->type, type);
	assert_int_equal(o->number, number);
}

static void assert_octets(const struct notification *n, unsigned branch, unsigned object,
			  const void *octets, size_t len)
{
	const struct notification_object *o = object_of(n, branch, object);

	assert_int_equal(o->type, NOTIFICATION_OCTETS);
	assert_int_equal(o->len, len);
	assert_memory_equal(o->octets, octets, len);
}

static void assert_text(const struct notification *n, unsigned branch, unsigned object,
			const char *text)
{
	assert_octets(n, branch, object, text, strlen(text));
}

static void notify(enum incident_event e, const struct incident *i, struct notification *out)
{
	const struct alert a = sample_alert(e, i);

	notification_of(&a, out);
}

static void all_objects_are_there(void **state)
{
	struct incident i = sample_incident();
	struct alert a = sample_alert(EVENT_STALE, &i);
	struct notification n;

	(void)state;
	i.state = INCIDENT_STALE;
	i.confirmed = 2;
	strcpy(i.why, "no session was decided");
	strcpy(i.found, "91.20 %");
	a.again = true;
	notification_of(&a, &n);
	assert_int_equal(n.kind, 3);
	assert_int_equal(n.n, 18);
	assert_number(&n, 1, 1, NOTIFICATION_UNSIGNED, 7);
	assert_number(&n, 1, 2, NOTIFICATION_INTEGER, 1);
	assert_text(&n, 1, 3, "orange");
	assert_text(&n, 1, 4, "free");
	assert_number(&n, 1, 5, NOTIFICATION_INTEGER, 1);
	assert_text(&n, 1, 6, "th2-1");
	assert_number(&n, 1, 7, NOTIFICATION_INTEGER, 2);
	assert_number(&n, 1, 8, NOTIFICATION_INTEGER, 2);
	assert_octets(&n, 1, 9, "\x07\xdf\x0b\x16\x0a\x00\x00\x00+\x00\x00", 11);
	assert_octets(&n, 1, 10, "\x07\xdf\x0b\x16\x0a\x01\x00\x00+\x00\x00", 11);
	assert_number(&n, 1, 11, NOTIFICATION_UNSIGNED, 3);
	assert_number(&n, 1, 12, NOTIFICATION_UNSIGNED, 2);
	assert_text(&n, 1, 13, "no session was decided");
	assert_text(&n, 1, 14, "91.20 %");
	assert_number(&n, 2, 1, NOTIFICATION_INTEGER, 3);
	assert_number(&n, 2, 2, NOTIFICATION_UNSIGNED, 12);
	assert_octets(&n, 2, 3, "\x07\xdf\x0b\x16\x0a\x01\x01\x00+\x00\x00", 11);
	assert_number(&n, 2, 4, NOTIFICATION_INTEGER, 1);
}

static void acknowledgement_says_who(void **state)
{
	struct incident i = sample_incident();
	struct notification n;

	(void)state;
	strcpy(i.ack_by, "anne");
	strcpy(i.ack_note, "d\xc3\xa9j\xc3\xa0 vu\x1b[2J");
	notify(EVENT_OPENED, &i, &n);
	assert_int_equal(n.n, 18);
	notify(EVENT_ACKNOWLEDGED, &i, &n);
	assert_int_equal(n.n, 20);
	assert_int_equal(n.kind, 5);
	assert_text(&n, 1, 15, "anne");
	assert_text(&n, 1, 16, "d\xc3\xa9j\xc3\xa0 vu\\x1b[2J");
}

static void not_the_first_is_not_repeated(void **state)
{
	const struct incident i = sample_incident();
	struct notification n;

	(void)state;
	notify(EVENT_OPENED, &i, &n);
	assert_number(&n, 2, 4, NOTIFICATION_INTEGER, 2);
}

static void incident_of_the_sensor(void **state)
{
	struct incident i = sample_incident();
	struct notification n;

	(void)state;
	strcpy(i.rule, "sensor-blind");
	strcpy(i.client, "-");
	strcpy(i.server, "-");
	i.service = SERVICE_N;
	i.severity = SEVERITY_WARNING;
	notify(EVENT_OPENED, &i, &n);
	assert_number(&n, 1, 2, NOTIFICATION_INTEGER, 7);
	assert_text(&n, 1, 3, "-");
	assert_number(&n, 1, 5, NOTIFICATION_INTEGER, 4);
	assert_number(&n, 1, 7, NOTIFICATION_INTEGER, 1);
}

static void numbers_stop_at_their_greatest(void **state)
{
	struct incident i = sample_incident();
	struct notification n;

	(void)state;
	i.sessions = UINT64_MAX;
	i.confirmed = (uint64_t)UINT32_MAX + 1;
	notify(EVENT_OPENED, &i, &n);
	assert_number(&n, 1, 11, NOTIFICATION_UNSIGNED, UINT32_MAX);
	assert_number(&n, 1, 12, NOTIFICATION_UNSIGNED, UINT32_MAX);
}

/* The longest that an incident can hold fits, and what is no ASCII is escaped in a DisplayString. */
static void texts_keep_to_their_sizes(void **state)
{
	struct incident i = sample_incident();
	struct notification n;

	(void)state;
	memset(i.sensor, 's', INCIDENT_SENSOR_MAX);
	memset(i.client, 'c', PARTY_NAME_MAX);
	memset(i.why, '\xe9', INCIDENT_WHY_MAX);
	memset(i.ack_by, 'a', INCIDENT_ACK_MAX);
	memset(i.ack_note, 'n', INCIDENT_NOTE_MAX);
	notify(EVENT_ACKNOWLEDGED, &i, &n);
	assert_int_equal(object_of(&n, 1, 6)->len, 64);
	assert_int_equal(object_of(&n, 1, 3)->len, 36);
	assert_int_equal(object_of(&n, 1, 13)->len, 124); /* 31 times \xe9 */
	assert_memory_equal(object_of(&n, 1, 13)->octets, "\\xe9\\xe9", 8);
	assert_int_equal(object_of(&n, 1, 15)->len, 64);
	assert_int_equal(object_of(&n, 1, 16)->len, 255);
}

/* Words -------------------------------------------------------------------------------------- */

static char *read_mib(void)
{
	const char *top = getenv("top_srcdir");
	char path[512], *text = calloc(1, MIB_MAX);
	FILE *f;

	snprintf(path, sizeof(path), "%s/snmp/MAILSEAL-MIB.txt.in", top ? top : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(text);
	assert_in_range(fread(text, 1, MIB_MAX - 1, f), 1, MIB_MAX - 2);
	fclose(f);
	return text;
}

/* "starttls-stripped" and 2: "starttlsStripped(2)". */
static void as_in_mib(char *out, size_t len, const char *name, uint32_t number)
{
	size_t n = 0;

	for (; *name && n + 1 < len; name++) {
		const bool joins = *name == '-' && name[1];

		out[n++] = joins ? (char)toupper((unsigned char)name[1]) : *name;
		name += joins;
	}
	snprintf(out + n, len - n, "(%u)", number);
}

/* The SYNTAX of a textual convention has the word with this number. */
static void assert_word(const char *mib, const char *convention, const char *name, uint32_t number)
{
	char start[80], word[80];
	const char *from, *syntax, *end, *at;

	snprintf(start, sizeof(start), "%s ::= TEXTUAL-CONVENTION", convention);
	as_in_mib(word, sizeof(word), name, number);
	from = strstr(mib, start);
	assert_non_null(from);
	syntax = strstr(from, "SYNTAX");
	assert_non_null(syntax);
	end = strchr(syntax, '}');
	at = strstr(syntax, word);
	if (!end || !at || at > end || (at[-1] != ' ' && at[-1] != '{'))
		fail_msg("%s has no %s", convention, word);
}

static void rules_are_those_of_the_mib(void **state)
{
	struct incident i = sample_incident();
	struct notification n;
	char *mib = read_mib();

	(void)state;
	for (unsigned r = 0; r < RULES; r++) {
		strcpy(i.rule, rule_name((enum rule)r));
		notify(EVENT_OPENED, &i, &n);
		assert_word(mib, "MailsealRule", i.rule, object_of(&n, 1, 2)->number);
	}
	free(mib);
}

static void other_words_are_those_of_the_mib(void **state)
{
	struct incident i = sample_incident();
	struct notification n;
	char *mib = read_mib();

	(void)state;
	for (unsigned s = 0; s < SERVICE_N; s++) {
		i.service = (enum service)s;
		notify(EVENT_OPENED, &i, &n);
		assert_word(mib, "MailsealService", service_name(i.service),
			    object_of(&n, 1, 5)->number);
	}
	for (unsigned s = SEVERITY_WARNING; s < SEVERITY_N; s++) {
		i.severity = (enum severity)s;
		notify(EVENT_OPENED, &i, &n);
		assert_word(mib, "MailsealSeverity", severity_name(i.severity),
			    object_of(&n, 1, 7)->number);
	}
	for (unsigned s = 0; s < INCIDENT_STATES; s++) {
		i.state = (enum incident_state)s;
		notify(EVENT_OPENED, &i, &n);
		assert_word(mib, "MailsealState", incident_state_name(i.state),
			    object_of(&n, 1, 8)->number);
	}
	for (unsigned e = 0; e < EVENT_N; e++) {
		notify((enum incident_event)e, &i, &n);
		assert_int_equal(object_of(&n, 2, 1)->number, n.kind);
		assert_word(mib, "MailsealEvent", incident_event_name((enum incident_event)e),
			    n.kind);
	}
	free(mib);
}

/* The engine --------------------------------------------------------------------------------- */

static void assert_head(const uint8_t *id)
{
	uint32_t enterprise = 0;

	for (unsigned i = 0; i < 4; i++)
		enterprise = enterprise << 8 | id[i];
	assert_int_equal(enterprise, 0x80000000u | ENTERPRISE_NUMBER);
	assert_int_equal(id[4], 5);
}

static void engine_has_the_name_of_the_sensor(void **state)
{
	uint8_t id[ENGINE_ID_MAX];

	(void)state;
	assert_int_equal(engine_id("th2-1", id), 10);
	assert_head(id);
	assert_memory_equal(id + 5, "th2-1", 5);
	assert_int_equal(engine_id("twenty-seven.characters.xyz", id), 32);
	assert_head(id);
	assert_memory_equal(id + 5, "twenty-seven.characters.xyz", 27);
}

/* SipHash-2-4 with a key of zeros, so that the ID is the same on every host and in every version. */
static void longer_names_differ(void **state)
{
	static const uint8_t hash[8] = { 0x01, 0xb9, 0x0f, 0xf6, 0x42, 0xae, 0xdf, 0x24 };
	uint8_t id[ENGINE_ID_MAX], other[ENGINE_ID_MAX];

	(void)state;
	assert_int_equal(engine_id("sensor-at-the-exchange-point-1", id), 32);
	assert_int_equal(engine_id("sensor-at-the-exchange-point-2", other), 32);
	assert_head(id);
	assert_memory_equal(id + 5, "sensor-at-the-excha", 19);
	assert_memory_equal(id + 24, hash, 8);
	assert_memory_equal(id, other, 24);
	assert_memory_not_equal(id, other, 32);
}

static void clock_never_goes_back(void **state)
{
	static const struct {
		int64_t now;
		uint32_t boots, seconds;
	} cases[] = {
		{ 0, 1, 0 },
		{ 1448186400, 1, 1448186400 },
		{ 2147483647, 1, 2147483647 }, /* 19 January 2038 */
		{ 2147483648, 2, 0 },
		{ 4294967296, 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t boots, seconds;

		engine_clock(cases[i].now, &boots, &seconds);
		assert_int_equal(boots, cases[i].boots);
		assert_int_equal(seconds, cases[i].seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_objects_are_there),
		cmocka_unit_test(acknowledgement_says_who),
		cmocka_unit_test(not_the_first_is_not_repeated),
		cmocka_unit_test(incident_of_the_sensor),
		cmocka_unit_test(numbers_stop_at_their_greatest),
		cmocka_unit_test(texts_keep_to_their_sizes),
		cmocka_unit_test(rules_are_those_of_the_mib),
		cmocka_unit_test(other_words_are_those_of_the_mib),
		cmocka_unit_test(engine_has_the_name_of_the_sensor),
		cmocka_unit_test(longer_names_differ),
		cmocka_unit_test(clock_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
