/* Tests the IMAP machine: its words, every state with every event, and small conversations. */
#include "tests/dissectors/dialogue.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#include "dissectors/imap.h"
#include "dissectors/imap_words.h"

enum { NONE = IMAP_COMMANDS }; /* nothing outstanding */

static void check(const struct dialogue *c, const struct facts *before)
{
	struct session out;

	assert_true(c->s.imap.queued <= IMAP_QUEUE);
	for (unsigned i = 0; i < c->s.imap.queued; i++)
		assert_true(c->s.imap.queue[i].command < IMAP_COMMANDS);
	facts_verdict(&c->f, ENDING_CLOSED, &out);
	assert_int_equal(out.messages, MESSAGES_NULL);
	dialogue_check(c, before);
}

static size_t say(struct dialogue *c, enum side from, const char *text)
{
	struct facts before = c->f;
	size_t taken = dialogue_say(c, from, text);

	check(c, &before);
	return taken;
}

static void client(struct dialogue *c, const char *text)
{
	assert_int_equal(say(c, CLIENT, text), strlen(text));
}

static void server(struct dialogue *c, const char *text)
{
	assert_int_equal(say(c, SERVER, text), strlen(text));
}

static unsigned newest(const struct imap *s)
{
	return s->queued ? s->queue[s->queued - 1].command : NONE;
}

/* Words --------------------------------------------------------------------------------------- */

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void commands_are_read_in_any_case(void **state)
{
	static const struct {
		const char *name;
		unsigned command, word;
	} names[] = {
		{ "CAPABILITY", IMAP_CAPABILITY, WORD_CAPABILITY },
		{ "capability", IMAP_CAPABILITY, WORD_CAPABILITY },
		{ "StartTLS", IMAP_STARTTLS, WORD_STARTTLS },
		{ "STARTTLSX", IMAP_OTHER, WORD_OTHER_COMMAND },
		{ "STARTTL", IMAP_OTHER, WORD_OTHER_COMMAND },
		{ "login", IMAP_LOGIN, WORD_LOGIN },
		{ "Authenticate", IMAP_AUTHENTICATE, WORD_AUTHENTICATE },
		{ "LOGOUT", IMAP_LOGOUT, WORD_LOGOUT },
		{ "id", IMAP_HARMLESS, WORD_OTHER_COMMAND },
		{ "NOOP", IMAP_HARMLESS, WORD_OTHER_COMMAND },
		{ "enable", IMAP_HARMLESS, WORD_OTHER_COMMAND },
		{ "append", IMAP_APPEND, WORD_APPEND },
		{ "Select", IMAP_MAILBOX, WORD_SELECT },
		{ "EXAMINE", IMAP_MAILBOX, WORD_SELECT },
		{ "uid", IMAP_MAILBOX, WORD_FETCH },
		{ "FETCH", IMAP_MAILBOX, WORD_FETCH },
		{ "idle", IMAP_SIGNED_IN, WORD_OTHER_COMMAND },
		{ "compress", IMAP_COMPRESS, WORD_OTHER_COMMAND },
		{ "", IMAP_OTHER, WORD_OTHER_COMMAND },
		{ "EHLO", IMAP_OTHER, WORD_OTHER_COMMAND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned word = 0;

		assert_int_equal(imap_read_command(text(names[i].name), &word), names[i].command);
		assert_int_equal(word, names[i].word);
	}
}

static void statuses_are_read(void **state)
{
	static const struct {
		const char *name;
		unsigned status, word;
	} names[] = {
		{ "OK", IMAP_OK, WORD_OK },    { "no", IMAP_NO, WORD_NO },
		{ "Bad", IMAP_BAD, WORD_BAD }, { "PREAUTH", IMAP_PREAUTH, WORD_PREAUTH },
		{ "bye", IMAP_BYE, WORD_BYE }, { "OKAY", IMAP_NO_STATUS, 0 },
		{ "", IMAP_NO_STATUS, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum imap_status s = imap_read_status(text(names[i].name));

		assert_int_equal(s, names[i].status);
		assert_int_equal(imap_status_word(s), names[i].word);
	}
}

static void mailbox_data_is_known_by_name(void **state)
{
	static const char *const yes[] = { "FETCH",  "exists", "List",    "LSUB",
					   "STATUS", "SEARCH", "ESEARCH", "RECENT" };
	static const char *const no[] = { "CAPABILITY", "ID", "OK", "", "FETCHED", "ENABLED" };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(imap_is_mailbox_data(text(yes[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(imap_is_mailbox_data(text(no[i])));
}

static void numbers_are_digits(void **state)
{
	(void)state;
	assert_true(imap_is_number(text("0")));
	assert_true(imap_is_number(text("12345678901234567890123")));
	assert_false(imap_is_number(text("")));
	assert_false(imap_is_number(text("12a")));
	assert_false(imap_is_number(text("-1")));
}

/* Every command with every answer ------------------------------------------------------------- */

/* A line for each command, sent with the tag "t". */
static const struct {
	unsigned command;
	const char *line;
	bool login;
} requests[] = {
	{ IMAP_OTHER, "t XYZZY\r\n", false },
	{ IMAP_HARMLESS, "t NOOP\r\n", false },
	{ IMAP_CAPABILITY, "t CAPABILITY\r\n", false },
	{ IMAP_LOGOUT, "t LOGOUT\r\n", false },
	{ IMAP_STARTTLS, "t STARTTLS\r\n", false },
	{ IMAP_LOGIN, "t LOGIN alice secret\r\n", true },
	{ IMAP_AUTHENTICATE, "t AUTHENTICATE PLAIN\r\n", true },
	{ IMAP_APPEND, "t APPEND x {0+}\r\n\r\n", false },
	{ IMAP_MAILBOX, "t SELECT INBOX\r\n", false },
	{ IMAP_SIGNED_IN, "t IDLE\r\n", false },
	{ IMAP_COMPRESS, "t COMPRESS DEFLATE\r\n", false },
};

/* A conversation in step with this command outstanding. */
static void place(struct dialogue *c, unsigned command)
{
	dialogue_start(c, PROTOCOL_IMAP, WHOLE);
	server(c, "* OK ready\r\n");
	assert_true(c->f.greeted);
	if (command == NONE)
		return;
	assert_int_equal(requests[command].command, command);
	client(c, requests[command].line);
	assert_int_equal(newest(&c->s.imap), command);
	assert_int_equal(c->f.plain, requests[command].login);
}

/* What an answer does to the command that awaits it:
 *   .  it is answered, and that is all      O  nothing can be read from here on
 *   P  what crossed is now plaintext        G  TLS is granted      R  TLS is refused
 *   L  it was plaintext from the start */
static const struct {
	unsigned command;
	char ok, no;
} answers[] = {
	{ IMAP_OTHER, '.', '.' },        { IMAP_HARMLESS, '.', '.' }, { IMAP_CAPABILITY, '.', '.' },
	{ IMAP_LOGOUT, '.', '.' },       { IMAP_STARTTLS, 'G', 'R' }, { IMAP_LOGIN, 'L', 'L' },
	{ IMAP_AUTHENTICATE, 'L', 'L' }, { IMAP_APPEND, 'P', '.' },   { IMAP_MAILBOX, 'P', '.' },
	{ IMAP_SIGNED_IN, 'P', '.' },    { IMAP_COMPRESS, 'O', '.' },
};

static void check_answer(const struct dialogue *c, unsigned command, char does)
{
	assert_int_equal(c->s.imap.queued, 0);
	assert_int_equal(c->f.s.oddities, 0);
	assert_int_equal(c->f.plain, does == 'P' || does == 'L');
	assert_int_equal(c->f.granted, does == 'G');
	assert_int_equal(c->f.starttls_refused, does == 'R');
	assert_int_equal(c->s.imap.opaque, does == 'O');
	assert_false(c->f.answer_pending);
	if (command == IMAP_STARTTLS)
		assert_int_equal(c->f.s.accepted, does == 'G' ? TRI_TRUE : TRI_FALSE);
}

static void every_command_meets_every_answer(void **state)
{
	static const char *const lines[] = { "t OK done\r\n", "t NO no\r\n", "t BAD what\r\n" };

	(void)state;
	assert_int_equal(sizeof(answers) / sizeof(answers[0]), IMAP_COMMANDS);
	assert_int_equal(sizeof(requests) / sizeof(requests[0]), IMAP_COMMANDS);
	for (unsigned command = 0; command < IMAP_COMMANDS; command++) {
		assert_int_equal(answers[command].command, command);
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
			struct dialogue c;

			place(&c, command);
			server(&c, lines[i]);
			check_answer(&c, command,
				     i == 0 ? answers[command].ok : answers[command].no);
		}
	}
}

/* Lines that answer nothing leave every command where it is, and prove nothing. */
static void other_lines_answer_nothing(void **state)
{
	static const struct {
		const char *line;
		bool odd;
	} lines[] = {
		{ "* OK note\r\n", false },
		{ "* NO note\r\n", false },
		{ "* BAD note\r\n", false },
		{ "* OK note {20}\r\n", false },
		{ "* CAPABILITY X\r\n", false },
		{ "* ENABLED X\r\n", false },
		{ "* PREAUTH late\r\n", false },
		{ "\r\n", false },
		{ "+ go on {20}\r\n", false },
		{ "T OK other tag\r\n", true },
		{ "tt OK other tag\r\n", true },
		{ "t PREAUTH no such answer\r\n", true },
		{ "t\r\n", true },
		{ "hello there\r\n", true },
	};

	(void)state;
	for (unsigned command = 0; command <= NONE; command++) {
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
			struct dialogue c;
			struct facts before;

			place(&c, command);
			before = c.f;
			server(&c, lines[i].line);
			assert_int_equal(newest(&c.s.imap), command);
			assert_int_equal(c.f.s.oddities != 0, lines[i].odd);
			assert_int_equal(c.f.plain, before.plain);
			assert_int_equal(c.f.s.exposure, before.s.exposure);
			assert_int_equal(c.f.s.findings, before.s.findings);
			assert_int_equal(c.f.s.accepted, before.s.accepted);
			assert_int_equal(c.s.imap.literal[SERVER], 0);
		}
	}
}

/* What is in a mailbox is content, whatever it answers; unless it is forged behind a grant. */
static void mailbox_data_is_content(void **state)
{
	static const char *const lines[] = { "* 3 EXISTS\r\n", "* 1 FETCH (FLAGS ())\r\n",
					     "* LIST () \"/\" INBOX\r\n", "* SEARCH 1\r\n",
					     "* 1 FETCH (BODY[] {5}\r\nhello)\r\n" };

	(void)state;
	for (unsigned command = 0; command <= NONE; command++) {
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
			struct dialogue c;

			place(&c, command);
			server(&c, lines[i]);
			assert_int_equal(newest(&c.s.imap), command);
			assert_true(c.f.plain);
			assert_int_equal(c.f.s.exposure, EXPOSURE_CONTENT);
			assert_int_equal(c.f.s.oddities, 0);
		}
	}
	struct dialogue c;

	place(&c, IMAP_STARTTLS);
	server(&c, "t OK begin\r\n* 3 EXISTS\r\n");
	assert_false(c.f.plain);
}

/* The same walk with a side missing, begun in the middle, behind gaps: nothing may break. */
static void answers_break_nothing_in_any_view(void **state)
{
	static const char *const lines[] = {
		"t OK [CAPABILITY X] done\r\n",
		"t NO no\r\n",
		"u OK done\r\n",
		"+ go on\r\n",
		"* OK hello\r\n",
		"* BYE\r\n",
		"* PREAUTH hello\r\n",
		"* 1 EXISTS\r\n",
		"* CAPABILITY STARTTLS\r\n",
		"* 1 FETCH (X {3}\r\nabc)\r\n",
	};

	(void)state;
	for (unsigned view = 0; view < 128; view++) {
		for (unsigned command = 0; command <= NONE; command++) {
			for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
				struct dialogue c;

				place(&c, command);
				c.f.visible[CLIENT] = view & 1;
				c.f.syn_seen = view & 2;
				c.s.imap.lost[CLIENT] = view & 4;
				c.s.imap.lost[SERVER] = view & 8;
				c.s.imap.stale = view & 16;
				c.f.greeted = view & 32;
				c.s.imap.auth_dialogue = view & 64;
				server(&c, lines[i]);
				server(&c, lines[i]);
			}
		}
	}
}

/* Every command with every line --------------------------------------------------------------- */

static const struct {
	const char *line;
	unsigned pushes; /* NONE: nothing */
	bool proves;     /* plaintext */
	unsigned exposure;
	bool in_preauth; /* proves it there */
} lines[] = {
	{ "a CAPABILITY\r\n", IMAP_CAPABILITY, false, EXPOSURE_NONE, false },
	{ "a noop\r\n", IMAP_HARMLESS, false, EXPOSURE_NONE, false },
	{ "a ID NIL\r\n", IMAP_HARMLESS, false, EXPOSURE_NONE, false },
	{ "a LOGOUT\r\n", IMAP_LOGOUT, false, EXPOSURE_NONE, false },
	{ "a StartTls\r\n", IMAP_STARTTLS, false, EXPOSURE_NONE, false },
	{ "a LOGIN\r\n", IMAP_OTHER, false, EXPOSURE_NONE, false },
	{ "a LOGIN alice\r\n", IMAP_LOGIN, true, EXPOSURE_NONE, true },
	{ "a LOGIN alice secret\r\n", IMAP_LOGIN, true, EXPOSURE_CREDENTIALS, true },
	{ "a LOGIN \"\" \"\"\r\n", IMAP_LOGIN, true, EXPOSURE_CREDENTIALS, true },
	{ "a LOGIN {5+}\r\nalice {6+}\r\nsecret\r\n", IMAP_LOGIN, true, EXPOSURE_CREDENTIALS,
	  true },
	{ "a login {12+}\r\na STARTTLS\r\n {6+}\r\nsecret\r\n", IMAP_LOGIN, true,
	  EXPOSURE_CREDENTIALS, true },
	{ "a AUTHENTICATE\r\n", IMAP_OTHER, false, EXPOSURE_NONE, false },
	{ "a AUTHENTICATE PLAIN\r\n", IMAP_AUTHENTICATE, true, EXPOSURE_NONE, true },
	{ "a AUTHENTICATE PLAIN =\r\n", IMAP_AUTHENTICATE, true, EXPOSURE_NONE, true },
	{ "a AUTHENTICATE PLAIN AGEAYg==\r\n", IMAP_AUTHENTICATE, true, EXPOSURE_CREDENTIALS,
	  true },
	{ "a SELECT INBOX\r\n", IMAP_MAILBOX, false, EXPOSURE_NONE, true },
	{ "a UID FETCH 1 BODY[]\r\n", IMAP_MAILBOX, false, EXPOSURE_NONE, true },
	{ "a IDLE\r\n", IMAP_SIGNED_IN, false, EXPOSURE_NONE, true },
	{ "a APPEND x {5+}\r\nhello\r\n", IMAP_APPEND, true, EXPOSURE_CONTENT, true },
	{ "a XYZZY {0+}\r\n\r\n", IMAP_OTHER, false, EXPOSURE_NONE, false },
	{ "a XYZZY {5+}\r\na LOG\r\n", IMAP_OTHER, false, EXPOSURE_NONE, false },
	{ "STARTTLS NOOP\r\n", IMAP_HARMLESS, false, EXPOSURE_NONE, false },
	{ "a XYZZY \"{5+}\"\r\n", IMAP_OTHER, false, EXPOSURE_NONE, false },
	{ "\r\n", NONE, false, EXPOSURE_NONE, false },
	{ " \r\n", NONE, false, EXPOSURE_NONE, false },
};

static const size_t n_lines = sizeof(lines) / sizeof(lines[0]);

static void every_line_with_nothing_outstanding(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_lines; i++) {
		struct dialogue c;

		place(&c, NONE);
		client(&c, lines[i].line);
		assert_int_equal(newest(&c.s.imap), lines[i].pushes);
		assert_int_equal(c.f.plain, lines[i].proves);
		assert_int_equal(c.f.s.exposure, lines[i].exposure);
		assert_int_equal(c.f.s.requested,
				 lines[i].pushes == IMAP_STARTTLS ? TRI_TRUE : TRI_NULL);
		assert_int_equal(c.f.quit, lines[i].pushes == IMAP_LOGOUT);
		assert_int_equal(c.f.s.oddities, 0);
	}
}

static void after_preauth_a_mailbox_command_is_plaintext(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_lines; i++) {
		struct dialogue c;

		dialogue_start(&c, PROTOCOL_IMAP, WHOLE);
		server(&c, "* PREAUTH hello\r\n");
		assert_int_equal(c.f.s.findings, 1u << FINDING_PREAUTH_IN_CLEAR);
		client(&c, lines[i].line);
		assert_int_equal(c.f.plain, lines[i].in_preauth);
		if (c.f.plain && !lines[i].proves)
			assert_int_equal(c.f.plain_reason, REASON_PREAUTH_IN_CLEAR);
	}
}

/* The client waits for the answer to STARTTLS and for leave to send a literal. */
static void every_command_meets_every_line(void **state)
{
	(void)state;
	for (unsigned command = 0; command < IMAP_COMMANDS; command++) {
		for (size_t i = 0; i < n_lines; i++) {
			struct dialogue c;
			bool waits = command == IMAP_STARTTLS;

			place(&c, command);
			assert_int_equal(imap_waits(&c.s.imap, &c.f), waits);
			assert_int_equal(say(&c, CLIENT, lines[i].line),
					 waits ? 0 : strlen(lines[i].line));
			if (!waits && lines[i].pushes != NONE)
				assert_int_equal(newest(&c.s.imap), lines[i].pushes);
			else
				assert_int_equal(newest(&c.s.imap), command);
		}
	}
}

/* Whatever the client says when the server asks on, it is a response and no command. */
static void every_line_in_an_exchange_is_a_response(void **state)
{
	static const struct {
		const char *line;
		unsigned exposure;
	} responses[] = {
		{ "AGEAYg==\r\n", EXPOSURE_CREDENTIALS },
		{ "*\r\n", EXPOSURE_NONE },
		{ "a STARTTLS\r\n", EXPOSURE_CREDENTIALS },
		{ "a LOGOUT\r\n", EXPOSURE_CREDENTIALS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		struct dialogue c;

		place(&c, IMAP_AUTHENTICATE);
		server(&c, "+ go on\r\n");
		client(&c, responses[i].line);
		assert_int_equal(c.s.imap.queued, 1);
		assert_int_equal(newest(&c.s.imap), IMAP_AUTHENTICATE);
		assert_int_equal(c.f.s.requested, TRI_NULL);
		assert_false(c.f.quit);
		assert_int_equal(c.f.s.exposure, responses[i].exposure);
	}
}

static void lines_break_nothing_in_any_view(void **state)
{
	(void)state;
	for (unsigned view = 0; view < 256; view++) {
		for (unsigned command = 0; command <= NONE; command++) {
			for (size_t i = 0; i < n_lines; i++) {
				struct dialogue c;

				place(&c, command);
				c.f.visible[SERVER] = view & 1;
				c.f.syn_seen = view & 2;
				c.s.imap.lost[CLIENT] = view & 4;
				c.s.imap.lost[SERVER] = view & 8;
				c.s.imap.stale = view & 16;
				c.s.imap.preauth = view & 32;
				c.s.imap.auth_dialogue = view & 64;
				c.f.greeted = view & 128;
				say(&c, CLIENT, lines[i].line);
			}
		}
	}
}

/* Behind a gap in its own stream, a line of the client may be part of a message. */
static void a_line_behind_a_gap_proves_nothing_alone(void **state)
{
	(void)state;
	for (unsigned command = 0; command <= NONE; command++) {
		for (size_t i = 0; i < n_lines; i++) {
			struct dialogue c;
			struct facts before;

			place(&c, command);
			imap_gap(&c.s.imap, &c.f, CLIENT, 100);
			before = c.f;
			say(&c, CLIENT, lines[i].line);
			assert_int_equal(c.f.plain, before.plain);
			assert_int_equal(c.f.s.exposure, before.s.exposure);
			assert_int_equal(c.f.s.auth_clear, before.s.auth_clear);
			assert_int_equal(c.f.s.requested, before.s.requested);
		}
	}
}

/* Behind two gaps the answer may be that to a command of the same tag, which was in the second. */
static void a_line_between_gaps_is_not_answered(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	imap_gap(&c.s.imap, &c.f, CLIENT, 100);
	client(&c, "a STARTTLS\r\n");
	imap_gap(&c.s.imap, &c.f, CLIENT, 20);
	server(&c, "a OK done\r\n");
	assert_int_equal(c.f.s.requested, TRI_NULL);
	assert_int_equal(c.f.s.accepted, TRI_NULL);
	assert_false(c.f.granted);
	place(&c, IMAP_LOGIN); /* sent before anything was missing */
	imap_gap(&c.s.imap, &c.f, CLIENT, 20);
	assert_int_equal(c.s.imap.queued, 1);
}

/* Without a SYN an untagged OK may be a line of a message. It was the greeting if the client begins a
 * session behind it, and nothing of either side comes between. */
static void a_greeting_without_a_syn_is_not_behind_commands(void **state)
{
	static const char *const between[] = { "* CAPABILITY IMAP4rev1\r\n", "a BAD no\r\n",
					       "+ go on\r\n" };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct dialogue c;

		dialogue_start(&c, PROTOCOL_IMAP, MID_STREAM);
		server(&c, "* OK imap.example ready\r\n");
		server(&c, between[i]);
		client(&c, "b STARTTLS\r\n");
		assert_int_equal(c.f.greeted, i == 0);
		assert_int_equal(c.f.s.requested, i == 0 ? TRI_TRUE : TRI_NULL);
		dialogue_start(&c, PROTOCOL_IMAP, MID_STREAM);
		server(&c, "* OK imap.example ready\r\n");
		client(&c, i == 0 ? "\r\n" : "rest of a line\r\n");
		client(&c, "b STARTTLS\r\n");
		assert_int_equal(c.f.greeted, i == 0);
	}
}

static void a_mailbox_command_behind_a_gap_is_no_proof(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_IMAP, WHOLE);
	server(&c, "* PREAUTH hello\r\n");
	imap_gap(&c.s.imap, &c.f, CLIENT, 100);
	client(&c, "a SELECT INBOX\r\n");
	assert_false(c.f.plain);
}

/* ... but with its answer it does. */
static void a_login_behind_a_gap_counts_when_it_is_answered(void **state)
{
	static const char *const tags[] = { "a OK done\r\n", "a NO wrong\r\n", "b OK done\r\n" };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct dialogue c;

		place(&c, NONE);
		imap_gap(&c.s.imap, &c.f, CLIENT, 100);
		client(&c, "a LOGIN alice secret\r\n");
		server(&c, tags[i]);
		assert_int_equal(c.f.plain, i < 2);
		assert_int_equal(c.f.s.exposure, i < 2 ? EXPOSURE_CREDENTIALS : EXPOSURE_NONE);
		assert_int_equal(c.f.s.auth_clear, i < 2 ? TRI_TRUE : TRI_NULL);
	}
}

/* What went before it was not seen, and may have weighed more. */
static void a_refusal_behind_a_gap_is_not_all_there_was(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	imap_gap(&c.s.imap, &c.f, CLIENT, 100);
	client(&c, "a LOGIN {5}\r\n");
	server(&c, "a NO no\r\n");
	assert_true(c.f.plain);
	assert_int_equal(c.f.s.exposure, EXPOSURE_NONE);
}

/* Literals ------------------------------------------------------------------------------------ */

static void a_literal_waits_for_the_server(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	assert_int_equal(say(&c, CLIENT, "a LOGIN {5}\r\nalice"), strlen("a LOGIN {5}\r\n"));
	assert_true(imap_waits(&c.s.imap, &c.f));
	assert_false(imap_at_line_start(&c.s.imap, CLIENT));
	assert_true(c.f.plain);
	server(&c, "* OK a moment\r\n");
	assert_true(imap_waits(&c.s.imap, &c.f));
	server(&c, "+ go on\r\n");
	assert_false(imap_waits(&c.s.imap, &c.f));
	client(&c, "alice {6+}\r\nsecret\r\n");
	assert_true(imap_at_line_start(&c.s.imap, CLIENT));
	assert_int_equal(c.f.s.exposure, EXPOSURE_CREDENTIALS);
	server(&c, "a OK done\r\n");
	assert_int_equal(c.s.imap.queued, 0);
}

static void a_literal_that_is_refused_never_comes(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	client(&c, "a LOGIN {5}\r\n");
	server(&c, "b NO not this one\r\n");
	assert_true(imap_waits(&c.s.imap, &c.f));
	server(&c, "a NO no\r\n");
	assert_false(imap_waits(&c.s.imap, &c.f));
	assert_int_equal(c.f.s.exposure, EXPOSURE_REFUSED);
	client(&c, "b STARTTLS\r\n");
	assert_int_equal(c.f.s.requested, TRI_TRUE);
}

static void a_literal_that_is_not_waited_for_any_longer(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	client(&c, "a XYZZY {5}\r\n");
	imap_presume(&c.s.imap, &c.f);
	assert_false(imap_waits(&c.s.imap, &c.f));
	client(&c, "a LOGIN alice secret\r\n");
	assert_false(c.f.plain);
	imap_presume(&c.s.imap, &c.f); /* nothing to presume */
}

static void what_is_no_literal(void **state)
{
	static const struct {
		const char *end;
		bool bad;
	} ends[] = {
		{ "{-1}", false },
		{ "{}", false },
		{ "{+}", false },
		{ "{1x}", false },
		{ "12}", false },
		{ "{12", false },
		{ "{5} ", false },
		{ "\"{5+}\"", false },
		{ "{5}{", false },
		{ "{99999999999999999999}", true },
		{ "{99999999999999999999+}", true },
		{ "{9223372036854775808+}", true },
		{ "{18446744073709551621+}", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct dialogue c;
		char line[64];

		place(&c, NONE);
		snprintf(line, sizeof(line), "a XYZZY %s\r\n", ends[i].end);
		client(&c, line);
		assert_int_equal(c.f.s.oddities, ends[i].bad ? 1u << ODDITY_BAD_LITERAL : 0);
		assert_false(imap_waits(&c.s.imap, &c.f));
		assert_int_equal(c.s.imap.literal[CLIENT], 0);
	}
}

static void the_largest_literal_is_counted(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	client(&c, "a APPEND x {9223372036854775807+}\r\n");
	assert_int_equal(c.f.s.oddities, 0);
	client(&c, "a LOGIN alice secret\r\n");
	assert_int_equal(c.s.imap.literal[CLIENT], INT64_MAX - 22);
	assert_int_equal(c.s.imap.queued, 1);
	imap_gap(&c.s.imap, &c.f, CLIENT, INT64_MAX - 22);
	client(&c, "\r\nb NOOP\r\n");
	assert_int_equal(newest(&c.s.imap), IMAP_HARMLESS);
	assert_false(c.s.imap.lost[CLIENT]);
}

static void bytes_of_a_literal_are_no_answer(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, IMAP_MAILBOX);
	server(&c,
	       "* 1 FETCH (BODY[1] {10}\r\nt NO no\r\n\n BODY[2] {0}\r\n BODY[3] {9}\r\n* PREAUTH"
	       ")\r\n");
	assert_int_equal(c.s.imap.queued, 1);
	assert_int_equal(c.f.s.findings, 0);
	assert_true(imap_at_line_start(&c.s.imap, SERVER));
	server(&c, "t OK done\r\n");
	assert_int_equal(c.s.imap.queued, 0);
}

/* Gaps ---------------------------------------------------------------------------------------- */

static void an_upgrade_behind_a_gap_counts_when_it_is_granted(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	imap_gap(&c.s.imap, &c.f, CLIENT, 100);
	client(&c, "a STARTTLS\r\n");
	assert_int_equal(c.f.s.requested, TRI_NULL);
	server(&c, "a OK begin\r\n");
	assert_int_equal(c.f.s.requested, TRI_TRUE);
	assert_true(c.f.granted);
}

static void every_state_meets_a_gap(void **state)
{
	(void)state;
	for (unsigned command = 0; command <= NONE; command++) {
		for (unsigned from = 0; from < SIDES; from++) {
			struct dialogue c;
			struct facts before;

			place(&c, command);
			before = c.f;
			imap_gap(&c.s.imap, &c.f, (enum side)from, 100);
			check(&c, &before);
			assert_true(c.f.clear_gap[from]);
			assert_true(c.s.imap.lost[from]);
			assert_int_equal(c.f.plain, before.plain);
			assert_int_equal(c.f.s.exposure, before.s.exposure);
		}
	}
}

static void a_gap_inside_a_literal_is_counted(void **state)
{
	static const struct {
		uint64_t gap;
		bool lost;
	} gaps[] = { { 1, false }, { 29, false }, { 30, false }, { 31, true }, { 0, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
		struct dialogue c;

		place(&c, NONE);
		client(&c, "a APPEND x {35+}\r\nhello");
		imap_gap(&c.s.imap, &c.f, CLIENT, gaps[i].gap);
		assert_int_equal(c.s.imap.lost[CLIENT], gaps[i].lost);
		assert_int_equal(c.s.imap.literal[CLIENT], gaps[i].lost ? 0 : 30 - gaps[i].gap);
		place(&c, IMAP_MAILBOX);
		server(&c, "* 1 FETCH (BODY[] {35}\r\nhello");
		imap_gap(&c.s.imap, &c.f, SERVER, gaps[i].gap);
		assert_int_equal(c.s.imap.lost[SERVER], gaps[i].lost);
		assert_int_equal(c.s.imap.literal[SERVER], gaps[i].lost ? 0 : 30 - gaps[i].gap);
	}
}

/* Such a line may be one of a message. */
static void a_list_behind_a_gap_is_not_believed(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	imap_gap(&c.s.imap, &c.f, SERVER, 100);
	server(&c, "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED XXXXXXXX\r\n");
	server(&c, "* CAPABILITY IMAP4rev1\r\n");
	assert_int_equal(c.f.s.offered, TRI_NULL);
	assert_int_equal(c.f.s.findings, 0);
	assert_false(c.f.masked);
}

/* Unless it comes with the answer to a command that was seen; and then only for what it has. */
static void a_list_in_an_answer_behind_a_gap_counts_for_what_it_has(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	imap_gap(&c.s.imap, &c.f, SERVER, 100);
	client(&c, "t NOOP\r\n");
	server(&c, "t OK [CAPABILITY IMAP4rev1] done\r\n");
	assert_int_equal(c.f.s.offered, TRI_NULL);
	client(&c, "u NOOP\r\n");
	server(&c, "u OK [CAPABILITY IMAP4rev1 STARTTLS] done\r\n");
	assert_int_equal(c.f.s.offered, TRI_TRUE);
}

/* A refusal before the gap may have been followed by another attempt in it. */
static void a_gap_unsays_a_refusal(void **state)
{
	(void)state;
	for (unsigned from = 0; from < SIDES; from++) {
		struct dialogue c;

		place(&c, IMAP_STARTTLS);
		server(&c, "t NO no\r\n");
		assert_int_equal(c.f.s.accepted, TRI_FALSE);
		imap_gap(&c.s.imap, &c.f, (enum side)from, 10);
		assert_int_equal(c.f.s.accepted, TRI_NULL);
	}
}

static void a_gap_of_the_server_ends_the_wait_for_a_literal(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	client(&c, "a XYZZY {5}\r\n");
	imap_gap(&c.s.imap, &c.f, SERVER, 20);
	assert_false(imap_waits(&c.s.imap, &c.f));
	client(&c, "b LOGIN alice secret\r\n"); /* the literal, or a command */
	assert_false(c.f.plain);
}

/* The queue ----------------------------------------------------------------------------------- */

static void the_queue_is_bounded(void **state)
{
	struct dialogue c;
	char line[32];

	(void)state;
	place(&c, NONE);
	for (unsigned i = 0; i < 5 * IMAP_QUEUE; i++) {
		snprintf(line, sizeof(line), "a%u NOOP\r\n", i);
		client(&c, line);
		assert_int_equal(c.s.imap.queued, i < IMAP_QUEUE ? i + 1 : IMAP_QUEUE);
		assert_int_equal(c.f.s.oddities >> ODDITY_TOO_MANY_COMMANDS & 1, i >= IMAP_QUEUE);
	}
	for (unsigned i = 5 * IMAP_QUEUE; i-- > 4 * IMAP_QUEUE;) {
		snprintf(line, sizeof(line), "a%u OK done\r\n", i);
		server(&c, line);
		assert_int_equal(c.s.imap.queued, i - 4 * IMAP_QUEUE);
	}
}

static void one_tag_for_all_is_answered_in_order(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	client(&c, ". NOOP\r\n. STARTTLS\r\n");
	server(&c, ". OK done\r\n");
	assert_true(c.f.answer_pending);
	server(&c, ". NO no\r\n");
	assert_int_equal(c.f.s.accepted, TRI_FALSE);
}

/* Behind a gap nobody knows to which of them an answer belongs. */
static void one_tag_for_all_is_nobodys_behind_a_gap(void **state)
{
	static const char *const answers_to_it[] = { ". OK done\r\n", ". NO no\r\n" };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct dialogue c;

		place(&c, NONE);
		client(&c, ". NOOP\r\n. STARTTLS\r\n");
		imap_gap(&c.s.imap, &c.f, SERVER, 11);
		server(&c, answers_to_it[i]);
		say(&c, CLIENT, ". LOGOUT\r\n");
		server(&c, answers_to_it[i]);
		assert_int_equal(c.f.s.accepted, TRI_NULL);
		assert_false(c.f.granted);
		assert_false(c.f.starttls_refused);
	}
}

static void a_compressed_stream_is_not_read(void **state)
{
	static const uint8_t bytes[] = "\x16\x03\x01t LOGIN a b\r\n";
	struct dialogue c;

	(void)state;
	place(&c, IMAP_COMPRESS);
	server(&c, "t OK go\r\n");
	assert_int_equal(imap_client(&c.s.imap, &c.f, bytes, sizeof(bytes) - 1), sizeof(bytes) - 1);
	assert_int_equal(imap_server(&c.s.imap, &c.f, bytes, sizeof(bytes) - 1), sizeof(bytes) - 1);
	assert_false(imap_at_line_start(&c.s.imap, CLIENT));
	assert_false(imap_at_line_start(&c.s.imap, SERVER));
	assert_false(c.f.plain);
	assert_int_equal(c.s.imap.queued, 0);
}

static void tls_is_left_to_the_caller(void **state)
{
	static const uint8_t bytes[] = "a NOOP\r\n\x16\x03\x01";
	static const uint8_t answer[] = "* OK x\r\n* OK y\r\n\x16\x03\x03";
	struct dialogue c;

	(void)state;
	place(&c, NONE);
	assert_int_equal(imap_client(&c.s.imap, &c.f, bytes, sizeof(bytes) - 1), 8);
	assert_true(imap_at_line_start(&c.s.imap, CLIENT));
	assert_int_equal(imap_server(&c.s.imap, &c.f, answer, sizeof(answer) - 1), 16);
	assert_true(imap_at_line_start(&c.s.imap, SERVER));
}

/* Form ---------------------------------------------------------------------------------------- */

static void lines_may_end_in_lf_alone(void **state)
{
	for (unsigned from = 0; from < SIDES; from++) {
		struct dialogue c;

		(void)state;
		place(&c, NONE);
		if (from == CLIENT)
			client(&c, "a LOGIN {5+}\nalice {6+}\nsecret\n");
		else
			server(&c, "* CAPABILITY STARTTLS\n");
		assert_int_equal(c.f.s.oddities, 1u << ODDITY_BARE_LF);
		assert_int_equal(c.f.s.exposure == EXPOSURE_CREDENTIALS, from == CLIENT);
		assert_int_equal(c.f.s.offered == TRI_TRUE, from == SERVER);
	}
}

/* A line may be longer than anybody would send; what stands at its end still counts. */
static void a_line_has_no_bound(void **state)
{
	static const char *const starts[SIDES] = { "a LOGIN u ", "* CAPABILITY X" };
	static const char *const ends[SIDES] = { " {12+}\r\nb STARTTLS\r\n\r\n", " STARTTLS\r\n" };

	(void)state;
	for (unsigned from = 0; from < SIDES; from++) {
		struct dialogue c;

		place(&c, NONE);
		say(&c, (enum side)from, starts[from]);
		for (unsigned i = 0; i < 2000; i++)
			say(&c, (enum side)from, "no_end,_and_no_blank_for_a_while_____");
		say(&c, (enum side)from, ends[from]);
		assert_int_equal(c.f.s.oddities, 1u << ODDITY_LINE_TOO_LONG);
		assert_int_equal(c.f.s.requested, TRI_NULL);
		assert_int_equal(c.f.s.offered == TRI_TRUE, from == SERVER);
		assert_int_equal(newest(&c.s.imap), from == CLIENT ? IMAP_LOGIN : NONE);
		assert_true(imap_at_line_start(&c.s.imap, (enum side)from));
	}
}

/* Conversations ------------------------------------------------------------------------------- */

#define HI       "S:* OK [CAPABILITY IMAP4rev1 STARTTLS] hi|"
#define HI_NO    "S:* OK [CAPABILITY IMAP4rev1] hi|"
#define BYE      "C:z LOGOUT|S:* BYE\nz OK"
#define BEFORE   (1u << FINDING_LOGIN_BEFORE_STLS)
#define DISABLED (1u << FINDING_LOGINDISABLED_OFFERED)
#define PREAUTH  (1u << FINDING_PREAUTH_IN_CLEAR)

static const struct talk talks[] = {
	/* Nothing of a user. */
	{ "S:* OK hi", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE,
	  0, 0, "OK" },
	{ "S:* BYE no", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE,
	  0, 0, "BYE" },
	{ HI "C:a ID NIL|S:* ID NIL\na OK|" BYE, WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* OK hi|C:a CAPABILITY|S:* CAPABILITY IMAP4rev1 LOGINDISABLED\na OK|" BYE, WHOLE,
	  TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE, DISABLED, 0,
	  NULL },
	{ "S:* PREAUTH hi|C:a NOOP|S:a OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, PREAUTH, 0, NULL },
	{ "C:a NOOP|S:* OK hi\na OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 1u << ODDITY_NO_GREETING, NULL },
	{ "S:* OK hi|C:a SELECT x|S:a NO no|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* OK hi|C:a ID NIL|S:* ID (\"name\" {3}\nxyz)\na OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE,
	  TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* OK hi|C:a STARTTLS|S:a OK [CAPABILITY IMAP4rev1] go", WHOLE, TRI_NULL, TRI_TRUE,
	  TRI_TRUE, VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, 0, NULL }, /* the list behind it */
	{ "S:<gap 9>|S:* PREAUTH hi|C:a NOOP|S:a OK", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, 0, 0, NULL }, /* or a line of a message */
	/* Words that look like a list and are none. */
	{ "S:* OK STARTTLS LOGINDISABLED [CAPABILITY STARTTLS] hi|" BYE, WHOLE, TRI_NULL, TRI_FALSE,
	  TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* OK [CAPABILITY IMAP4rev1]ready STARTTLS|" BYE, WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* OK [CAPABILITY XSTARTTLS AUTH=STARTTLS STARTTLSX] STARTTLS|" BYE, WHOLE, TRI_FALSE,
	  TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	/* Logins. */
	{ HI "C:a LOGIN u p|S:a OK|" BYE, WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, BEFORE, 0, "OK LOGIN OK LOGOUT OK" },
	{ HI_NO "C:a LOGIN u p|S:a NO|" BYE, WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 0, "OK LOGIN NO LOGOUT OK" },
	{ HI_NO "C:a LOGIN u {1}|S:a NO|" BYE, WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_REFUSED, 0, 0, NULL },
	{ HI_NO "C:a LOGIN {5}|S:+ go|C:alice|S:a BAD|" BYE, WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_REFUSED, 0, 0, NULL },
	{ HI_NO "C:a LOGIN {1}|S:+ go|C:u {1}|S:+ go|C:p|S:a OK|" BYE, WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 0, NULL },
	{ HI_NO "C:a AUTHENTICATE PLAIN|S:+|C:AGEAYg==|S:a OK|" BYE, WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 0,
	  "OK AUTHENTICATE + OK LOGOUT OK" },
	{ HI_NO "C:a AUTHENTICATE PLAIN|S:+|C:*|S:a BAD|" BYE, WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_REFUSED, 0, 0, NULL },
	{ HI_NO "C:a AUTHENTICATE PLAIN", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_UNKNOWN, 0, 0, "OK AUTHENTICATE" },
	{ HI_NO "C:a AUTHENTICATE X|S:a NO|C:b LOGIN u p|S:b OK", WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 0, NULL },
	{ "S:* OK hi|C:a LOGIN u p|S:a OK [CAPABILITY IDLE]|C:b CAPABILITY|S:* CAPABILITY "
	  "IDLE\nb OK",
	  WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 0,
	  NULL },
	{ "S:* OK hi|C:a LOGIN u p|S:a OK|C:b CAPABILITY|S:* CAPABILITY STARTTLS\nb OK", WHOLE,
	  TRI_TRUE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, BEFORE, 0, NULL },
	{ "S:* OK hi|C:a LOGIN u p|S:* CAPABILITY IDLE\na OK", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 0, NULL },
	/* Mailboxes. */
	{ "S:* PREAUTH hi|C:a SELECT x|S:* 3 EXISTS\na OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, PREAUTH, 0, NULL },
	{ "S:* OK hi|C:a FETCH 1 X|S:* 1 FETCH (X {6}\na OK\n)\na OK", WHOLE, TRI_NULL, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 0, 0, NULL },
	{ "S:* PREAUTH hi|C:a APPEND x {18+}\nb LOGIN alice pw\n|S:a OK", WHOLE, TRI_NULL,
	  TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, PREAUTH, 0, NULL },
	/* The upgrade, as far as it goes in clear. */
	{ HI "C:a STARTTLS|S:a OK", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE, VERDICT_TLS_FAILED,
	  EXPOSURE_NONE, 0, 0, "OK STARTTLS OK" },
	{ HI "C:a STARTTLS|S:* OK\nb OK\nA OK\na NO|" BYE, WHOLE, TRI_TRUE, TRI_TRUE, TRI_FALSE,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 1u << ODDITY_REPLY_MISMATCH, NULL },
	{ HI "C:a STARTTLS|S:a BAD|C:b STARTTLS|S:b OK", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE,
	  VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, 0, NULL },
	{ HI "C:a STARTTLS", WHOLE, TRI_TRUE, TRI_TRUE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, 0, 0, "OK STARTTLS" },
	{ HI_NO "C:a LOGIN u p|S:a NO|C:b STARTTLS|S:b BAD", WHOLE, TRI_FALSE, TRI_TRUE, TRI_FALSE,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, BEFORE, 0, NULL },
	{ HI "C:a STARTTLS|S:a OK|C:b LOGIN u p|S:b OK", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, BEFORE, 1u << ODDITY_CLEAR_AFTER_UPGRADE, NULL },
	{ HI "C:a XXXXXXXX|S:a BAD|" BYE, WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, "OK masked BAD LOGOUT OK" },
	{ "S:* OK hi|C:NO STARTTLS|S:NO NO NO|" BYE, WHOLE, TRI_NULL, TRI_TRUE, TRI_FALSE,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	/* Begun in the middle, or with holes. */
	{ "C:a LOGIN u p|S:a OK", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, 0, 0, NULL },
	{ "C:a LOGIN u p|S:b OK", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, 0, 1u << ODDITY_REPLY_MISMATCH, NULL },
	{ "S:* OK Still here|C:DONE|S:a OK|" BYE, MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, 0, 1u << ODDITY_UNSOLICITED_REPLY, NULL },
	{ "S:* OK hi|C:a CAPABILITY|S:* CAPABILITY X\na OK|" BYE, MID_STREAM, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* OK [CAPABILITY STARTTLS] hi|" BYE, MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, 0, 0, NULL },
	{ "C:a FETCH 1 FLAGS|S:* 1 FETCH (FLAGS ())\na OK", MID_STREAM, TRI_NULL, TRI_NULL,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 0, 0, NULL },
	{ "S:* 3 EXISTS\n)\na OK", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, 0, 1u << ODDITY_UNSOLICITED_REPLY, NULL },
	{ HI "C:<gap 10>|S:a OK|" BYE, WHOLE, TRI_TRUE, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, 0, 1u << ODDITY_UNSOLICITED_REPLY, NULL },
	{ "S:* OK hi|C:a CAPABILITY|S:* CAPABILITY IMAP4rev1~|S:<gap 9>|S: X\na OK|" BYE, WHOLE,
	  TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_INDETERMINATE, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* OK hi|C:a APPEND x {30+}\nSubject~|C:<gap 9>|C:b LOGIN u p~", WHOLE, TRI_NULL,
	  TRI_NULL, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 0, 0, NULL },
	/* One side. */
	{ "C:a LOGIN u p|C:b LOGOUT", CLIENT_ONLY, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, 0, 1u << ODDITY_NO_GREETING, NULL },
	{ "C:a LOGIN {1}|C:u {1}|C:p|C:b LOGOUT", CLIENT_ONLY, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_UNKNOWN, 0, 1u << ODDITY_NO_GREETING, NULL },
	{ "C:a AUTHENTICATE PLAIN|C:AGEAYg==|C:b LOGOUT", CLIENT_ONLY, TRI_NULL, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 1u << ODDITY_NO_GREETING, NULL },
	{ "S:* OK hi|S:* 3 EXISTS\nb OK", SERVER_ONLY, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 0, 0, NULL },
	{ "S:* OK hi|S:a OK|S:* 3 EXISTS|S:b OK", SERVER_ONLY, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 0, 0, NULL },
	{ "S:* OK hi|S:a OK|S:* 3 EXISTS", SERVER_ONLY, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* OK hi|S:+ go|S:a OK|S:* BYE\nb OK", SERVER_ONLY, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, 0, 0, NULL },
	{ "S:* PREAUTH hi", SERVER_ONLY, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, PREAUTH, 0, NULL },
};

static void talks_come_to_what_they_say(void **state)
{
	(void)state;
	dialogue_talks(PROTOCOL_IMAP, talks, sizeof(talks) / sizeof(talks[0]), check);
}

static void a_capability_may_be_blanked(void **state)
{
	static const struct {
		const char *word;
		bool masked;
	} words[] = {
		{ "XXXXXXXA", true },  { "XXXXXXXX", true },  { "XXXXXXX", false },
		{ "XFORWARD", false }, { "XXXXXXXB", false }, { "XXXXXXXXX", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct dialogue c;
		char line[100];

		dialogue_start(&c, PROTOCOL_IMAP, WHOLE);
		snprintf(line, sizeof(line), "* OK [CAPABILITY IMAP4rev1 %s] hi\r\n",
			 words[i].word);
		server(&c, line);
		assert_int_equal(c.f.masked, words[i].masked);
		assert_int_equal(c.f.s.offered, TRI_FALSE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_read_in_any_case),
		cmocka_unit_test(statuses_are_read),
		cmocka_unit_test(mailbox_data_is_known_by_name),
		cmocka_unit_test(numbers_are_digits),
		cmocka_unit_test(every_command_meets_every_answer),
		cmocka_unit_test(other_lines_answer_nothing),
		cmocka_unit_test(mailbox_data_is_content),
		cmocka_unit_test(answers_break_nothing_in_any_view),
		cmocka_unit_test(every_line_with_nothing_outstanding),
		cmocka_unit_test(after_preauth_a_mailbox_command_is_plaintext),
		cmocka_unit_test(every_command_meets_every_line),
		cmocka_unit_test(every_line_in_an_exchange_is_a_response),
		cmocka_unit_test(lines_break_nothing_in_any_view),
		cmocka_unit_test(a_line_behind_a_gap_proves_nothing_alone),
		cmocka_unit_test(a_line_between_gaps_is_not_answered),
		cmocka_unit_test(a_greeting_without_a_syn_is_not_behind_commands),
		cmocka_unit_test(a_mailbox_command_behind_a_gap_is_no_proof),
		cmocka_unit_test(a_login_behind_a_gap_counts_when_it_is_answered),
		cmocka_unit_test(a_refusal_behind_a_gap_is_not_all_there_was),
		cmocka_unit_test(a_literal_waits_for_the_server),
		cmocka_unit_test(a_literal_that_is_refused_never_comes),
		cmocka_unit_test(a_literal_that_is_not_waited_for_any_longer),
		cmocka_unit_test(what_is_no_literal),
		cmocka_unit_test(the_largest_literal_is_counted),
		cmocka_unit_test(bytes_of_a_literal_are_no_answer),
		cmocka_unit_test(an_upgrade_behind_a_gap_counts_when_it_is_granted),
		cmocka_unit_test(every_state_meets_a_gap),
		cmocka_unit_test(a_gap_inside_a_literal_is_counted),
		cmocka_unit_test(a_list_behind_a_gap_is_not_believed),
		cmocka_unit_test(a_list_in_an_answer_behind_a_gap_counts_for_what_it_has),
		cmocka_unit_test(a_gap_unsays_a_refusal),
		cmocka_unit_test(a_gap_of_the_server_ends_the_wait_for_a_literal),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(one_tag_for_all_is_answered_in_order),
		cmocka_unit_test(one_tag_for_all_is_nobodys_behind_a_gap),
		cmocka_unit_test(a_compressed_stream_is_not_read),
		cmocka_unit_test(tls_is_left_to_the_caller),
		cmocka_unit_test(lines_may_end_in_lf_alone),
		cmocka_unit_test(a_line_has_no_bound),
		cmocka_unit_test(talks_come_to_what_they_say),
		cmocka_unit_test(a_capability_may_be_blanked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
