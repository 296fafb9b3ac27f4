/* Tests the POP3 machine: its readers, every state with every event, and small conversations. */
#include "tests/dissectors/dialogue.h"

#include "tests/unit.h"

#include <string.h>

#include "dissectors/pop3.h"
#include "dissectors/pop3_words.h"

enum { NOTHING = POP3_COMMANDS }; /* nothing outstanding, or no list */

/* Readers ------------------------------------------------------------------------------------- */

static struct span span_of(const char *text)
{
	return (struct span){ (const uint8_t *)text, strlen(text) };
}

static void commands_are_read_with_their_arguments(void **state)
{
	static const struct {
		const char *line;
		enum pop3_command command;
		unsigned word;
		const char *args;
	} cases[] = {
		{ "CAPA", POP3_CAPA, WORD_CAPA, "" },
		{ "capa all", POP3_CAPA, WORD_CAPA, "all" },
		{ "STLS", POP3_STLS, WORD_STLS, "" },
		{ "Stls  ", POP3_STLS, WORD_STLS, "" },
		{ "USER alice", POP3_USER, WORD_USER, "alice" },
		{ "USER", POP3_OTHER, WORD_OTHER_COMMAND, "" },
		{ "USER  ", POP3_OTHER, WORD_OTHER_COMMAND, "" },
		{ "PASS a b c", POP3_PASS, WORD_PASS, "a b c" },
		{ "PASS", POP3_OTHER, WORD_OTHER_COMMAND, "" },
		{ "APOP a 0", POP3_APOP, WORD_APOP, "a 0" },
		{ "APOP", POP3_OTHER, WORD_OTHER_COMMAND, "" },
		{ "AUTH", POP3_AUTH_LIST, WORD_AUTH, "" },
		{ "auth ", POP3_AUTH_LIST, WORD_AUTH, "" },
		{ "AUTH PLAIN", POP3_AUTH, WORD_AUTH, "PLAIN" },
		{ "AUTH\tPLAIN =", POP3_AUTH, WORD_AUTH, "PLAIN =" },
		{ "RETR 1", POP3_RETR, WORD_RETR, "1" },
		{ "TOP 1 0", POP3_RETR, WORD_TOP, "1 0" },
		{ "RETR", POP3_OTHER, WORD_OTHER_COMMAND, "" },
		{ "LIST", POP3_LIST_ALL, WORD_OTHER_COMMAND, "" },
		{ "UIDL", POP3_LIST_ALL, WORD_OTHER_COMMAND, "" },
		{ "LANG", POP3_LIST_ALL, WORD_OTHER_COMMAND, "" },
		{ "LIST 1", POP3_SIGNED_IN, WORD_OTHER_COMMAND, "1" },
		{ "UIDL 1", POP3_SIGNED_IN, WORD_OTHER_COMMAND, "1" },
		{ "LANG fr", POP3_OTHER, WORD_OTHER_COMMAND, "fr" },
		{ "STAT", POP3_SIGNED_IN, WORD_OTHER_COMMAND, "" },
		{ "DELE 1", POP3_SIGNED_IN, WORD_OTHER_COMMAND, "1" },
		{ "QUIT", POP3_QUIT, WORD_QUIT, "" },
		{ "NOOP", POP3_SIGNED_IN, WORD_OTHER_COMMAND, "" },
		{ "RSET", POP3_SIGNED_IN, WORD_OTHER_COMMAND, "" },
		{ "RSET now", POP3_OTHER, WORD_OTHER_COMMAND, "now" },
		{ "UTF8", POP3_OTHER, WORD_OTHER_COMMAND, "" },
		{ "STLSX", POP3_OTHER, WORD_OTHER_COMMAND, "" },
		{ "XXXX", POP3_OTHER, WORD_OTHER_COMMAND, "" },
		{ "", POP3_OTHER, WORD_OTHER_COMMAND, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span args;
		unsigned word = 0;

		assert_int_equal(pop3_read_command(span_of(cases[i].line), &args, &word),
				 cases[i].command);
		assert_int_equal(word, cases[i].word);
		assert_int_equal(args.len, strlen(cases[i].args));
		assert_memory_equal(args.at, cases[i].args, args.len);
	}
}

static void a_status_is_a_word(void **state)
{
	static const struct {
		const char *line;
		enum pop3_status status;
	} cases[] = {
		{ "+OK", POP3_OK },
		{ "+OK hello", POP3_OK },
		{ "+ok", POP3_OK },
		{ "+OK\thello", POP3_OK },
		{ "-ERR", POP3_ERR },
		{ "-ERR [AUTH] no", POP3_ERR },
		{ "+", POP3_CONTINUE },
		{ "+ ", POP3_CONTINUE },
		{ "+ PDEyMz4=", POP3_CONTINUE },
		{ "+OKAY", POP3_NO_STATUS },
		{ "-ERROR", POP3_NO_STATUS },
		{ "-", POP3_NO_STATUS },
		{ " +OK", POP3_NO_STATUS },
		{ "220 mx", POP3_NO_STATUS },
		{ "* OK", POP3_NO_STATUS },
		{ "", POP3_NO_STATUS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(pop3_read_status(span_of(cases[i].line)), cases[i].status);
}

static void lists_are_told_from_lines(void **state)
{
	(void)state;
	for (unsigned c = 0; c <= POP3_COMMANDS; c++) {
		bool list = c == POP3_CAPA || c == POP3_AUTH_LIST || c == POP3_LIST_ALL ||
			    c == POP3_RETR;

		assert_int_equal(pop3_is_multiline((enum pop3_command)c), list);
	}
}

static void a_greeting_names_the_protocol_or_the_time(void **state)
{
	static const struct {
		const char *line;
		bool greeting;
	} cases[] = {
		{ "+OK POP3 server ready", true },
		{ "+OK pop.example ready", true },
		{ "+OK <1896.697170952@x>", true },
		{ "+OK ready", false },
		{ "+OK < 5", false },
		{ "+OK > 5 <", false },
		{ "+OK PO", false },
		{ "+OK", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(pop3_is_greeting_text(span_of(cases[i].line)), cases[i].greeting);
}

/* States -------------------------------------------------------------------------------------- */

static bool is_login(unsigned command)
{
	return command == POP3_USER || command == POP3_PASS || command == POP3_APOP ||
	       command == POP3_AUTH || command == POP3_AUTH_DATA;
}

/* A conversation in step with this command outstanding, or in the lines behind a +OK to it. */
static void place(struct dialogue *c, unsigned outstanding, unsigned list)
{
	dialogue_start(c, PROTOCOL_POP3, WHOLE);
	c->f.greeted = true;
	c->f.offset[CLIENT] = c->f.offset[SERVER] = 1000;
	c->s.pop3.spoken = true;
	c->s.pop3.multi_of = POP3_COMMANDS;
	if (list != NOTHING) {
		c->s.pop3.multiline = true;
		c->s.pop3.multi_of = (uint8_t)list;
	}
	if (outstanding == NOTHING)
		return;
	assert_true(pending_push(&c->s.pop3.queue, outstanding));
	if (is_login(outstanding)) {
		c->f.plain = true;
		c->f.plain_reason = REASON_AUTH_IN_CLEAR;
		c->f.s.auth_clear = TRI_TRUE;
	}
	if (outstanding == POP3_STLS) {
		c->f.answer_pending = true;
		c->f.s.requested = TRI_TRUE;
		c->f.upgrade = UPG_ASKED;
	}
}

/* A line of the server; its answer is drawn when it is one. */
static bool server(struct dialogue *c, const char *line)
{
	size_t n = strlen(line);
	bool ready;

	c->f.offset[SERVER] += n;
	assert_int_equal(pop3_server(&c->s.pop3, &c->f, (const uint8_t *)line, n), n);
	ready = c->s.pop3.answer_ready;
	if (ready)
		pop3_answer(&c->s.pop3, &c->f);
	assert_false(c->s.pop3.answer_ready);
	return ready;
}

/* Bytes that may not be taken: returns how many were. */
static size_t client(struct dialogue *c, const char *text)
{
	return dialogue_say(c, CLIENT, text);
}

static unsigned newest(const struct dialogue *c)
{
	unsigned command = pending_newest(&c->s.pop3.queue);

	return command == PENDING_NONE ? NOTHING : command;
}

static void check(const struct dialogue *c, const struct facts *before)
{
	const struct pop3 *s = &c->s.pop3;
	struct session out;

	assert_true(s->queue.runs <= PENDING_RUNS && s->queue.head < PENDING_RUNS);
	assert_true(s->queue.stale <= s->queue.runs);
	assert_true(s->multi_of <= POP3_COMMANDS);
	for (unsigned i = 0; i < SIDES; i++) /* no line that was read is kept */
		assert_true(linebuf_partial(&s->line[i]) || s->line[i].dirty == 0);
	assert_int_equal(c->f.s.messages, 0);
	facts_verdict(&c->f, ENDING_CLOSED, &out);
	assert_int_equal(out.messages, MESSAGES_NULL);
	dialogue_check(c, before);
}

/* Every command with every answer ------------------------------------------------------------- */

static const char *const statuses[] = { "+OK x\r\n", "-ERR x\r\n", "+ x\r\n" };

/* What an answer does to the command that awaits one:
 *   -  it is not its answer: the command stays, and nothing follows
 *   .  it is, and that is all          L  lines follow
 *   C  a name has crossed              r  nothing was accepted
 *   G  TLS is granted                  R  TLS is refused
 *   D  the client's next line is of the exchange */
static const struct {
	unsigned command;
	const char *does;
} answers[] = {
	{ POP3_OTHER, "..-" },    { POP3_CAPA, "L.-" },      { POP3_STLS, "GR-" },
	{ POP3_USER, "Cr-" },     { POP3_PASS, ".r-" },      { POP3_APOP, ".r-" },
	{ POP3_AUTH, ".rD" },     { POP3_AUTH_DATA, ".rD" }, { POP3_AUTH_LIST, "L.-" },
	{ POP3_LIST_ALL, "L.-" }, { POP3_RETR, "L.-" },      { POP3_SIGNED_IN, "..-" },
	{ POP3_QUIT, "..-" },     { NOTHING, "---" },
};

static void check_answer(const struct dialogue *c, unsigned command, char does)
{
	unsigned mismatch =
		1u << (command == NOTHING ? ODDITY_UNSOLICITED_REPLY : ODDITY_REPLY_MISMATCH);

	assert_int_equal(c->s.pop3.queue.runs, does == '-' && command != NOTHING);
	assert_int_equal(c->f.s.oddities, does == '-' ? mismatch : 0);
	assert_int_equal(c->f.plain, is_login(command));
	assert_int_equal(c->s.pop3.multiline, does == 'L');
	if (does == 'L')
		assert_int_equal(c->s.pop3.multi_of, command);
	assert_int_equal(c->s.pop3.auth_dialogue, does == 'D');
	assert_int_equal(c->f.granted, does == 'G');
	assert_int_equal(c->f.starttls_refused, does == 'R');
	if (does == 'G' || does == 'R')
		assert_int_equal(c->f.s.accepted, does == 'G' ? TRI_TRUE : TRI_FALSE);
	assert_int_equal(c->f.answer_pending, command == POP3_STLS && does == '-');
	assert_int_equal(c->f.s.exposure, does == 'C'   ? EXPOSURE_CREDENTIALS
					  : does == 'r' ? EXPOSURE_REFUSED
							: EXPOSURE_NONE);
	assert_int_equal(c->f.s.offered, TRI_NULL);
}

static void every_command_meets_every_answer(void **state)
{
	(void)state;
	assert_int_equal(sizeof(answers) / sizeof(answers[0]), POP3_COMMANDS + 1);
	for (unsigned command = 0; command <= NOTHING; command++) {
		assert_int_equal(answers[command].command, command);
		for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
			struct dialogue c;
			struct facts before;

			place(&c, command, NOTHING);
			before = c.f;
			assert_true(server(&c, statuses[i]));
			check(&c, &before);
			check_answer(&c, command, answers[command].does[i]);
		}
	}
}

/* What crossed weighs as much whatever the server says of it. */
static void a_wrong_password_is_a_password(void **state)
{
	(void)state;
	for (unsigned command = 0; command < POP3_COMMANDS; command++) {
		for (size_t i = 0; is_login(command) && i < 2; i++) {
			struct dialogue c;

			place(&c, command, NOTHING);
			c.s.pop3.credentials = true;
			server(&c, statuses[i]);
			assert_int_equal(c.f.s.exposure, EXPOSURE_CREDENTIALS);
			assert_true(c.f.exposed_answered);
		}
	}
}

static void answers_break_nothing_in_any_view(void **state)
{
	static const char *const answered[] = { "+OK POP3\r\n", "+OK\r\n",  "-ERR\r\n", "+\r\n",
						"STLS\r\n",     "XXXX\r\n", ".\r\n",    "\r\n" };

	(void)state;
	for (unsigned view = 0; view < 256; view++) {
		for (unsigned command = 0; command <= NOTHING; command++) {
			for (unsigned i = 0; i < 64; i++) {
				struct dialogue c;
				struct facts before;

				place(&c, command, view & 1 ? (view + i) % (NOTHING + 1) : NOTHING);
				c.f.visible[CLIENT] = view & 2;
				c.f.syn_seen = view & 4;
				c.s.pop3.lost[CLIENT] = view & 8;
				c.s.pop3.lost[SERVER] = view & 16;
				c.s.pop3.queue.stale = view & 32 ? c.s.pop3.queue.runs : 0;
				c.f.greeted = view & 64;
				c.s.pop3.spoken = view & 64;
				c.s.pop3.multi_torn = view & 128;
				before = c.f;
				server(&c, answered[i % 8]);
				check(&c, &before);
				before = c.f;
				server(&c, answered[i / 8]);
				check(&c, &before);
			}
		}
	}
}

/* Every command with every line --------------------------------------------------------------- */

static const struct {
	const char *text;
	unsigned pushes; /* with nothing outstanding; NOTHING: nothing */
	bool known;      /* one of POP3's words */
	bool alone;      /* a single word */
	bool proves;     /* plaintext */
	enum exposure exposure;
} lines[] = {
	{ "CAPA\r\n", POP3_CAPA, true, true, false, EXPOSURE_NONE },
	{ "STLS\r\n", POP3_STLS, true, true, false, EXPOSURE_NONE },
	{ "stls\n", POP3_STLS, true, true, false, EXPOSURE_NONE },
	{ "USER alice\r\n", POP3_USER, true, false, true, EXPOSURE_NONE },
	{ "USER\r\n", POP3_OTHER, false, true, false, EXPOSURE_NONE },
	{ "PASS secret\r\n", POP3_PASS, true, false, true, EXPOSURE_CREDENTIALS },
	{ "APOP alice 0\r\n", POP3_APOP, true, false, true, EXPOSURE_CREDENTIALS },
	{ "AUTH\r\n", POP3_AUTH_LIST, true, true, false, EXPOSURE_NONE },
	{ "AUTH PLAIN\r\n", POP3_AUTH, true, false, true, EXPOSURE_NONE },
	{ "AUTH PLAIN =\r\n", POP3_AUTH, true, false, true, EXPOSURE_NONE },
	{ "AUTH PLAIN AGEAYg==\r\n", POP3_AUTH, true, false, true, EXPOSURE_CREDENTIALS },
	{ "LIST\r\n", POP3_LIST_ALL, true, true, false, EXPOSURE_NONE },
	{ "LIST 1\r\n", POP3_SIGNED_IN, true, false, false, EXPOSURE_NONE },
	{ "STAT\r\n", POP3_SIGNED_IN, true, true, false, EXPOSURE_NONE },
	{ "RETR 1\r\n", POP3_RETR, true, false, false, EXPOSURE_NONE },
	{ "TOP 1 0\r\n", POP3_RETR, true, false, false, EXPOSURE_NONE },
	{ "QUIT\r\n", POP3_QUIT, true, true, false, EXPOSURE_NONE },
	{ "NOOP\r\n", POP3_SIGNED_IN, true, true, false, EXPOSURE_NONE },
	{ "UTF8\r\n", POP3_OTHER, false, true, false, EXPOSURE_NONE },
	{ "XCLIENT ADDR=1\r\n", POP3_OTHER, false, false, false, EXPOSURE_NONE },
	{ "AGEAYg==\r\n", POP3_OTHER, false, true, false, EXPOSURE_NONE },
	{ "*\r\n", POP3_OTHER, false, true, false, EXPOSURE_NONE },
	{ "XXXX\r\n", POP3_OTHER, false, true, false, EXPOSURE_NONE },
	{ "\r\n", NOTHING, false, true, false, EXPOSURE_NONE },
};

static const size_t n_lines = sizeof(lines) / sizeof(lines[0]);

/* What becomes the newest outstanding command. */
static unsigned pushed(size_t line, unsigned outstanding, bool dialogue)
{
	if (dialogue)
		return lines[line].pushes == POP3_QUIT ? POP3_QUIT : POP3_AUTH_DATA;
	if (lines[line].pushes == NOTHING)
		return outstanding;
	if (outstanding == POP3_AUTH && strchr(lines[line].text, '='))
		return lines[line].alone ? POP3_AUTH_DATA : lines[line].pushes;
	return lines[line].pushes;
}

static enum exposure exposed(size_t line, unsigned now)
{
	const char *text = lines[line].text;

	if (now != POP3_AUTH_DATA || lines[line].pushes == POP3_AUTH_DATA)
		return lines[line].exposure;
	return *text == '*' || *text == '\r' ? EXPOSURE_NONE : EXPOSURE_CREDENTIALS;
}

static void one_command_line(size_t line, unsigned outstanding, bool dialogue)
{
	struct dialogue c;
	struct facts before;
	unsigned now = pushed(line, outstanding, dialogue);
	bool nothing = !dialogue && lines[line].pushes == NOTHING;
	bool as_command = now == lines[line].pushes;
	bool waits = outstanding == POP3_STLS;

	place(&c, outstanding, NOTHING);
	c.s.pop3.auth_dialogue = dialogue;
	before = c.f;
	assert_int_equal(pop3_waits(&c.s.pop3, &c.f), waits);
	assert_int_equal(client(&c, lines[line].text), waits ? 0 : strlen(lines[line].text));
	check(&c, &before);
	if (waits) {
		assert_int_equal(newest(&c), POP3_STLS);
		return;
	}
	assert_int_equal(newest(&c), now);
	assert_int_equal(c.s.pop3.queue.runs,
			 (outstanding != NOTHING) + (!nothing && now != outstanding));
	assert_int_equal(c.f.plain, before.plain || (as_command && lines[line].proves));
	assert_int_equal(c.f.s.exposure, nothing ? EXPOSURE_NONE : exposed(line, now));
	assert_int_equal(c.f.s.requested == TRI_TRUE, now == POP3_STLS);
	assert_int_equal(c.f.quit, now == POP3_QUIT && !nothing);
}

static void every_command_meets_every_line(void **state)
{
	(void)state;
	for (unsigned command = 0; command <= NOTHING; command++) {
		for (size_t i = 0; i < n_lines; i++)
			one_command_line(i, command, false);
	}
	for (size_t i = 0; i < n_lines; i++)
		one_command_line(i, POP3_AUTH, true);
}

static void lines_break_nothing_in_any_view(void **state)
{
	(void)state;
	for (unsigned view = 0; view < 256; view++) {
		for (unsigned command = 0; command <= NOTHING; command++) {
			for (size_t i = 0; i < n_lines; i++) {
				struct dialogue c;
				struct facts before;

				place(&c, command, view & 1 ? POP3_RETR : NOTHING);
				c.s.pop3.multi_torn = view & 1 && view & 2;
				c.f.visible[SERVER] = view & 2;
				c.f.syn_seen = view & 4;
				c.s.pop3.lost[CLIENT] = view & 8;
				c.s.pop3.lost[SERVER] = view & 16;
				c.s.pop3.queue.stale = view & 32 ? c.s.pop3.queue.runs : 0;
				c.s.pop3.auth_dialogue = view & 64;
				c.f.plain |= c.s.pop3.auth_dialogue;
				c.f.perhaps_greeted = view & 128;
				c.f.greeted = !c.f.perhaps_greeted;
				before = c.f;
				client(&c, lines[i].text);
				check(&c, &before);
			}
		}
	}
}

/* Behind a gap in its own stream, a line of the client may be half of one. */
static void a_line_behind_a_gap_proves_nothing_alone(void **state)
{
	(void)state;
	for (unsigned command = 0; command <= NOTHING; command++) {
		for (size_t i = 0; i < n_lines; i++) {
			struct dialogue c;
			bool before;

			place(&c, command, NOTHING);
			before = c.f.plain;
			pop3_gap(&c.s.pop3, &c.f, CLIENT, 100);
			client(&c, lines[i].text);
			assert_int_equal(c.f.plain, before);
			assert_int_equal(c.f.s.exposure, EXPOSURE_NONE);
			assert_true(command == POP3_STLS || c.f.s.requested == TRI_NULL);
		}
	}
}

/* ... and with its answer it does. */
static void a_line_behind_a_gap_proves_with_its_answer(void **state)
{
	static const struct {
		const char *line, *answer;
		bool plain;
		enum exposure exposure;
	} cases[] = {
		{ "PASS secret\r\n", "+OK\r\n", true, EXPOSURE_CREDENTIALS },
		{ "PASS secret\r\n", "-ERR\r\n", false, EXPOSURE_NONE },
		{ "AUTH PLAIN AGEAYg==\r\n", "+OK\r\n", true, EXPOSURE_CREDENTIALS },
		{ "APOP alice 0\r\n", "+OK\r\n", true, EXPOSURE_CREDENTIALS },
		{ "RETR 1\r\n", "+OK\r\n", false, EXPOSURE_NONE },
		{ "RETR 1\r\n", "-ERR\r\n", false, EXPOSURE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dialogue c;

		place(&c, NOTHING, NOTHING);
		pop3_gap(&c.s.pop3, &c.f, CLIENT, 100);
		client(&c, cases[i].line);
		server(&c, cases[i].answer);
		assert_int_equal(c.f.plain, cases[i].plain);
		assert_int_equal(c.f.s.exposure, cases[i].exposure);
	}
}

/* Every list with every line ------------------------------------------------------------------ */

static enum tri offered_by(unsigned list, bool stls, bool end)
{
	if (list != POP3_CAPA || (!stls && !end))
		return TRI_NULL;
	return stls ? TRI_TRUE : TRI_FALSE;
}

/* In the lines behind a +OK nothing but the lone dot says that they are over. */
static void every_list_meets_every_line(void **state)
{
	static const char *const in_list[] = { "+ x\r\n",  "+OKAY\r\n", "..\r\n",
					       ". \t\r\n", ". x\r\n",   "\r\n",
					       "STLS\r\n", ".\r\n",     ".\n" };
	const size_t n = sizeof(in_list) / sizeof(in_list[0]);

	(void)state;
	for (unsigned list = 0; list < POP3_COMMANDS; list++) {
		for (size_t i = 0; pop3_is_multiline((enum pop3_command)list) && i < n; i++) {
			bool end = i >= n - 2, body = list == POP3_RETR && !end;
			struct dialogue c;
			struct facts before;

			place(&c, NOTHING, list);
			before = c.f;
			assert_false(server(&c, in_list[i]));
			check(&c, &before);
			assert_int_equal(c.s.pop3.multiline, !end);
			assert_int_equal(c.f.plain, body);
			assert_int_equal(c.f.s.exposure, body ? EXPOSURE_CONTENT : EXPOSURE_NONE);
			assert_int_equal(c.f.s.offered, offered_by(list, i == n - 3, end));
		}
	}
}

/* A message may say anything; a list that is followed by an answer had its dot forgotten. */
static void only_a_message_looks_like_answers(void **state)
{
	(void)state;
	for (unsigned list = 0; list < POP3_COMMANDS; list++) {
		for (size_t i = 0; pop3_is_multiline((enum pop3_command)list) && i < 2; i++) {
			bool body = list == POP3_RETR;
			struct dialogue c;

			place(&c, POP3_STLS, list);
			assert_int_equal(server(&c, statuses[i]), !body);
			assert_int_equal(c.s.pop3.multiline, body);
			assert_int_equal(c.f.answer_pending, body);
			assert_int_equal(c.f.plain, body);
			assert_int_equal(c.f.s.offered, TRI_NULL);
		}
	}
}

static void a_list_after_the_login_offers_nothing(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NOTHING, POP3_CAPA);
	c.s.pop3.signed_in = true;
	server(&c, "TOP\r\n");
	server(&c, ".\r\n");
	assert_int_equal(c.f.s.offered, TRI_NULL);
}

static void a_capability_may_be_blanked(void **state)
{
	static const struct {
		const char *line;
		bool masked;
	} words[] = {
		{ "XXXX\r\n", true },  { "xxxx\r\n", true },   { "XXXA\r\n", true },
		{ "XXX\r\n", false },  { "XXXXX\r\n", false }, { "XSTL\r\n", false },
		{ "XXXB\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct dialogue c;

		place(&c, NOTHING, POP3_CAPA);
		server(&c, words[i].line);
		assert_int_equal(c.f.masked, words[i].masked);
		server(&c, ".\r\n");
		assert_int_equal(c.f.s.offered, TRI_FALSE);
		place(&c, NOTHING, POP3_RETR);
		server(&c, words[i].line);
		assert_false(c.f.masked);
	}
}

/* Greetings ----------------------------------------------------------------------------------- */

/* Without a SYN a +OK may be anything. It was the greeting if the client's next command is one that
 * begins a session, and then nothing that counts went before. */
static void a_greeting_without_a_syn_shows_in_the_next_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_lines; i++) {
		unsigned c = lines[i].pushes;
		bool first = c == POP3_CAPA || c == POP3_STLS || c == POP3_USER || c == POP3_APOP ||
			     c == POP3_AUTH || c == POP3_AUTH_LIST;
		struct dialogue conversation, *k = &conversation;

		dialogue_start(k, PROTOCOL_POP3, MID_STREAM);
		assert_true(server(k, "+OK POP3 ready\r\n"));
		assert_true(k->f.perhaps_greeted);
		assert_false(k->f.greeted);
		client(k, lines[i].text);
		assert_int_equal(k->f.greeted, first);
		assert_int_equal(k->f.perhaps_greeted, c == NOTHING || c == POP3_OTHER);
		assert_int_equal(k->s.pop3.lost[CLIENT], !first);
		assert_int_equal(k->s.pop3.lost[SERVER], !first);
		assert_int_equal(k->f.plain, first && lines[i].proves);
	}
}

static void a_greeting_without_a_syn_is_not_behind_commands(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_POP3, MID_STREAM);
	server(&c, "+OK POP3 ready\r\n");
	server(&c, "+OK\r\n");
	client(&c, "STLS\r\n");
	assert_false(c.f.greeted);
	assert_int_equal(c.f.s.requested, TRI_NULL);
}

static void a_greeting_heals_no_gap(void **state)
{
	(void)state;
	for (unsigned from = 0; from < SIDES; from++) {
		struct dialogue c;

		dialogue_start(&c, PROTOCOL_POP3, WHOLE);
		pop3_gap(&c.s.pop3, &c.f, (enum side)from, 10);
		server(&c, "+OK POP3 ready\r\n");
		assert_true(c.s.pop3.lost[from]);
		assert_false(c.s.pop3.lost[other_side((enum side)from)]);
	}
}

/* Only what is said behind the greeting, in POP3's own words, makes it sure. */
static void the_protocol_is_sure_with_its_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_lines; i++) {
		for (unsigned greeted = 0; greeted < 2; greeted++) {
			bool word = lines[i].known && lines[i].pushes != POP3_QUIT;
			struct dialogue c;

			place(&c, NOTHING, NOTHING);
			c.f.greeted = greeted;
			client(&c, lines[i].text);
			assert_int_equal(c.f.protocol_sure, greeted && word);
			if (!greeted || lines[i].pushes == NOTHING)
				continue;
			c.f.protocol_sure = false;
			server(&c, "+OK\r\n");
			assert_int_equal(c.f.protocol_sure, word);
			c.f.protocol_sure = true;
			client(&c, "NOOP\r\n");
			assert_true(c.f.protocol_sure);
		}
	}
}

/* Steps of an exchange ------------------------------------------------------------------------ */

static void a_challenge_is_answered_once(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, POP3_AUTH, NOTHING);
	server(&c, "+\r\n");
	client(&c, "STLS\r\n");
	assert_int_equal(newest(&c), POP3_AUTH_DATA);
	client(&c, "STLS\r\n");
	assert_int_equal(newest(&c), POP3_STLS);
}

/* The line that a challenge waits for may have been in the gap. */
static void a_client_gap_ends_an_exchange(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, POP3_AUTH, NOTHING);
	server(&c, "+\r\n");
	assert_true(c.s.pop3.auth_dialogue);
	pop3_gap(&c.s.pop3, &c.f, CLIENT, 3);
	client(&c, "CAPA\r\n");
	assert_int_equal(newest(&c), POP3_CAPA);
	assert_false(c.s.pop3.credentials);
}

/* Without the server's part of an exchange a lone word may be a secret or a command. */
static void a_lone_word_behind_auth_is_neither_claimed(void **state)
{
	static const struct {
		const char *line;
		unsigned newest;
		bool unsure;
	} cases[] = {
		{ "STLS\r\n", POP3_AUTH, true },           { "CAPA\r\n", POP3_AUTH, false },
		{ "QUIT\r\n", POP3_QUIT, false },          { "LIST 1\r\n", POP3_SIGNED_IN, false },
		{ "AGEAYg==\r\n", POP3_AUTH_DATA, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned stale = 0; stale < 2; stale++) {
			struct dialogue c;

			place(&c, POP3_AUTH, NOTHING);
			c.f.visible[SERVER] = stale;
			c.s.pop3.queue.stale = (uint8_t)stale;
			client(&c, cases[i].line);
			assert_int_equal(newest(&c), cases[i].newest);
			assert_int_equal(c.f.request_unsure, cases[i].unsure);
			assert_int_equal(c.f.s.requested, TRI_NULL);
		}
	}
}

/* Behind a login another list of capabilities holds. */
static void a_yes_to_a_login_signs_in(void **state)
{
	(void)state;
	for (unsigned command = 0; command < POP3_COMMANDS; command++) {
		for (unsigned no = 0; no < 2; no++) {
			bool in = is_login(command) && command != POP3_USER && !no;
			struct dialogue c;

			place(&c, command, NOTHING);
			server(&c, statuses[no]);
			assert_int_equal(c.s.pop3.signed_in, in);
			assert_int_equal(c.f.list_final, in);
		}
	}
}

/* A server that began with something else is none of POP3, whatever it says next. */
static void a_greeting_comes_first(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_POP3, WHOLE);
	assert_false(server(&c, "220 mx\r\n"));
	assert_true(c.f.strange_answer);
	assert_true(server(&c, "+OK POP3\r\n"));
	assert_false(c.f.greeted);
}

/* What crossed with one login weighs nothing in the next. */
static void each_login_has_its_own_weight(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NOTHING, NOTHING);
	pop3_gap(&c.s.pop3, &c.f, CLIENT, 10);
	client(&c, "AUTH PLAIN AGEAYg==\r\n");
	server(&c, "-ERR\r\n");
	client(&c, "AUTH EXTERNAL\r\n");
	server(&c, "+OK\r\n");
	assert_true(c.f.plain);
	assert_int_equal(c.f.s.exposure, EXPOSURE_NONE);
}

static void a_blanked_command_is_told(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NOTHING, NOTHING);
	client(&c, "XXXX\r\n");
	assert_true(c.f.request_masked);
	assert_int_equal(c.f.s.evidence[0], WORD_MASKED);
	assert_int_equal(c.f.s.requested, TRI_NULL);
	place(&c, NOTHING, NOTHING);
	client(&c, "NOOP\r\n");
	assert_false(c.f.request_masked);
}

static void clear_text_of_either_side_breaks_the_upgrade(void **state)
{
	(void)state;
	for (unsigned from = 0; from < SIDES; from++) {
		struct dialogue c;

		place(&c, POP3_STLS, NOTHING);
		server(&c, "+OK\r\n");
		assert_true(c.f.granted);
		assert_false(c.f.upgrade_broken);
		if (from == CLIENT)
			client(&c, "NOOP\r\n");
		else
			server(&c, "+OK\r\n");
		assert_true(c.f.upgrade_broken);
		assert_int_equal(c.f.s.oddities & 1u << ODDITY_CLEAR_AFTER_UPGRADE,
				 1u << ODDITY_CLEAR_AFTER_UPGRADE);
	}
}

/* Gaps ---------------------------------------------------------------------------------------- */

static void every_state_meets_a_gap(void **state)
{
	(void)state;
	for (unsigned from = 0; from < SIDES; from++) {
		for (unsigned command = 0; command <= NOTHING; command++) {
			for (unsigned list = 0; list <= NOTHING; list++) {
				bool body = from == CLIENT && list == POP3_RETR;
				struct dialogue c;
				struct facts before;

				place(&c, command, list);
				before = c.f;
				pop3_gap(&c.s.pop3, &c.f, (enum side)from, 100);
				check(&c, &before);
				assert_true(c.f.clear_gap[from]);
				assert_true(c.s.pop3.lost[from]);
				assert_int_equal(c.f.plain, before.plain);
				assert_int_equal(c.s.pop3.multiline, list != NOTHING);
				server(&c, "+OK\r\n"); /* whose answer it is nobody knows */
				assert_int_equal(c.f.s.exposure,
						 body ? EXPOSURE_CONTENT : EXPOSURE_NONE);
				assert_int_equal(c.f.s.accepted, TRI_NULL);
			}
		}
	}
}

/* Half a line on either side of a gap makes no whole one. */
static void a_gap_ends_the_line(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NOTHING, NOTHING);
	client(&c, "US");
	pop3_gap(&c.s.pop3, &c.f, CLIENT, 10);
	assert_true(pop3_at_line_start(&c.s.pop3, CLIENT));
	client(&c, "ER alice\r\n");
	assert_int_equal(newest(&c), NOTHING); /* the rest of something */
	place(&c, POP3_STLS, NOTHING);
	server(&c, "+");
	pop3_gap(&c.s.pop3, &c.f, SERVER, 10);
	assert_false(server(&c, "OK\r\n"));
	assert_int_equal(c.f.s.oddities, 0);
}

/* The answer that was lost with the bytes may be the one that comes now. */
static void an_answer_behind_a_gap_belongs_to_a_command_behind_it(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, POP3_USER, NOTHING);
	pop3_gap(&c.s.pop3, &c.f, SERVER, 10);
	server(&c, "+OK\r\n");
	assert_int_equal(c.f.s.exposure, EXPOSURE_NONE);
	client(&c, "STLS\r\n");
	assert_int_equal(c.s.pop3.queue.runs, 1);
	server(&c, "+OK\r\n");
	assert_int_equal(c.f.s.accepted, TRI_TRUE);
}

/* A refusal before the gap may have been followed by another attempt in it. */
static void a_gap_unsays_a_refusal(void **state)
{
	(void)state;
	for (unsigned from = 0; from < SIDES; from++) {
		struct dialogue c;

		place(&c, POP3_STLS, NOTHING);
		server(&c, "-ERR\r\n");
		assert_int_equal(c.f.s.accepted, TRI_FALSE);
		pop3_gap(&c.s.pop3, &c.f, (enum side)from, 10);
		assert_int_equal(c.f.s.accepted, TRI_NULL);
	}
}

/* The dot may have been in the gap: a client that goes on had it. */
static void a_torn_list_ends_with_the_next_command(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NOTHING, POP3_RETR);
	pop3_gap(&c.s.pop3, &c.f, SERVER, 10);
	server(&c, "rest\r\n");
	assert_false(c.f.plain);
	assert_true(c.s.pop3.multiline);
	assert_true(pop3_at_line_start(&c.s.pop3, SERVER)); /* where TLS may begin */
	client(&c, "QUIT\r\n");
	assert_false(c.s.pop3.multiline);
	assert_true(server(&c, "+OK\r\n"));
	assert_int_equal(newest(&c), NOTHING);
	client(&c, "RETR 1\r\n"); /* this one is whole */
	server(&c, "+OK\r\n");
	assert_false(pop3_at_line_start(&c.s.pop3, SERVER));
	server(&c, "text\r\n");
	assert_true(c.f.plain);
}

/* The queue ----------------------------------------------------------------------------------- */

static void the_queue_is_bounded(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_POP3, WHOLE);
	for (unsigned i = 0; i < 5 * PENDING_RUNS; i++) {
		struct facts before = c.f;
		bool full = i >= PENDING_RUNS;

		client(&c, i % 2 ? "UTF8\r\n" : "STAT\r\n");
		check(&c, &before);
		assert_int_equal(c.s.pop3.queue.runs, full ? PENDING_RUNS : i + 1);
		assert_int_equal(c.f.s.oddities >> ODDITY_TOO_MANY_COMMANDS & 1, full);
		assert_int_equal(c.s.pop3.lost[SERVER], full);
	}
}

/* A mailbox of any size is fetched in one breath. */
static void runs_of_one_command_take_one_place(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NOTHING, NOTHING);
	for (unsigned i = 0; i < UINT16_MAX + 10u; i++)
		client(&c, "RETR 1\r\n");
	assert_int_equal(c.s.pop3.queue.runs, 2);
	for (unsigned i = 0; i < UINT16_MAX + 10u; i++) {
		assert_true(server(&c, "+OK\r\n"));
		assert_false(server(&c, ".\r\n"));
	}
	assert_int_equal(newest(&c), NOTHING);
	assert_int_equal(c.f.s.oddities, 0);
	assert_false(c.f.plain); /* not a byte in any of them */
}

/* Conversations ------------------------------------------------------------------------------- */

#define HI      "S:+OK POP3|"
#define OFFER   HI "C:CAPA|S:+OK\nTOP\nSTLS\n.|"
#define NONE    HI "C:CAPA|S:+OK\nTOP\n.|"
#define LOGIN   "C:USER a|S:+OK|C:PASS b|S:+OK|"
#define MESSAGE "C:RETR 1|S:+OK\n+OK\n-ERR\n..\n.|"
#define BYE     "C:QUIT|S:+OK"

static const struct talk talks[] = {
	/* Nothing of a user. */
	{ HI, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE,
	  TRI_FALSE, 0, "+OK" },
	{ HI BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE,
	  TRI_FALSE, 0, "+OK QUIT +OK" },
	{ "S:-ERR [SYS/TEMP] later", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, TRI_FALSE, 0, "-ERR" },
	{ OFFER BYE, WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE,
	  TRI_FALSE, 0, "+OK CAPA +OK QUIT +OK" },
	{ NONE BYE, WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE,
	  TRI_FALSE, 0, NULL },
	{ HI "C:CAPA|S:+OK\nTOP|", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, TRI_FALSE, 0, "+OK CAPA +OK" },
	{ HI "C:CAPA|S:-ERR|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, TRI_FALSE, 0, "+OK CAPA -ERR QUIT +OK" },
	{ HI "C:AUTH|S:+OK\nPLAIN\nSTLS\n.|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, TRI_FALSE, 0, "+OK AUTH +OK QUIT +OK" },
	{ HI "C:AUTH|S:-ERR|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, TRI_FALSE, 0, NULL },
	{ HI "C:NOOP|S:what|S:+OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, TRI_FALSE, 1u << ODDITY_BAD_REPLY, NULL },
	{ HI "C:NOOP|S:+OK|S:+OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, TRI_FALSE, 1u << ODDITY_UNSOLICITED_REPLY, NULL },
	{ HI "C:NOOP|S:+ x|S:+OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, TRI_FALSE, 1u << ODDITY_REPLY_MISMATCH, NULL },
	{ "C:NOOP|" HI "S:+OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, TRI_FALSE, 1u << ODDITY_NO_GREETING, NULL },
	/* Logins. */
	{ OFFER LOGIN MESSAGE BYE, WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CONTENT, TRI_TRUE, 0, "+OK CAPA +OK USER +OK PASS +OK RETR +OK body QUIT +OK" },
	{ HI LOGIN BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, TRI_TRUE, 0, "+OK USER +OK PASS +OK QUIT +OK" },
	{ HI "C:USER a|S:+OK|C:PASS b|S:-ERR|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, TRI_TRUE, 0, NULL },
	{ HI "C:USER a", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_UNKNOWN,
	  TRI_TRUE, 0, NULL },
	{ HI "C:USER a|S:+OK", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, TRI_TRUE, 0, NULL },
	{ HI "C:USER a|S:-ERR", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_REFUSED, TRI_TRUE, 0, NULL },
	{ HI "C:USER a|S:-ERR|C:USER b", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_UNKNOWN, TRI_TRUE, 0, NULL },
	{ HI "C:APOP a 0", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, TRI_TRUE, 0, NULL },
	{ HI "C:AUTH PLAIN AGEAYg==|S:-ERR", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, TRI_TRUE, 0, "+OK AUTH -ERR" },
	{ HI "C:AUTH PLAIN =|S:-ERR", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_REFUSED, TRI_TRUE, 0, NULL },
	{ HI "C:AUTH PLAIN|S:-ERR", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_REFUSED, TRI_TRUE, 0, NULL },
	{ HI "C:AUTH LOGIN|S:+ a|C:STLS|S:+ b|C:USER x|S:+OK|" BYE, WHOLE, TRI_NULL, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, TRI_TRUE, 0,
	  "+OK AUTH + + +OK QUIT +OK" },
	{ HI "C:AUTH CRAM-MD5|S:+ a|C:*|S:-ERR|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_REFUSED, TRI_TRUE, 0, NULL },
	{ HI "C:AUTH GSSAPI|S:+|C:YII=|S:+ b|C:|S:+ c|C:d|S:+OK|" MESSAGE, WHOLE, TRI_NULL,
	  TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, TRI_TRUE, 0, NULL },
	/* Messages. */
	{ HI MESSAGE BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT,
	  TRI_FALSE, 0, "+OK RETR +OK body QUIT +OK" },
	{ HI LOGIN "C:TOP 1 0|S:+OK\na\n.", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CONTENT, TRI_TRUE, 0, NULL },
	{ HI LOGIN "C:RETR 1|S:-ERR|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, TRI_TRUE, 0, NULL },
	{ HI LOGIN "C:RETR 1|S:+OK\n.|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, TRI_TRUE, 0, NULL },
	{ HI LOGIN "C:LIST 1\nLIST\nUIDL 1\nUIDL\nRETR 1|"
		   "S:+OK 1 2\n+OK\n1 2\n.\n+OK 1 x\n+OK\n1 x\n.\n+OK\nhello\n.|" BYE,
	  WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, TRI_TRUE, 0,
	  NULL },
	/* The upgrade, as far as it goes in clear. */
	{ OFFER "C:STLS|S:+OK", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE, VERDICT_TLS_FAILED,
	  EXPOSURE_NONE, TRI_FALSE, 0, "+OK CAPA +OK STLS +OK" },
	{ HI "C:stls|S:+OK", WHOLE, TRI_NULL, TRI_TRUE, TRI_TRUE, VERDICT_TLS_FAILED, EXPOSURE_NONE,
	  TRI_FALSE, 0, NULL },
	{ OFFER "C:STLS|S:-ERR|" BYE, WHOLE, TRI_TRUE, TRI_TRUE, TRI_FALSE, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, TRI_FALSE, 0, "+OK CAPA +OK STLS -ERR QUIT +OK" },
	{ OFFER "C:STLS|S:-ERR|C:STLS|S:+OK", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE,
	  VERDICT_TLS_FAILED, EXPOSURE_NONE, TRI_FALSE, 0, NULL },
	{ OFFER "C:STLS", WHOLE, TRI_TRUE, TRI_TRUE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, TRI_FALSE, 0, NULL },
	{ OFFER "C:STLS|S:+OK|" LOGIN, WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, TRI_TRUE, 1u << ODDITY_CLEAR_AFTER_UPGRADE, NULL },
	/* Begun in the middle, or with holes. */
	{ LOGIN, MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS,
	  TRI_TRUE, 0, NULL },
	{ "C:RETR 1|S:+OK\nx\n+OK\n.|", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CONTENT, TRI_NULL, 0, NULL },
	{ "C:USER a", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, TRI_NULL, 0, NULL },
	{ BYE, MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE, EXPOSURE_NONE,
	  TRI_NULL, 0, NULL },
	{ "S:+OK\nSTLS\n-ERR\n.|C:DELE 1|S:+OK|" BYE, MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, TRI_NULL, 1u << ODDITY_UNSOLICITED_REPLY, NULL },
	{ OFFER LOGIN, MID_STREAM, TRI_TRUE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CREDENTIALS, TRI_TRUE, 0, NULL },
	{ NONE "C:RETR 1|S:+OK\na|S:<gap 50>|S:z\n.|" BYE, WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CONTENT, TRI_FALSE, 0,
	  "+OK CAPA +OK RETR +OK body gap QUIT +OK" },
	{ HI "C:CAPA|S:+OK\nTOP|S:<gap 50>|S:USER\n.|" BYE, WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, TRI_FALSE, 0, NULL },
	/* One side. */
	{ "C:CAPA|C:USER a|C:PASS b|C:STAT|C:QUIT", CLIENT_ONLY, TRI_NULL, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, TRI_TRUE, 1u << ODDITY_NO_GREETING, NULL },
	{ "C:CAPA|C:USER a|C:QUIT", CLIENT_ONLY, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_UNKNOWN, TRI_TRUE, 1u << ODDITY_NO_GREETING, NULL },
	{ "C:CAPA|C:STLS", CLIENT_ONLY, TRI_NULL, TRI_TRUE, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, TRI_FALSE, 1u << ODDITY_NO_GREETING, NULL },
	{ HI "S:+OK|S:+OK|S:+OK\na\n.|S:+OK", SERVER_ONLY, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, TRI_NULL, 0, NULL },
	{ HI "S:+OK\nSTLS\n.|S:-ERR|S:+OK", SERVER_ONLY, TRI_TRUE, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, TRI_NULL, 0, NULL },
	{ HI "S:+ x|S:+OK", SERVER_ONLY, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_UNKNOWN, TRI_TRUE, 0, "+OK + +OK" },
};

static void talks_come_to_what_they_say(void **state)
{
	(void)state;
	dialogue_talks(PROTOCOL_POP3, talks, sizeof(talks) / sizeof(talks[0]), check);
}

/* Only the server is in the capture -------------------------------------------------------------- */

/* A +OK alone may have answered USER; with capabilities behind it, it answered CAPA. */
static void a_lone_server_hides_commands(void **state)
{
	static const struct {
		const char *script;
		bool gap, granted;
		enum tri offered;
	} cases[] = {
		{ "S:+OK POP3", false, false, TRI_NULL },
		{ "S:+OK POP3|S:+OK", false, true, TRI_NULL },
		{ "S:+OK POP3|S:+OK|S:+OK", true, true, TRI_NULL },
		{ "S:+OK POP3|S:-ERR", true, false, TRI_NULL },
		{ "S:+OK POP3|S:+OK\nTOP\nSTLS\n.", false, false, TRI_TRUE },
		{ "S:+OK POP3|S:+OK\nTOP\nSTLS\n.|S:+OK", false, true, TRI_TRUE },
		{ "S:+OK POP3|S:+OK\nTOP\nSTLS\n.|S:+OK|S:+OK", true, true, TRI_TRUE },
		{ "S:+OK POP3|S:+OK\nTOP\n.|S:+OK", true, true, TRI_NULL },
		/* Only the first list can be nothing else. */
		{ "S:+OK POP3|S:+OK|S:+OK\nSTLS\n.", true, false, TRI_NULL },
		{ "S:+OK POP3|S:-ERR|S:+OK\nSTLS\n.", true, false, TRI_NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dialogue c;

		dialogue_start(&c, PROTOCOL_POP3, SERVER_ONLY);
		dialogue_run(&c, cases[i].script, SIZE_MAX, check);
		assert_int_equal(c.f.clear_gap[CLIENT], cases[i].gap);
		assert_int_equal(c.f.granted, cases[i].granted);
		assert_int_equal(c.f.s.offered, cases[i].offered);
		assert_false(c.f.plain);
	}
}

/* Content is confirmed by coming from the server; a login by being answered. */
/* Lines of a message are no capabilities: the first answer may have been in the gap, or the end of a
 * list. */
static void a_lone_server_offers_nothing_behind_a_gap(void **state)
{
	(void)state;
	for (unsigned in_list = 0; in_list < 2; in_list++) {
		struct dialogue c;

		dialogue_start(&c, PROTOCOL_POP3, SERVER_ONLY);
		dialogue_say(&c, SERVER, "+OK POP3 ready\r\n");
		if (in_list)
			dialogue_say(&c, SERVER, "+OK\r\nUIDL\r\n");
		pop3_gap(&c.s.pop3, &c.f, SERVER, 100);
		if (!in_list)
			dialogue_say(&c, SERVER, "+OK 96 octets\r\nSubject: test\r\n");
		dialogue_say(&c, SERVER, "STLS\r\n.\r\n");
		assert_int_equal(c.f.s.offered, TRI_NULL);
	}
}

static void what_the_server_answers_is_confirmed(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, NOTHING, POP3_RETR);
	server(&c, "text\r\n");
	assert_true(c.f.exposed_answered);
	place(&c, NOTHING, NOTHING);
	client(&c, "PASS b\r\n");
	assert_false(c.f.exposed_answered);
	server(&c, "-ERR\r\n");
	assert_true(c.f.exposed_answered);
	dialogue_start(&c, PROTOCOL_POP3, SERVER_ONLY);
	c.f.greeted = c.s.pop3.spoken = true;
	server(&c, "+ x\r\n");
	assert_true(c.f.exposed_answered);
}

/* Lines of any length and end --------------------------------------------------------------- */

static void lines_may_be_long_or_end_in_lf_alone(void **state)
{
	static char text[LINE_LONG + 100];
	struct dialogue c;

	(void)state;
	memset(text, 'a', sizeof(text) - 3);
	memcpy(text, "PASS ", 5);
	memcpy(text + sizeof(text) - 3, "\r\n", 3);
	place(&c, NOTHING, NOTHING);
	client(&c, text);
	assert_int_equal(newest(&c), POP3_PASS);
	assert_int_equal(c.f.s.oddities, 1u << ODDITY_LINE_TOO_LONG);
	memcpy(text, "+OK  ", 5);
	assert_true(server(&c, text));
	assert_int_equal(newest(&c), NOTHING);
	assert_int_equal(c.f.s.oddities, 1u << ODDITY_LINE_TOO_LONG);
	place(&c, NOTHING, NOTHING);
	client(&c, "NOOP\n");
	assert_int_equal(c.f.s.oddities, 1u << ODDITY_BARE_LF);
	place(&c, POP3_OTHER, NOTHING);
	assert_true(server(&c, "+OK\n"));
	assert_int_equal(c.f.s.oddities, 1u << ODDITY_BARE_LF);
}

static void tls_is_left_to_the_caller(void **state)
{
	static const uint8_t bytes[] = "NOOP\r\n\x16\x03\x01";
	static const uint8_t answer[] = "what\r\n\x16\x03\x01";
	struct dialogue c;

	(void)state;
	place(&c, NOTHING, NOTHING);
	assert_int_equal(pop3_client(&c.s.pop3, &c.f, bytes, sizeof(bytes) - 1), 6);
	assert_true(pop3_at_line_start(&c.s.pop3, CLIENT));
	assert_int_equal(pop3_server(&c.s.pop3, &c.f, answer, sizeof(answer) - 1), 6);
	assert_true(pop3_at_line_start(&c.s.pop3, SERVER));
	pop3_client(&c.s.pop3, &c.f, bytes, 2);
	assert_false(pop3_at_line_start(&c.s.pop3, CLIENT));
	place(&c, NOTHING, POP3_RETR);
	assert_false(pop3_at_line_start(&c.s.pop3, SERVER));
	assert_int_equal(pop3_server(&c.s.pop3, &c.f, answer, sizeof(answer) - 1),
			 sizeof(answer) - 1);
}

/* Only STLS changes what the client's next bytes are, and only while its answer may come. */
static void nothing_else_is_waited_for(void **state)
{
	(void)state;
	for (unsigned command = 0; command <= NOTHING; command++) {
		struct dialogue c;
		struct pop3 before;

		place(&c, command, NOTHING);
		assert_int_equal(pop3_waits(&c.s.pop3, &c.f), command == POP3_STLS);
		c.f.visible[SERVER] = false;
		assert_false(pop3_waits(&c.s.pop3, &c.f));
		before = c.s.pop3;
		pop3_presume(&c.s.pop3, &c.f);
		assert_memory_equal(&before, &c.s.pop3, sizeof(before));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_read_with_their_arguments),
		cmocka_unit_test(a_status_is_a_word),
		cmocka_unit_test(lists_are_told_from_lines),
		cmocka_unit_test(a_greeting_names_the_protocol_or_the_time),
		cmocka_unit_test(every_command_meets_every_answer),
		cmocka_unit_test(a_wrong_password_is_a_password),
		cmocka_unit_test(answers_break_nothing_in_any_view),
		cmocka_unit_test(every_command_meets_every_line),
		cmocka_unit_test(lines_break_nothing_in_any_view),
		cmocka_unit_test(a_line_behind_a_gap_proves_nothing_alone),
		cmocka_unit_test(a_line_behind_a_gap_proves_with_its_answer),
		cmocka_unit_test(every_list_meets_every_line),
		cmocka_unit_test(only_a_message_looks_like_answers),
		cmocka_unit_test(a_list_after_the_login_offers_nothing),
		cmocka_unit_test(a_capability_may_be_blanked),
		cmocka_unit_test(a_greeting_without_a_syn_shows_in_the_next_command),
		cmocka_unit_test(a_greeting_without_a_syn_is_not_behind_commands),
		cmocka_unit_test(a_greeting_heals_no_gap),
		cmocka_unit_test(the_protocol_is_sure_with_its_words),
		cmocka_unit_test(a_challenge_is_answered_once),
		cmocka_unit_test(a_client_gap_ends_an_exchange),
		cmocka_unit_test(a_lone_word_behind_auth_is_neither_claimed),
		cmocka_unit_test(a_yes_to_a_login_signs_in),
		cmocka_unit_test(a_greeting_comes_first),
		cmocka_unit_test(each_login_has_its_own_weight),
		cmocka_unit_test(a_blanked_command_is_told),
		cmocka_unit_test(clear_text_of_either_side_breaks_the_upgrade),
		cmocka_unit_test(every_state_meets_a_gap),
		cmocka_unit_test(a_gap_ends_the_line),
		cmocka_unit_test(an_answer_behind_a_gap_belongs_to_a_command_behind_it),
		cmocka_unit_test(a_gap_unsays_a_refusal),
		cmocka_unit_test(a_torn_list_ends_with_the_next_command),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(runs_of_one_command_take_one_place),
		cmocka_unit_test(talks_come_to_what_they_say),
		cmocka_unit_test(a_lone_server_hides_commands),
		cmocka_unit_test(a_lone_server_offers_nothing_behind_a_gap),
		cmocka_unit_test(what_the_server_answers_is_confirmed),
		cmocka_unit_test(lines_may_be_long_or_end_in_lf_alone),
		cmocka_unit_test(tls_is_left_to_the_caller),
		cmocka_unit_test(nothing_else_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
