/* Tests the SMTP machine: every state with every event, and small conversations. */
#include "tests/dissectors/dialogue.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#include "dissectors/smtp.h"
#include "dissectors/smtp_words.h"

enum { NONE = SMTP_COMMANDS }; /* nothing outstanding */

/* A conversation in step that stands in this mode, with this command outstanding. */
static void place(struct dialogue *c, enum smtp_mode mode, unsigned command)
{
	dialogue_start(c, PROTOCOL_SMTP, WHOLE);
	c->f.greeted = true;
	c->f.offset[CLIENT] = c->f.offset[SERVER] = 1000;
	c->s.smtp.mode = (uint8_t)mode;
	if (mode == SMTP_MODE_BODY)
		c->s.smtp.dot = 1; /* at the start of a line */
	if (mode == SMTP_MODE_CHUNK)
		c->s.smtp.chunk_left = 50;
	if (command == NONE)
		return;
	pending_push(&c->s.smtp.queue, command);
	if (command == SMTP_STARTTLS) {
		c->f.answer_pending = true;
		c->f.s.requested = TRI_TRUE;
		c->f.upgrade = UPG_ASKED;
	}
}

static void reply(struct dialogue *c, unsigned code)
{
	char line[16];
	size_t n = (size_t)snprintf(line, sizeof(line), "%03u x\r\n", code);

	c->f.offset[SERVER] += n;
	assert_int_equal(smtp_server(&c->s.smtp, &c->f, (const uint8_t *)line, n), n);
	assert_true(c->s.smtp.answer_ready);
	smtp_answer(&c->s.smtp, &c->f);
	assert_false(c->s.smtp.answer_ready);
}

/* Bytes that may not be taken: returns how many were. */
static size_t client(struct dialogue *c, const char *text)
{
	return dialogue_say(c, CLIENT, text);
}

static unsigned newest(const struct smtp *s)
{
	return s->queue.runs ? pending_newest(&s->queue) : NONE;
}

static void check(const struct dialogue *c, const struct facts *before)
{
	const struct smtp *s = &c->s.smtp;

	assert_true(s->queue.runs <= PENDING_RUNS && s->queue.head < PENDING_RUNS);
	assert_true(s->queue.stale <= s->queue.runs);
	assert_true(s->mode <= SMTP_MODE_CHUNK);
	for (unsigned i = 0; i < SIDES; i++) /* no line that was read is kept */
		assert_true(linebuf_partial(&s->line[i]) || s->line[i].dirty == 0);
	assert_true(c->f.s.messages >= before->s.messages);
	dialogue_check(c, before);
}

/* Every command with every reply -------------------------------------------------------------- */

static const unsigned codes[] = { 220, 221, 235, 250, 334, 354, 450, 550 };

/* What a reply does to the command that awaits one:
 *   -  it is not its answer: the command stays, and nothing is proven
 *   .  it is, and that is all          P  it is, and user data crossed in clear
 *   B  a body follows                  D  as P, and the client's next line is a secret
 *   G  TLS is granted                  R  TLS is refused */
static const struct {
	unsigned command;
	const char *does;
} answers[] = {
	/*            220 221 235 250 334 354 450 550 */
	{ SMTP_OTHER, "........" },     { SMTP_HELO, ".--.--.." }, { SMTP_EHLO, ".--.--.." },
	{ SMTP_STARTTLS, "G-----RR" },  { SMTP_MAIL, "---P--.." }, { SMTP_RCPT, "---.--.." },
	{ SMTP_DATA, "-----B.." },      { SMTP_DOT, "---P--.." },  { SMTP_BDAT, "---.--.." },
	{ SMTP_BDAT_LAST, "---P--.." }, { SMTP_RSET, "---.--.." }, { SMTP_AUTH, "--P-D-.." },
	{ SMTP_AUTH_DATA, "--P-D-.." }, { SMTP_QUIT, "....--.." }, { NONE, "--------" },
};

static unsigned mode_after(enum smtp_mode mode, unsigned command, char does)
{
	if (does == 'B')
		return SMTP_MODE_BODY;
	if (command == SMTP_DATA && does == '.' && mode == SMTP_MODE_BODY)
		return SMTP_MODE_COMMAND; /* a body was presumed, and was none */
	return mode;
}

static void check_answer(const struct dialogue *c, unsigned command, char does)
{
	unsigned mismatch =
		1u << (command == NONE ? ODDITY_UNSOLICITED_REPLY : ODDITY_REPLY_MISMATCH);
	bool stays = does == '-' && command != NONE;

	assert_int_equal(c->s.smtp.queue.runs, stays);
	assert_int_equal(c->f.s.oddities, does == '-' ? mismatch : 0);
	assert_int_equal(c->f.plain, does == 'P' || does == 'D');
	assert_int_equal(c->s.smtp.auth_dialogue, does == 'D');
	assert_int_equal(c->f.granted, does == 'G');
	assert_int_equal(c->f.starttls_refused, does == 'R');
	if (command == SMTP_STARTTLS && does != '-')
		assert_int_equal(c->f.s.accepted, does == 'G' ? TRI_TRUE : TRI_FALSE);
	assert_int_equal(c->f.answer_pending, command == SMTP_STARTTLS && does == '-');
}

static void every_command_meets_every_reply(void **state)
{
	(void)state;
	assert_int_equal(sizeof(answers) / sizeof(answers[0]), SMTP_COMMANDS + 1);
	for (unsigned command = 0; command <= NONE; command++) {
		assert_int_equal(answers[command].command, command);
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
			for (unsigned mode = 0; mode <= SMTP_MODE_CHUNK; mode++) {
				char does = answers[command].does[i];
				struct dialogue c;
				struct facts before;

				place(&c, (enum smtp_mode)mode, command);
				before = c.f;
				reply(&c, codes[i]);
				check(&c, &before);
				check_answer(&c, command, does);
				assert_int_equal(c.s.smtp.mode,
						 mode_after((enum smtp_mode)mode, command, does));
			}
		}
	}
}

/* Both sides in step: only MAIL, AUTH and a whole message turn a reply into a proof. */
static void no_reply_alone_proves_plaintext(void **state)
{
	static const unsigned proving[] = { SMTP_MAIL, SMTP_DOT, SMTP_BDAT_LAST, SMTP_AUTH,
					    SMTP_AUTH_DATA };

	(void)state;
	for (unsigned command = 0; command <= NONE; command++) {
		bool may = false;

		for (size_t i = 0; i < sizeof(proving) / sizeof(proving[0]); i++)
			may |= proving[i] == command;
		for (unsigned code = 100; code < 600; code++) {
			struct dialogue c;
			struct facts before;

			place(&c, SMTP_MODE_COMMAND, command);
			before = c.f;
			reply(&c, code);
			check(&c, &before);
			assert_true(may || !c.f.plain);
			assert_true(may || c.f.s.exposure == EXPOSURE_NONE);
		}
	}
}

static void a_wrong_password_is_a_password(void **state)
{
	(void)state;
	for (unsigned command = SMTP_AUTH; command <= SMTP_AUTH_DATA; command++) {
		struct dialogue c;

		place(&c, SMTP_MODE_COMMAND, command);
		c.s.smtp.credentials = true;
		reply(&c, 535);
		assert_true(c.f.plain);
		assert_int_equal(c.f.s.exposure, EXPOSURE_CREDENTIALS);
	}
}

/* The same walk with a side missing, begun in the middle, behind gaps: nothing may break. */
static void replies_break_nothing_in_any_view(void **state)
{
	(void)state;
	for (unsigned view = 0; view < 64; view++) {
		for (unsigned command = 0; command <= NONE; command++) {
			for (unsigned code = 200; code < 600; code++) {
				struct dialogue c;
				struct facts before;

				place(&c, (enum smtp_mode)(view % 3), command);
				c.f.visible[CLIENT] = view & 1;
				c.f.visible[SERVER] = true;
				c.f.syn_seen = view & 2;
				c.s.smtp.lost[CLIENT] = view & 4;
				c.s.smtp.lost[SERVER] = view & 8;
				c.s.smtp.queue.stale = view & 16 ? c.s.smtp.queue.runs : 0;
				c.s.smtp.body_seen = view & 32;
				before = c.f;
				reply(&c, code);
				check(&c, &before);
			}
		}
	}
}

/* Every command with every line --------------------------------------------------------------- */

static const struct {
	const char *text;
	unsigned pushes; /* with nothing outstanding; NONE: nothing */
	bool command;    /* one of the known words */
	bool proves;     /* plaintext */
	unsigned mode;
} lines[] = {
	{ "EHLO client.example\r\n", SMTP_EHLO, true, false, SMTP_MODE_COMMAND },
	{ "helo client.example\r\n", SMTP_HELO, true, false, SMTP_MODE_COMMAND },
	{ "STARTTLS\r\n", SMTP_STARTTLS, true, false, SMTP_MODE_COMMAND },
	{ "MAIL FROM:<>\r\n", SMTP_MAIL, true, true, SMTP_MODE_COMMAND },
	{ "RCPT TO:<a@b>\r\n", SMTP_RCPT, true, false, SMTP_MODE_COMMAND },
	{ "DATA\r\n", SMTP_DATA, true, false, SMTP_MODE_COMMAND },
	{ "RSET\r\n", SMTP_RSET, true, false, SMTP_MODE_COMMAND },
	{ "QUIT\r\n", SMTP_QUIT, true, false, SMTP_MODE_COMMAND },
	{ "AUTH\r\n", SMTP_OTHER, true, false, SMTP_MODE_COMMAND },
	{ "AUTH LOGIN\r\n", SMTP_AUTH, true, true, SMTP_MODE_COMMAND },
	{ "AUTH PLAIN AGEAYg==\r\n", SMTP_AUTH, true, true, SMTP_MODE_COMMAND },
	{ "BDAT 5\r\n", SMTP_BDAT, true, false, SMTP_MODE_CHUNK },
	{ "BDAT 0\r\n", SMTP_BDAT, true, false, SMTP_MODE_COMMAND },
	{ "BDAT 5 LAST\r\n", SMTP_BDAT_LAST, true, false, SMTP_MODE_CHUNK },
	{ "BDAT -5\r\n", SMTP_OTHER, true, false, SMTP_MODE_COMMAND },
	{ "NOOP\r\n", SMTP_OTHER, false, false, SMTP_MODE_COMMAND },
	{ "VRFY alice\r\n", SMTP_OTHER, false, false, SMTP_MODE_COMMAND },
	{ "AGEAYg==\r\n", SMTP_OTHER, false, false, SMTP_MODE_COMMAND },
	{ "*\r\n", SMTP_OTHER, false, false, SMTP_MODE_COMMAND },
	{ ".\r\n", SMTP_OTHER, false, false, SMTP_MODE_COMMAND },
	{ "\r\n", NONE, false, false, SMTP_MODE_COMMAND },
};

static const size_t n_lines = sizeof(lines) / sizeof(lines[0]);

/* What becomes the newest outstanding command. */
static unsigned pushed(size_t line, unsigned outstanding, bool dialogue)
{
	if (dialogue) /* an empty line, too */
		return lines[line].pushes == SMTP_QUIT ? SMTP_QUIT : SMTP_AUTH_DATA;
	if (lines[line].pushes == NONE)
		return outstanding;
	if (outstanding == SMTP_AUTH && !lines[line].command && strchr(lines[line].text, '='))
		return SMTP_AUTH_DATA;
	return lines[line].pushes;
}

/* An AUTH that is outstanding has proven something already. */
static bool logging_in(unsigned outstanding)
{
	return outstanding == SMTP_AUTH || outstanding == SMTP_AUTH_DATA;
}

static void one_command_line(size_t line, unsigned outstanding, bool dialogue)
{
	struct dialogue c;
	struct facts before;
	unsigned now = pushed(line, outstanding, dialogue);
	bool as_command = now == lines[line].pushes;
	bool waits = outstanding == SMTP_DATA || outstanding == SMTP_STARTTLS;

	place(&c, SMTP_MODE_COMMAND, outstanding);
	c.s.smtp.auth_dialogue = dialogue;
	c.f.plain = logging_in(outstanding);
	before = c.f;
	assert_int_equal(smtp_waits(&c.s.smtp, &c.f), waits);
	assert_int_equal(client(&c, lines[line].text), waits ? 0 : strlen(lines[line].text));
	check(&c, &before);
	if (waits) {
		assert_int_equal(newest(&c.s.smtp), outstanding);
		return;
	}
	assert_int_equal(newest(&c.s.smtp), now);
	assert_int_equal(c.s.smtp.queue.runs, (outstanding != NONE) + (now != outstanding));
	assert_int_equal(c.f.plain, before.plain || (as_command && lines[line].proves));
	assert_int_equal(c.s.smtp.mode, as_command ? lines[line].mode : SMTP_MODE_COMMAND);
}

static void every_command_meets_every_line(void **state)
{
	(void)state;
	for (unsigned command = 0; command <= NONE; command++) {
		for (size_t i = 0; i < n_lines; i++)
			one_command_line(i, command, false);
	}
	for (size_t i = 0; i < n_lines; i++)
		one_command_line(i, SMTP_AUTH, true);
}

/* In a body nothing is a command but the lone dot. */
static void every_line_in_a_body_is_content(void **state)
{
	(void)state;
	for (unsigned command = 0; command <= NONE; command++) {
		for (size_t i = 0; i < n_lines; i++) {
			bool dot = strcmp(lines[i].text, ".\r\n") == 0;
			struct dialogue c;
			struct facts before;

			place(&c, SMTP_MODE_BODY, command);
			c.s.smtp.body = SMTP_BODY_TRUSTED;
			before = c.f;
			assert_int_equal(client(&c, lines[i].text), strlen(lines[i].text));
			check(&c, &before);
			assert_int_equal(newest(&c.s.smtp), dot ? SMTP_DOT : command);
			assert_int_equal(c.s.smtp.mode, dot ? SMTP_MODE_COMMAND : SMTP_MODE_BODY);
			assert_int_equal(c.f.plain, !dot);
			assert_int_equal(c.f.s.exposure, dot ? EXPOSURE_NONE : EXPOSURE_CONTENT);
		}
	}
}

/* A chunk ends by its size, not by what stands in it. */
static void every_line_in_a_chunk_is_content(void **state)
{
	(void)state;
	for (unsigned command = 0; command <= NONE; command++) {
		for (size_t i = 0; i < n_lines; i++) {
			size_t n = strlen(lines[i].text);

			for (size_t left = n; left <= n + 1; left++) {
				struct dialogue c;
				struct facts before;

				place(&c, SMTP_MODE_CHUNK, command);
				c.s.smtp.chunk_left = left;
				c.s.smtp.body = SMTP_BODY_TRUSTED;
				before = c.f;
				assert_int_equal(client(&c, lines[i].text), n);
				check(&c, &before);
				assert_int_equal(newest(&c.s.smtp), command);
				assert_int_equal(c.s.smtp.mode,
						 left == n ? SMTP_MODE_COMMAND : SMTP_MODE_CHUNK);
				assert_int_equal(c.f.s.exposure, EXPOSURE_CONTENT);
			}
		}
	}
}

static void lines_break_nothing_in_any_view(void **state)
{
	(void)state;
	for (unsigned view = 0; view < 128; view++) {
		for (unsigned command = 0; command <= NONE; command++) {
			for (size_t i = 0; i < n_lines; i++) {
				struct dialogue c;
				struct facts before;

				place(&c, (enum smtp_mode)(view % 3), command);
				c.f.visible[SERVER] = view & 1;
				c.f.syn_seen = view & 2;
				c.s.smtp.lost[CLIENT] = view & 4;
				c.s.smtp.lost[SERVER] = view & 8;
				c.s.smtp.queue.stale = view & 16 ? c.s.smtp.queue.runs : 0;
				c.s.smtp.auth_dialogue = view & 32;
				c.s.smtp.chunk_in_doubt = view & 64;
				c.f.plain = logging_in(command) || c.s.smtp.auth_dialogue;
				before = c.f;
				client(&c, lines[i].text);
				check(&c, &before);
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

			place(&c, SMTP_MODE_COMMAND, command);
			smtp_gap(&c.s.smtp, &c.f, CLIENT, 100);
			client(&c, lines[i].text);
			assert_false(c.f.plain);
			assert_int_equal(c.f.s.auth_clear, TRI_NULL);
			assert_true(command == SMTP_STARTTLS || c.f.s.requested == TRI_NULL);
		}
	}
}

/* Behind DATA whose answer is missing it may be commands, refused one by one. A 354 says that it is a
 * message, and so does a yes to it. */
static void a_body_that_is_presumed_is_no_content_when_refused(void **state)
{
	static const struct {
		unsigned data, dot;
		bool plain;
	} replies[] = { { 0, 500, false }, { 0, 250, true }, { 354, 554, true } };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct dialogue c;

		place(&c, SMTP_MODE_COMMAND, SMTP_DATA);
		if (!replies[i].data)
			smtp_gap(&c.s.smtp, &c.f, SERVER, 20);
		smtp_presume(&c.s.smtp);
		if (replies[i].data)
			reply(&c, replies[i].data);
		client(&c, "Subject: test\r\n.\r\n");
		reply(&c, replies[i].dot);
		assert_int_equal(c.f.plain, replies[i].plain);
		assert_int_equal(c.f.s.exposure,
				 replies[i].plain ? EXPOSURE_CONTENT : EXPOSURE_NONE);
	}
}

static void a_chunk_behind_a_gap_is_no_content_when_refused(void **state)
{
	(void)state;
	for (unsigned code = 250; code <= 550; code += 300) {
		struct dialogue c;

		place(&c, SMTP_MODE_COMMAND, NONE);
		smtp_gap(&c.s.smtp, &c.f, CLIENT, 100);
		client(&c, "BDAT 6\r\nhello\n");
		reply(&c, code);
		assert_int_equal(c.f.plain, code == 250);
	}
}

/* Its lines are commands, or they are not. */
static void a_body_that_is_presumed_leaves_questions_open(void **state)
{
	static const char *const texts[] = { "hello\r\n", "STARTTLS\r\n", "AUTH PLAIN AGE=\r\n" };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned presumed = 0; presumed < 2; presumed++) {
			struct dialogue c;

			place(&c, SMTP_MODE_COMMAND, SMTP_DATA);
			if (presumed)
				smtp_presume(&c.s.smtp);
			else
				reply(&c, 354);
			client(&c, texts[i]);
			assert_int_equal(c.f.request_unsure, presumed && i == 1);
			assert_int_equal(c.f.auth_unsure, presumed && i == 2);
		}
	}
}

/* Every state with a gap ---------------------------------------------------------------------- */

static unsigned mode_behind_gap(unsigned mode, unsigned command, uint64_t n)
{
	if (mode == SMTP_MODE_COMMAND && command == SMTP_DATA)
		return SMTP_MODE_BODY; /* presumed */
	if (mode == SMTP_MODE_CHUNK)
		return n < 50 ? SMTP_MODE_CHUNK : SMTP_MODE_COMMAND;
	return mode;
}

static void every_state_meets_a_client_gap(void **state)
{
	static const uint64_t sizes[] = { 1, 49, 50, 51, UINT64_MAX / 2 };

	(void)state;
	for (unsigned mode = 0; mode <= SMTP_MODE_CHUNK; mode++) {
		for (unsigned command = 0; command <= NONE; command++) {
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
				struct dialogue c;
				struct facts before;
				bool inside = mode == SMTP_MODE_CHUNK && sizes[i] <= 50;

				place(&c, (enum smtp_mode)mode, command);
				before = c.f;
				smtp_gap(&c.s.smtp, &c.f, CLIENT, sizes[i]);
				check(&c, &before);
				assert_true(c.f.clear_gap[CLIENT]);
				assert_false(c.f.plain);
				assert_int_equal(c.s.smtp.lost[CLIENT], !inside);
				assert_int_equal(c.s.smtp.mode,
						 mode_behind_gap(mode, command, sizes[i]));
			}
		}
	}
}

/* The line that a 334 waits for may have been in the gap. */
static void a_client_gap_ends_an_exchange(void **state)
{
	struct dialogue c;

	(void)state;
	place(&c, SMTP_MODE_COMMAND, SMTP_AUTH);
	c.f.plain = true;
	reply(&c, 334);
	assert_true(c.s.smtp.auth_dialogue);
	smtp_gap(&c.s.smtp, &c.f, CLIENT, 3);
	client(&c, "RSET\r\n");
	assert_int_equal(newest(&c.s.smtp), SMTP_RSET);
	assert_false(c.s.smtp.credentials);
}

static void every_state_meets_a_server_gap(void **state)
{
	(void)state;
	for (unsigned mode = 0; mode <= SMTP_MODE_CHUNK; mode++) {
		for (unsigned command = 0; command <= NONE; command++) {
			struct dialogue c;
			struct facts before;

			place(&c, (enum smtp_mode)mode, command);
			before = c.f;
			smtp_gap(&c.s.smtp, &c.f, SERVER, 100);
			check(&c, &before);
			assert_true(c.f.clear_gap[SERVER]);
			assert_true(c.s.smtp.lost[SERVER]);
			assert_false(c.f.plain);
			assert_int_equal(c.s.smtp.queue.stale, c.s.smtp.queue.runs);
			assert_int_equal(c.s.smtp.mode, mode);
		}
	}
}

/* A refusal before the gap may have been followed by another attempt in it. */
static void a_gap_unsays_a_refusal(void **state)
{
	(void)state;
	for (unsigned from = 0; from < SIDES; from++) {
		struct dialogue c;

		place(&c, SMTP_MODE_COMMAND, SMTP_STARTTLS);
		reply(&c, 454);
		assert_int_equal(c.f.s.accepted, TRI_FALSE);
		smtp_gap(&c.s.smtp, &c.f, (enum side)from, 10);
		assert_int_equal(c.f.s.accepted, TRI_NULL);
	}
}

/* The queue ----------------------------------------------------------------------------------- */

static void the_queue_is_bounded(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_SMTP, WHOLE);
	for (unsigned i = 0; i < 5 * PENDING_RUNS; i++) {
		struct facts before = c.f;
		bool full = i >= PENDING_RUNS;

		client(&c, i % 2 ? "RSET\r\n" : "RCPT TO:<a@b>\r\n");
		check(&c, &before);
		assert_int_equal(c.s.smtp.queue.runs, full ? PENDING_RUNS : i + 1);
		assert_int_equal(c.f.s.oddities >> ODDITY_TOO_MANY_COMMANDS & 1, full);
		assert_int_equal(c.s.smtp.lost[SERVER], full);
	}
}

static void runs_of_one_command_take_one_place(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_SMTP, WHOLE);
	for (unsigned i = 0; i < UINT16_MAX + 10u; i++)
		client(&c, "RSET\r\n");
	assert_int_equal(c.s.smtp.queue.runs, 2);
	assert_int_equal(c.s.smtp.queue.run[0].times, UINT16_MAX);
	assert_int_equal(c.s.smtp.queue.run[1].times, 10);
	c.f.greeted = true;
	for (unsigned i = 0; i < UINT16_MAX + 10u; i++)
		reply(&c, 250);
	assert_int_equal(c.s.smtp.queue.runs, 0);
	assert_int_equal(c.f.s.oddities & 1u << ODDITY_UNSOLICITED_REPLY, 0);
}

/* Conversations ------------------------------------------------------------------------------- */

#define HI    "S:220 mx|C:EHLO c|S:250-mx\n250-STARTTLS\n250 8BITMIME|"
#define HI_NO "S:220 mx|C:EHLO c|S:250-mx\n250 8BITMIME|"
#define MAIL  "C:MAIL FROM:<>|S:250 ok|C:RCPT TO:<a@b>|S:250 ok|C:DATA|S:354 go|"
#define TEXT  "C:one\n.two\n..|C:.|S:250 queued|"

static const struct talk talks[] = {
	/* Nothing of a user. */
	{ "S:220 mx", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE,
	  0, 0, "220" },
	{ HI "C:QUIT|S:221 bye", WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, 0, 0, "220 EHLO 250 QUIT 221" },
	{ "S:220 mx|C:QUIT\r~|S:221 bye", WHOLE, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL, 1u << ODDITY_UNSOLICITED_REPLY,
	  "220 221" },
	{ "S:554 no", WHOLE, TRI_NULL, TRI_FALSE, TRI_NULL, VERDICT_NO_TRANSACTION, EXPOSURE_NONE,
	  0, 0, "554" },
	{ "S:220-mx\n220-\n220 hello|C:EHLO c|S:250 mx", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, "220 EHLO 250" },
	{ "C:EHLO c|S:220 mx|S:250-mx\n250 STARTTLS", WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 1u << ODDITY_NO_GREETING, "EHLO 220 250" },
	{ "S:220 mx|C:EHLO c|S:hello\n250-mx\n250 starttls", WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 1u << ODDITY_BAD_REPLY, "220 EHLO 250" },
	{ HI_NO "C:AUTH|S:250 LOGIN PLAIN|C:QUIT", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, "220 EHLO 250 AUTH 250 QUIT" },
	/* The first line of EHLO's answer is a name, whatever it says. */
	{ "S:220 mx|C:EHLO c|S:250-STARTTLS\n250 8BITMIME", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, "220 EHLO 250" },
	/* Mail in clear. */
	{ HI MAIL TEXT "C:QUIT|S:221 bye", WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CONTENT, 1, 0, "220 EHLO 250 MAIL 250 RCPT 250 DATA 354 body dot 250 QUIT 221" },
	{ HI_NO MAIL TEXT MAIL TEXT, WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CONTENT, 2, 0, NULL },
	{ HI_NO MAIL "C:one|C:.|S:554 spam", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 0, 0, NULL },
	{ HI_NO MAIL "C:STARTTLS\nMAIL FROM:<>\nQUIT|C:.|S:250 ok", WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 1, 0, NULL },
	{ HI_NO "C:MAIL FROM:<>|S:250 ok", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_ENVELOPE, 0, 0, "220 EHLO 250 MAIL 250" },
	{ HI "C:MAIL FROM:<>|S:530 Must issue STARTTLS", WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_REFUSED, 0, 0, "220 EHLO 250 MAIL 530" },
	{ HI_NO "C:MAIL FROM:<>", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_UNKNOWN, 0, 0, "220 EHLO 250 MAIL" },
	{ HI_NO MAIL "C:.|S:250 ok", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_CONTENT, 1, 0, NULL },
	{ "S:220 mx|C:EHLO c|S:500 what|C:HELO c|S:250 mx|" MAIL TEXT, WHOLE, TRI_NULL, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 1, 0, NULL },
	/* Chunks. */
	{ HI_NO "C:MAIL FROM:<>\nBDAT 6 LAST\nQUIT\nQUIT|S:250 ok|S:250 ok|S:221 bye", WHOLE,
	  TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 1, 0,
	  "220 EHLO 250 MAIL BDAT body QUIT 250 250 221" },
	{ HI_NO "C:MAIL FROM:<>|S:250 ok|C:BDAT 99999999999999999999|S:501 no", WHOLE, TRI_FALSE,
	  TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, 0, 1u << ODDITY_BAD_BDAT,
	  NULL },
	{ HI_NO "C:BDAT 20 LAST|S:503 no", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, "220 EHLO 250 BDAT 503" },
	/* A chunk that was refused and never came. */
	{ HI_NO "C:BDAT 20 LAST|S:503 no|C:QUIT|S:221 bye", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, "220 EHLO 250 BDAT 503 QUIT 221" },
	{ HI_NO "C:BDAT 20 LAST|S:503 no|C:MAIL FROM:<>|S:250 ok", WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, 0, 0, NULL },
	{ HI_NO "C:BDAT 10 LAST|S:503 no|C:01234567|S:500 what", WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 0, 1u << ODDITY_UNSOLICITED_REPLY, NULL },
	/* Logins. */
	{ HI_NO "C:AUTH PLAIN AGEAYg==|S:235 ok", WHOLE, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 0, "220 EHLO 250 AUTH 235" },
	{ HI_NO "C:AUTH LOGIN|S:334 VXNlcg==|C:QUIT|S:221 bye", WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_UNKNOWN, 0, 0, "220 EHLO 250 AUTH 334 QUIT 221" },
	{ HI_NO "C:AUTH LOGIN|S:334 VXNlcg==|C:MAIL|S:334 UGFzcw==|C:c2VjcmV0|S:535 no", WHOLE,
	  TRI_FALSE, TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, 0, 0, NULL },
	{ HI_NO "C:AUTH LOGIN|S:334 VXNlcg==|C:*|S:501 cancelled", WHOLE, TRI_FALSE, TRI_FALSE,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_REFUSED, 0, 0, NULL },
	{ HI "C:AUTH PLAIN =|S:530 Must issue STARTTLS", WHOLE, TRI_TRUE, TRI_FALSE, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_REFUSED, 0, 0, NULL },
	/* The upgrade, as far as it goes in clear. */
	{ HI "C:STARTTLS|S:220 go", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE, VERDICT_TLS_FAILED,
	  EXPOSURE_NONE, 0, 0, "220 EHLO 250 STARTTLS 220" },
	{ HI "C:starttls|S:220", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE, VERDICT_TLS_FAILED,
	  EXPOSURE_NONE, 0, 0, "220 EHLO 250 STARTTLS 220" },
	{ HI "C:STARTTLS|S:454 later|C:QUIT|S:221 bye", WHOLE, TRI_TRUE, TRI_TRUE, TRI_FALSE,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	{ HI "C:STARTTLS|S:4.7.0 later|C:MAIL FROM:<>|S:250 ok", WHOLE, TRI_TRUE, TRI_TRUE,
	  TRI_FALSE, VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, 0, 0, NULL },
	{ HI "C:STARTTLS|S:454 later|C:STARTTLS|S:220 go", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE,
	  VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, 0, NULL },
	{ HI "C:STARTTLS", WHOLE, TRI_TRUE, TRI_TRUE, TRI_NULL, VERDICT_NO_TRANSACTION,
	  EXPOSURE_NONE, 0, 0, "220 EHLO 250 STARTTLS" },
	{ HI "C:STARTTLS|S:220 go|C:EHLO c|S:500 what", WHOLE, TRI_TRUE, TRI_TRUE, TRI_TRUE,
	  VERDICT_TLS_FAILED, EXPOSURE_NONE, 0, 1u << ODDITY_CLEAR_AFTER_UPGRADE, NULL },
	/* Begun in the middle, or with holes. */
	{ "C:MAIL FROM:<>|S:250 ok", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_PLAINTEXT,
	  EXPOSURE_UNKNOWN, MESSAGES_NULL, 0, NULL },
	{ "C:MAIL FROM:<>|S:250 ok|C:RCPT TO:<a@b>|S:250 ok", MID_STREAM, TRI_NULL, TRI_NULL,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, MESSAGES_NULL, 0, NULL },
	{ "C:MAIL FROM:<>", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, MESSAGES_NULL, 0, NULL },
	{ "C:one\ntwo\n.", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, MESSAGES_NULL, 0, NULL },
	{ "C:QUIT|S:221 bye", MID_STREAM, TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, MESSAGES_NULL, 0, NULL },
	{ HI "C:<gap 10>|S:220 go", WHOLE, TRI_TRUE, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE,
	  EXPOSURE_NONE, MESSAGES_NULL, 1u << ODDITY_UNSOLICITED_REPLY, NULL },
	{ HI_NO MAIL "C:one|C:<gap 500>|C:three|C:.|S:250 ok", WHOLE, TRI_FALSE, TRI_NULL, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CONTENT, MESSAGES_NULL, 0, NULL },
	{ "S:220 mx|C:STARTTLS|S:503 EHLO first|C:EHLO c|S:250-mx\n250 STARTTLS", MID_STREAM,
	  TRI_TRUE, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL, 0,
	  NULL },
	{ "S:220 mx|C:MAIL FROM:<>|S:503 EHLO first|C:EHLO c|S:250 mx|C:QUIT|S:221 bye", MID_STREAM,
	  TRI_NULL, TRI_NULL, TRI_NULL, VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL, 0,
	  NULL },
	{ "S:220 mx|C:EHLO c|S:250 mx|C:QUIT|S:221 bye", MID_STREAM, TRI_FALSE, TRI_FALSE, TRI_NULL,
	  VERDICT_NO_TRANSACTION, EXPOSURE_NONE, 0, 0, NULL },
	/* One side. */
	{ "C:EHLO c|C:MAIL FROM:<>|C:RCPT TO:<a@b>|C:DATA|C:one|C:.|C:QUIT", CLIENT_ONLY, TRI_NULL,
	  TRI_FALSE, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_UNKNOWN, MESSAGES_NULL,
	  1u << ODDITY_NO_GREETING, NULL },
	{ "C:EHLO c|C:MAIL FROM:<>|C:DATA|C:one\nSTARTTLS\ntwo|C:.", CLIENT_ONLY, TRI_NULL,
	  TRI_NULL, TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_UNKNOWN, MESSAGES_NULL,
	  1u << ODDITY_NO_GREETING, NULL },
	{ "S:220 mx|S:250-mx\n250 STARTTLS|S:250 ok|S:354 go", SERVER_ONLY, TRI_TRUE, TRI_NULL,
	  TRI_NULL, VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, MESSAGES_NULL, 0, NULL },
	{ "S:<gap 40>|S:250-mx\n250 STARTTLS|S:220 go\n235 forged", SERVER_ONLY, TRI_TRUE, TRI_NULL,
	  TRI_NULL, VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL, 0, NULL },
	{ "S:220 mx|S:250-mx\n250 AUTH|S:334 x|S:235 ok", SERVER_ONLY, TRI_NULL, TRI_NULL, TRI_NULL,
	  VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, MESSAGES_NULL, 0, NULL },
	{ "S:220 mx|S:250-mx\n250 STARTTLS|S:220 go", SERVER_ONLY, TRI_TRUE, TRI_NULL, TRI_NULL,
	  VERDICT_INDETERMINATE, EXPOSURE_NONE, MESSAGES_NULL, 0, NULL },
};

static void talks_come_to_what_they_say(void **state)
{
	(void)state;
	dialogue_talks(PROTOCOL_SMTP, talks, sizeof(talks) / sizeof(talks[0]), check);
}

static void a_capability_may_be_blanked(void **state)
{
	static const struct {
		const char *word;
		bool masked;
	} words[] = {
		{ "XXXXXXXA", true },  { "XXXXXXXX", true },  { "XXXXXXX", false },
		{ "XFORWARD", false }, { "XXXXXXXB", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct dialogue c;
		char script[100];

		snprintf(script, sizeof(script), "S:220 mx|C:EHLO c|S:250-mx\n250 %s",
			 words[i].word);
		dialogue_start(&c, PROTOCOL_SMTP, WHOLE);
		dialogue_run(&c, script, SIZE_MAX, check);
		assert_int_equal(c.f.masked, words[i].masked);
		assert_int_equal(c.f.s.offered, TRI_FALSE);
	}
}

static void a_capability_counts_only_for_ehlo(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_SMTP, WHOLE);
	dialogue_run(&c, "S:220 mx|C:HELO c|S:250-mx\n250 STARTTLS", SIZE_MAX, check);
	assert_int_equal(c.f.s.offered, TRI_NULL);
}

/* What the memory of servers is told: EHLO answered 5xx, and nothing missing. */
/* The server alone, without its SYN: either 220 may be the grant, and what follows it a forgery. */
static void a_second_220_may_be_the_grant(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_SMTP, MID_STREAM);
	c.f.visible[CLIENT] = false;
	reply(&c, 220);
	reply(&c, 220);
	reply(&c, 235);
	assert_false(c.f.plain);
	reply(&c, 250); /* no TLS came */
	assert_true(c.f.plain);
}

/* No TLS comes behind an alert: what the server answers then was asked in clear. */
static void a_lone_reply_behind_an_alert_hides_a_command(void **state)
{
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_SMTP, SERVER_ONLY);
	reply(&c, 220);
	reply(&c, 220);
	c.f.tls = TLS_ALERT;
	reply(&c, 250);
	assert_true(c.f.clear_gap[CLIENT]);
}

static void a_refused_ehlo_is_told(void **state)
{
	static const struct {
		const char *script;
		bool refused;
	} cases[] = {
		{ "S:220 mx|C:EHLO c|S:500 what", true },
		{ "S:220 mx|C:EHLO c|S:502 what|C:HELO c|S:250 mx|" MAIL TEXT, true },
		{ "S:220 mx|C:EHLO c|S:550-no\n550 go away|C:QUIT|S:221 bye", true },
		{ "S:220 mx|C:\nEHLO c|S:500 what", false }, /* to the empty line? */
		{ "S:220 mx|C:EHLO c|S:450 later", false },
		{ "S:220 mx|C:HELO c|S:500 what", false },
		{ "S:220 mx|C:EHLO|S:501 name?|C:EHLO c|S:250 mx", false }, /* accepted later */
		{ "S:220 mx|C:EHLO c|C:<gap 10>|S:500 what", false },
		{ "S:220 mx|C:EHLO c|S:<gap 10>|S:500 what", false },
		{ "S:220 mx|C:EHLO c|S:500 what|C:HELO c|S:<gap 8>|" MAIL TEXT, false },
		{ "S:220 mx|C:EHLO c|S:500 what|C:<gap 8>|S:250 mx|" MAIL TEXT, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dialogue c;
		struct session out;

		dialogue_start(&c, PROTOCOL_SMTP, WHOLE);
		dialogue_run(&c, cases[i].script, SIZE_MAX, check);
		for (unsigned from = 0; from < SIDES; from++) /* as the caller says of a gap */
			c.f.clear_gap[from] |= c.s.smtp.lost[from];
		facts_verdict(&c.f, ENDING_CLOSED, &out);
		if (out.ehlo_refused != cases[i].refused)
			fail_msg("%s: %u", cases[i].script, out.ehlo_refused);
	}
}

static void tls_is_left_to_the_caller(void **state)
{
	static const uint8_t bytes[] = "RSET\r\n\x16\x03\x01";
	struct dialogue c;

	(void)state;
	dialogue_start(&c, PROTOCOL_SMTP, WHOLE);
	assert_int_equal(smtp_client(&c.s.smtp, &c.f, bytes, sizeof(bytes) - 1), 6);
	assert_true(smtp_at_line_start(&c.s.smtp, CLIENT));
	c.s.smtp.mode = SMTP_MODE_BODY;
	assert_false(smtp_at_line_start(&c.s.smtp, CLIENT));
	assert_true(smtp_at_line_start(&c.s.smtp, SERVER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_meets_every_reply),
		cmocka_unit_test(no_reply_alone_proves_plaintext),
		cmocka_unit_test(a_wrong_password_is_a_password),
		cmocka_unit_test(replies_break_nothing_in_any_view),
		cmocka_unit_test(every_command_meets_every_line),
		cmocka_unit_test(every_line_in_a_body_is_content),
		cmocka_unit_test(every_line_in_a_chunk_is_content),
		cmocka_unit_test(lines_break_nothing_in_any_view),
		cmocka_unit_test(a_line_behind_a_gap_proves_nothing_alone),
		cmocka_unit_test(a_body_that_is_presumed_is_no_content_when_refused),
		cmocka_unit_test(a_chunk_behind_a_gap_is_no_content_when_refused),
		cmocka_unit_test(a_body_that_is_presumed_leaves_questions_open),
		cmocka_unit_test(every_state_meets_a_client_gap),
		cmocka_unit_test(a_client_gap_ends_an_exchange),
		cmocka_unit_test(every_state_meets_a_server_gap),
		cmocka_unit_test(a_gap_unsays_a_refusal),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(runs_of_one_command_take_one_place),
		cmocka_unit_test(talks_come_to_what_they_say),
		cmocka_unit_test(a_capability_may_be_blanked),
		cmocka_unit_test(a_capability_counts_only_for_ehlo),
		cmocka_unit_test(a_second_220_may_be_the_grant),
		cmocka_unit_test(a_lone_reply_behind_an_alert_hides_a_command),
		cmocka_unit_test(a_refused_ehlo_is_told),
		cmocka_unit_test(tls_is_left_to_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
