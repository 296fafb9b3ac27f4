/* Tests alerts to a journal that the test is: it reads entries as the protocol has them. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "reports/syslog_line.h"
#include "tests/reports/alert_sample.h"

#define ENTRY_MAX  65536
#define FIELDS_MAX 64

struct field {
	const char *name, *value;
};

struct fixture {
	char folder[64], path[96];
	int journal;
	struct incident incident;
	struct alert alert;
	struct sink *sink;
	char entry[ENTRY_MAX + 1], texts[2 * ENTRY_MAX];
	struct field fields[FIELDS_MAX];
	size_t fields_n;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct target t = { .kind = TARGET_JOURNALD, .timeout_s = 60 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char err[128];

	assert_non_null(f);
	strcpy(f->folder, "/tmp/mailseal-journal-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/socket", f->folder);
	f->journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(at.sun_path, f->path);
	assert_int_equal(bind(f->journal, (struct sockaddr *)&at, sizeof(at)), 0);
	f->incident = sample_incident();
	f->alert = sample_alert(EVENT_OPENED, &f->incident);
	strcpy(t.socket, f->path);
	f->sink = sink_open(&t, err, sizeof(err));
	assert_non_null(f->sink);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sink_close(f->sink);
	close(f->journal);
	unlink(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

/* One entry ---------------------------------------------------------------------------------- */

/* The bytes of a value behind the line end of its name, and where they end. */
static const char *binary_value(const char *at, const char *end, size_t *len)
{
	*len = 0;
	assert_true(end - at > 8);
	for (unsigned n = 8; n-- > 0;)
		*len = *len << 8 | (unsigned char)at[n];
	assert_true(*len < (size_t)(end - at) - 8);
	return at + 8;
}

/* As journald reads it: every byte belongs to a field. */
static void read_entry(struct fixture *f, size_t entry_len)
{
	const char *at = f->entry, *end = f->entry + entry_len;
	char *text = f->texts;

	for (f->fields_n = 0; at < end; f->fields_n++) {
		size_t name_len = strcspn(at, "=\n"), len;
		const char *value = at + name_len + 1;

		assert_true(f->fields_n < FIELDS_MAX);
		assert_true(name_len > 0 && name_len <= 64 && at[0] >= 'A' && at[0] <= 'Z');
		assert_int_equal(strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"), name_len);
		if (at[name_len] == '=')
			len = strcspn(value, "\n");
		else
			value = binary_value(value, end, &len);
		f->fields[f->fields_n].name = text;
		text += sprintf(text, "%.*s", (int)name_len, at) + 1;
		f->fields[f->fields_n].value = text;
		text += sprintf(text, "%.*s", (int)len, value) + 1;
		assert_true(value + len < end && value[len] == '\n');
		at = value + len + 1;
	}
}

static void send_one(struct fixture *f)
{
	char answer[SINK_ANSWER_MAX + 1];
	ssize_t n;

	assert_int_equal(sink_send(f->sink, &f->alert, answer), SINK_TAKEN);
	n = recv(f->journal, f->entry, ENTRY_MAX, 0);
	assert_true(n > 0);
	f->entry[n] = '\0';
	read_entry(f, (size_t)n);
}

/* The number'th of its name, from 0; NULL when there is none. */
static const char *value_of(const struct fixture *f, const char *name, size_t number)
{
	for (size_t n = 0; n < f->fields_n; n++) {
		if (strcmp(f->fields[n].name, name) == 0 && number-- == 0)
			return f->fields[n].value;
	}
	return NULL;
}

static void assert_field(const struct fixture *f, const char *name, const char *value)
{
	assert_non_null(value_of(f, name, 0));
	assert_string_equal(value_of(f, name, 0), value);
	assert_null(value_of(f, name, 1));
}

static void an_entry_has_fields(void **state)
{
	static const struct field want[] = {
		{ "MESSAGE", "incident 7 opened: critical: plaintext-between-signatories "
			     "orange -> free (mta): 3 sessions in clear, content 3, confirmed 3; "
			     "cause: not-offered 3" },
		{ "PRIORITY", "2" },
		{ "MESSAGE_ID", "1af28c21fef64871ad400e429d4d7efa" },
		{ "SYSLOG_IDENTIFIER", "mailseald" },
		{ "SYSLOG_FACILITY", "3" },
		{ "MAILSEAL_EVENT", "opened" },
		{ "MAILSEAL_EVENT_ID", "12" },
		{ "MAILSEAL_INCIDENT", "7" },
		{ "MAILSEAL_RULE", "plaintext-between-signatories" },
		{ "MAILSEAL_CLIENT", "orange" },
		{ "MAILSEAL_SERVER", "free" },
		{ "MAILSEAL_SERVICE", "mta" },
		{ "MAILSEAL_SENSOR", "th2-1" },
		{ "MAILSEAL_SEVERITY", "critical" },
		{ "MAILSEAL_STATE", "open" },
		{ "MAILSEAL_OPENED", "2015-11-22T10:00:00Z" },
		{ "MAILSEAL_LAST_SEEN", "2015-11-22T10:01:00Z" },
		{ "MAILSEAL_SESSIONS", "3" },
		{ "MAILSEAL_CONFIRMED", "3" },
		{ "MAILSEAL_CONTENT", "3" },
	};
	struct fixture *f = *state;

	send_one(f);
	for (size_t n = 0; n < sizeof(want) / sizeof(want[0]); n++)
		assert_field(f, want[n].name, want[n].value);
	assert_null(value_of(f, "MAILSEAL_WHY", 0));
	assert_null(value_of(f, "MAILSEAL_TEST", 0));
	assert_null(value_of(f, "MAILSEAL_EVIDENCE", 0));
}

static void line_ends_are_part_of_a_value(void **state)
{
	static const char *const odd[] = { "two\nlines", "\n", "a\nPRIORITY=0\n", "a=b\"c\\d]e",
					   "\xc3\xa9t\xc3\xa9 \xff" };
	struct fixture *f = *state;

	for (size_t n = 0; n < sizeof(odd) / sizeof(odd[0]); n++) {
		strcpy(f->incident.why, odd[n]);
		send_one(f);
		assert_field(f, "MAILSEAL_WHY", odd[n]);
		assert_field(f, "PRIORITY", "2");
		assert_field(f, "MAILSEAL_SENSOR", "th2-1");
	}
}

/* Its length takes more than one byte. */
static void a_long_value_may_have_line_ends(void **state)
{
	struct fixture *f = *state;
	char line[1024];

	memset(f->incident.why, 'x', INCIDENT_WHY_MAX);
	f->incident.why[7] = '\n';
	incident_line(EVENT_OPENED, &f->incident, line, sizeof(line));
	assert_true(strlen(line) > 256);
	send_one(f);
	assert_field(f, "MESSAGE", line);
	assert_field(f, "PRIORITY", "2");
}

static void each_record_is_a_field(void **state)
{
	struct fixture *f = *state;
	char record[RECORD_MAX], bare[RECORD_MAX];
	const char *const evidence[] = { sample_record(record), "{}" };

	f->alert.evidence = evidence;
	f->alert.evidence_n = 2;
	send_one(f);
	strcpy(bare, record);
	bare[strcspn(bare, "\n")] = '\0';
	assert_string_equal(value_of(f, "MAILSEAL_EVIDENCE", 0), bare);
	assert_string_equal(value_of(f, "MAILSEAL_EVIDENCE", 1), "{}");
	assert_null(value_of(f, "MAILSEAL_EVIDENCE", 2));
}

static void every_event_has_an_id_of_its_own(void **state)
{
	struct fixture *f = *state;
	char seen[EVENT_N][33];

	for (unsigned e = 0; e < EVENT_N; e++) {
		f->alert.event = (enum incident_event)e;
		send_one(f);
		assert_field(f, "MAILSEAL_EVENT", incident_event_name((enum incident_event)e));
		assert_int_equal(strlen(value_of(f, "MESSAGE_ID", 0)), 32);
		strcpy(seen[e], value_of(f, "MESSAGE_ID", 0));
		assert_int_equal(strspn(seen[e], "0123456789abcdef"), 32);
		for (unsigned before = 0; before < e; before++)
			assert_string_not_equal(seen[e], seen[before]);
	}
	assert_field(f, "MAILSEAL_TEST", "1"); /* the last one */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry_has_fields),
		TEST(line_ends_are_part_of_a_value),
		TEST(a_long_value_may_have_line_ends),
		TEST(each_record_is_a_field),
		TEST(every_event_has_an_id_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
