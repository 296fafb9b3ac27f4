/* Tests the order of TCP payload. A case is a list of steps and what they must hand on, written
 * as "C(bytes)" and "C[gap]", S for the server. Every case runs with several initial sequence
 * numbers, so that they wrap in each of its places.
 */
#include "tests/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sensor/reasm.h"

#define NO_ACK    INT64_MIN
#define STEPS_MAX 12
#define HEARD_MAX 512

enum kind { END, SEG, ACK, FIN, POLL, FLUSH };

struct step {
	enum kind kind;
	enum side from;
	int64_t seq; /* from the first byte of the side */
	const char *text;
	int64_t ack;  /* from the first byte of the other side, or NO_ACK */
	uint32_t cut; /* bytes behind the text that the snap length cut off */
	uint64_t ms;  /* that pass before */
};

#define C(seq, text, ack)                         \
	{                                         \
		SEG, CLIENT, seq, text, ack, 0, 0 \
	}
#define S(seq, text, ack)                         \
	{                                         \
		SEG, SERVER, seq, text, ack, 0, 0 \
	}
#define C_CUT(seq, text, cut)                          \
	{                                              \
		SEG, CLIENT, seq, text, NO_ACK, cut, 0 \
	}
#define C_AFTER(ms, seq, text, ack)                \
	{                                          \
		SEG, CLIENT, seq, text, ack, 0, ms \
	}
#define C_ACK(ack)                            \
	{                                     \
		ACK, CLIENT, 0, "", ack, 0, 0 \
	}
#define S_ACK(ack)                            \
	{                                     \
		ACK, SERVER, 0, "", ack, 0, 0 \
	}
#define C_FIN(seq)                                 \
	{                                          \
		FIN, CLIENT, seq, "", NO_ACK, 0, 0 \
	}
#define S_FIN(seq)                                 \
	{                                          \
		FIN, SERVER, seq, "", NO_ACK, 0, 0 \
	}
#define POLL_AFTER(ms)                             \
	{                                          \
		POLL, CLIENT, 0, "", NO_ACK, 0, ms \
	}
#define AT_THE_END                                 \
	{                                          \
		FLUSH, CLIENT, 0, "", NO_ACK, 0, 0 \
	}

struct world {
	struct reasm_memory memory;
	struct reasm reasm;
	uint32_t isn[SIDES];
	uint64_t now_ms;
	char heard[HEARD_MAX];
	size_t heard_n;
};

static void hear(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void hear(struct world *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->heard + w->heard_n, sizeof(w->heard) - w->heard_n, format, args);
	va_end(args);
	assert_true(n > 0 && (size_t)n < sizeof(w->heard) - w->heard_n);
	w->heard_n += (size_t)n;
}

static void hear_data(void *ctx, enum side from, const uint8_t *data, size_t n)
{
	assert_true(n > 0);
	hear(ctx, "%c(%.*s)", from == CLIENT ? 'C' : 'S', (int)n, (const char *)data);
}

static void hear_gap(void *ctx, enum side from, uint64_t n)
{
	hear(ctx, "%c[%" PRIu64 "]", from == CLIENT ? 'C' : 'S', n);
}

static struct reasm_out out_of(struct world *w)
{
	return (struct reasm_out){ hear_data, hear_gap, w };
}

static void world_init(struct world *w, uint32_t client_isn, uint32_t server_isn,
		       uint64_t per_direction_bytes)
{
	memset(w, 0, sizeof(*w));
	assert_true(reasm_memory_init(&w->memory, 1 << 20, per_direction_bytes));
	reasm_init(&w->reasm);
	w->isn[CLIENT] = client_isn;
	w->isn[SERVER] = server_isn;
	w->now_ms = 5000;
}

/* Whatever happened, nothing may be left in the memory that all connections share. */
static void world_fini(struct world *w)
{
	reasm_drop(&w->reasm, &w->memory);
	assert_int_equal(w->memory.blocks.used, 0);
	reasm_memory_fini(&w->memory);
}

static void offer(struct world *w, const struct step *s)
{
	struct reasm_out out = out_of(w);
	uint32_t length = (uint32_t)strlen(s->text);
	uint8_t *copy = malloc(length + 1); /* on the heap, so that a read behind it is seen */
	struct segment g = {
		.seq = w->isn[s->from] + (uint32_t)s->seq,
		.ack = w->isn[other_side(s->from)] + (uint32_t)s->ack,
		.has_ack = s->ack != NO_ACK,
		.data = copy,
		.length = length,
		.wire_length = length + s->cut,
	};

	assert_non_null(copy);
	memcpy(copy, s->text, length);
	if (s->kind == ACK)
		g.seq = w->reasm.side[s->from].next;
	reasm_segment(&w->reasm, &w->memory, s->from, &g, w->now_ms, &out);
	free(copy);
}

static void play(struct world *w, const struct step *steps)
{
	struct reasm_out out = out_of(w);

	for (const struct step *s = steps; s->kind != END; s++) {
		w->now_ms += s->ms;
		switch (s->kind) {
		case SEG:
		case ACK: offer(w, s); break;
		case FIN: reasm_fin(&w->reasm, s->from, w->isn[s->from] + (uint32_t)s->seq); break;
		case POLL: reasm_poll(&w->reasm, &w->memory, w->now_ms, &out); break;
		case FLUSH: reasm_flush(&w->reasm, &w->memory, &out); break;
		case END: break;
		}
	}
}

static const struct {
	const char *name;
	struct step steps[STEPS_MAX];
	const char *heard;
} cases[] = {
	{ "in order",
	  { C(0, "EHLO", 0), S(0, "250", 4), C(4, "MAIL", 3) },
	  "C(EHLO)S(250)C(MAIL)" },
	{ "a bare acknowledgment says nothing", { C(0, "EHLO", 0), S_ACK(4) }, "C(EHLO)" },

	/* What comes twice. */
	{ "retransmission", { C(0, "EHLO", 0), C(0, "EHLO", 0) }, "C(EHLO)" },
	{ "retransmission with more", { C(0, "EHLO", 0), C(0, "EHLO mx", 0) }, "C(EHLO)C( mx)" },
	{ "overlap", { C(0, "abcd", 0), C(2, "cdef", 0) }, "C(abcd)C(ef)" },
	{ "a part again", { C(0, "abcdef", 0), C(2, "cd", 0) }, "C(abcdef)" },
	{ "what waits, again", { C(2, "cd", 0), C(2, "cd", 0), C(0, "ab", 0) }, "C(ab)C(cd)" },
	{ "what was handed on stands", { C(0, "abcd", 0), C(0, "XXXXef", 0) }, "C(abcd)C(ef)" },
	{ "what waits stands", { C(2, "cd", 0), C(0, "abXXef", 0) }, "C(ab)C(cd)C(ef)" },
	{ "a long one around two that wait",
	  { C(4, "ef", 0), C(8, "ij", 0), C(2, "cdefghijkl", 0), C(0, "ab", 0) },
	  "C(ab)C(cd)C(ef)C(gh)C(ij)C(kl)" },

	/* Out of order. */
	{ "swapped", { C(4, "efgh", 0), C(0, "abcd", 0) }, "C(abcd)C(efgh)" },
	{ "backwards",
	  { C(6, "gh", 0), C(4, "ef", 0), C(2, "cd", 0), C(0, "ab", 0) },
	  "C(ab)C(cd)C(ef)C(gh)" },
	{ "a hole is waited for", { C(0, "ab", 0), C(4, "ef", 0), POLL_AFTER(999) }, "C(ab)" },
	{ "the last moment", { C(2, "cd", 0), C_AFTER(999, 0, "ab", 0) }, "C(ab)C(cd)" },

	/* Gaps. */
	{ "acknowledged and never seen",
	  { C(0, "ab", 0), C(4, "ef", 0), S_ACK(6), POLL_AFTER(1000) },
	  "C(ab)C[2]C(ef)" },
	{ "the end acknowledged and never seen",
	  { C(0, "ab", 0), S_ACK(6), POLL_AFTER(1000) },
	  "C(ab)C[4]" },
	{ "acknowledged in part",
	  { C(0, "ab", 0), C(8, "ij", 0), S_ACK(4), POLL_AFTER(1000) },
	  "C(ab)C[2]" },
	{ "not acknowledged: it may come again",
	  { S_ACK(0), C(0, "ab", 0), C(4, "ef", 0), POLL_AFTER(5000), C(2, "cd", 0) },
	  "C(ab)C(cd)C(ef)" },
	{ "acknowledged by one is a FIN that was not seen",
	  { C(0, "ab", 0), S_ACK(3), POLL_AFTER(5000), AT_THE_END },
	  "C(ab)" },
	{ "an acknowledgment beyond every window",
	  { C(0, "ab", 0), S_ACK(0x50000000), POLL_AFTER(5000), AT_THE_END },
	  "C(ab)" },
	{ "a bare segment stands behind what its side has sent",
	  { S_ACK(0), C(0, "ab", 0), C(9, "", NO_ACK), POLL_AFTER(1000) },
	  "C(ab)C[7]" },
	{ "an old acknowledgment",
	  { C(0, "abcd", 0), S_ACK(4), S_ACK(2), POLL_AFTER(5000) },
	  "C(abcd)" },
	{ "too late for a gap",
	  { C(2, "cd", 0), S_ACK(4), POLL_AFTER(1000), C(0, "ab", 0) },
	  "C[2]C(cd)" },
	{ "each hole has its own second",
	  { C(0, "ab", 0), C(4, "ef", 0), S_ACK(6), C_AFTER(900, 8, "ij", 0), S_ACK(10),
	    C(2, "cd", 0), POLL_AFTER(200), C(6, "gh", 0) },
	  "C(ab)C(cd)C(ef)C(gh)C(ij)" },

	/* Both directions in step. */
	{ "the answer comes first", { S(0, "250", 4), C(0, "EHLO", 0) }, "C(EHLO)S(250)" },
	{ "the answer comes and the question never",
	  { S(0, "250", 4), POLL_AFTER(1000) },
	  "C[4]S(250)" },
	{ "both wait for each other", { C(0, "ab", 2), S(0, "12", 2) }, "S(12)C(ab)" },
	{ "a whole exchange backwards",
	  { S(3, "354", 8), C(4, "DATA", 3), S(0, "250", 4), C(0, "MAIL", 0) },
	  "C(MAIL)S(250)C(DATA)S(354)" },

	{ "an answer waits for the last byte, too",
	  { C(0, "ab", 0), S(0, "250", 3), C(2, "c", 0) },
	  "C(ab)C(c)S(250)" },
	{ "and for the one behind a hole",
	  { C(0, "ab", 0), C(3, "d", 0), S(0, "250", 4), POLL_AFTER(1000) },
	  "C(ab)C[1]C(d)S(250)" },
	{ "and for what may be a FIN",
	  { C(0, "ab", 0), S(0, "250", 3), POLL_AFTER(999) },
	  "C(ab)" },
	{ "as long as it comes",
	  { C(0, "ab", 0), S(0, "250", 5), C_AFTER(900, 2, "c", 0), C_AFTER(900, 3, "d", 0),
	    C_AFTER(900, 4, "e", 0) },
	  "C(ab)C(c)C(d)C(e)S(250)" },
	{ "but not for ever",
	  { C(0, "ab", 0), S(0, "250", 3), POLL_AFTER(1000), S(3, "221", 3) },
	  "C(ab)S(250)S(221)" },
	{ "nor at the end", { C(0, "ab", 0), S(0, "250", 3), AT_THE_END }, "C(ab)S(250)" },
	{ "nor when the FIN was seen", { C(0, "ab", 0), C_FIN(2), S(0, "250", 3) }, "C(ab)S(250)" },
	{ "a byte that was taken for a FIN",
	  { C(0, "ab", 0), S(0, "250", 3), POLL_AFTER(1000), C(2, "cd", 3), S(3, "221", 5),
	    C(4, "e", 3) },
	  "C(ab)S(250)C(cd)C(e)S(221)" },

	/* The snap length. */
	{ "cut", { C_CUT(0, "abcd", 6), C(10, "kl", 0) }, "C(abcd)C[6]C(kl)" },
	{ "cut, out of order",
	  { C_CUT(2, "cd", 6), C(0, "ab", 0), C(10, "kl", 0) },
	  "C(ab)C(cd)C[6]C(kl)" },
	{ "all cut, out of order",
	  { C_CUT(2, "", 4), C(0, "ab", 0), C(6, "gh", 0) },
	  "C(ab)C[4]C(gh)" },
	{ "all cut, and twice, and then whole",
	  { C_CUT(2, "", 2), C_CUT(2, "", 2), C(2, "cd", 0), C(0, "ab", 0) },
	  "C(ab)C[2]" },
	{ "cut behind what waits",
	  { C(2, "cd", 0), C_CUT(2, "cd", 3), C(0, "ab", 0), C(7, "hi", 0) },
	  "C(ab)C(cd)C[3]C(hi)" },
	{ "all cut", { C_CUT(0, "", 10), C(10, "kl", 0) }, "C[10]C(kl)" },
	{ "cut, then whole", { C_CUT(0, "abcd", 2), C(0, "abcdef", 0) }, "C(abcd)C[2]" },

	/* The end. */
	{ "what waits is handed on", { C(2, "cd", 0), AT_THE_END }, "C[2]C(cd)" },
	{ "up to the FIN", { C(0, "ab", 0), C_FIN(6), AT_THE_END }, "C(ab)C[4]" },
	{ "up to what was acknowledged", { C(0, "ab", 0), S_ACK(6), AT_THE_END }, "C(ab)C[4]" },
	{ "both sides",
	  { S(3, "354", 8), C(4, "DATA", 3), C_FIN(10), S_FIN(6), AT_THE_END },
	  "C[4]S[3]C(DATA)S(354)C[2]" },
	{ "nothing more after it",
	  { C(2, "cd", 0), AT_THE_END, AT_THE_END, POLL_AFTER(5000) },
	  "C[2]C(cd)" },
};

static const uint32_t isns[] = { 1000, 0, 0xffffffff, 0xfffffffc, 0x7ffffffe, 0x80000000 };

#define ISNS (sizeof(isns) / sizeof(isns[0]))

static void bytes_come_in_order_and_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t n = 0; n < ISNS * ISNS; n++) {
			struct world w;

			world_init(&w, isns[n / ISNS], isns[n % ISNS], 256 * 1024);
			reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
			reasm_start(&w.reasm, SERVER, w.isn[SERVER]);
			reasm_seen(&w.reasm, CLIENT);
			reasm_seen(&w.reasm, SERVER);
			play(&w, cases[i].steps);
			if (strcmp(w.heard, cases[i].heard) != 0)
				fail_msg("%s (%#x, %#x): %s, not %s", cases[i].name, w.isn[CLIENT],
					 w.isn[SERVER], w.heard, cases[i].heard);
			world_fini(&w);
		}
	}
}

/* Begun in the middle: the first byte seen is the first byte. */
static void without_a_syn_it_begins_where_it_is_seen(void **state)
{
	static const struct step steps[] = { C(500, "ab", 900),
					     S(900, "12", 502),
					     C(498, "zz", 0),
					     C(502, "cd", 902),
					     { .kind = END } };
	static const struct step answer_first[] = {
		S(900, "12", 502), C(502, "cd", 902), S_ACK(506), POLL_AFTER(1000), { .kind = END }
	};
	struct world w;

	(void)state;
	for (size_t n = 0; n < ISNS; n++) {
		world_init(&w, isns[n], isns[n] + 77, 256 * 1024);
		play(&w, steps);
		assert_string_equal(w.heard, "C(ab)S(12)C[0]C(cd)"); /* zz came too late */
		assert_int_equal(w.memory.duplicate, 1);
		world_fini(&w);
		world_init(&w, isns[n], isns[n] + 77, 256 * 1024);
		play(&w, answer_first);
		assert_string_equal(w.heard, "S(12)C(cd)C[2]");
		world_fini(&w);
	}
}

/* syn: that of the client was seen. */
static void comes_out_as(uint32_t isn, bool syn, const struct step *steps, const char *heard)
{
	struct world w;

	world_init(&w, isn, isn + 77, 256 * 1024);
	if (syn)
		reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
	play(&w, steps);
	assert_string_equal(w.heard, heard);
	world_fini(&w);
}

/* What stands in front of the first bytes came before what the other side says behind them; it is
 * missing there, not where it was noticed. */
static void bytes_before_the_first_are_missing_there(void **state)
{
	static const struct step answers[] = { C(4, "MAIL", 6), S(0, "220", 0), C(0, "EHLO", 3),
					       S(6, "250", 8),  S(3, "250", 4), C(8, "DATA", 9),
					       AT_THE_END,      { .kind = END } };
	static const struct step alone[] = {
		C(0, "EHLO", 3), S(0, "220", 0), AT_THE_END, { .kind = END }
	};

	(void)state;
	for (size_t n = 0; n < ISNS; n++) {
		comes_out_as(isns[n], true, answers, "S[0]C(EHLO)S[0]C(MAIL)S[0]S(250)C(DATA)");
		comes_out_as(isns[n], true, alone, "C(EHLO)S[0]");
	}
}

/* The end of a conversation overtook the rest, and of the server's part it is all there is. Not behind
 * what was handed on: that is answered by what it had acknowledged, or later. */
static void an_acknowledgment_that_comes_late_tells_of_the_beginning(void **state)
{
	static const struct step nothing_seen[] = { C(8, "QUIT", 9), C(0, "EHLO", 3),
						    S(3, "250", 4),  C(4, "DATA", 6),
						    S(6, "503", 8),  AT_THE_END,
						    { .kind = END } };
	static const struct step end_seen[] = { C(8, "QUIT", 9), S(9, "221", 12), C(0, "EHLO", 3),
						C(4, "BDAT", 6), AT_THE_END,      { .kind = END } };
	static const struct step asked[] = { C(4, "STARTTLS", 6), C_ACK(0),   S(0, "220", 0),
					     S(6, "504", 12),     AT_THE_END, { .kind = END } };

	(void)state;
	for (size_t n = 0; n < ISNS; n++) {
		comes_out_as(isns[n], true, nothing_seen, "C(EHLO)S(250)C(DATA)S(503)C(QUIT)");
		comes_out_as(isns[n], true, end_seen,
			     "S[0]C(EHLO)S[0]C(BDAT)S[0]C(QUIT)S[0]S(221)");
		comes_out_as(isns[n], false, asked, "C(STARTTLS)S[0]S(504)");
	}
}

/* A SYN that comes late moves a side's beginning, unless what follows it was already answered, or
 * something was handed on: then it says that bytes are missing. */
static void a_late_syn_does_not_go_back(void **state)
{
	static const struct step asked[] = { C(10, "STARTTLS", 60), { .kind = END } };
	static const struct step bare[] = { C_ACK(3), { .kind = END } };
	static const struct step rest[] = { S(0, "220", 0), S(60, "400", 18), { .kind = END } };
	static const struct step more[] = { C_ACK(60), S(60, "220", 18), { .kind = END } };
	static const struct step greeting[] = { S(0, "220", 0), C(0, "EHLO", 3), { .kind = END } };
	struct world w;

	(void)state;
	for (size_t n = 0; n < ISNS; n++) {
		world_init(&w, isns[n], isns[n] + 77, 256 * 1024);
		play(&w, asked);
		reasm_start(&w.reasm, SERVER, w.isn[SERVER]);
		play(&w, rest);
		assert_string_equal(w.heard, "C(STARTTLS)S[0]S(400)");
		world_fini(&w);
		world_init(&w, isns[n], isns[n] + 77, 256 * 1024);
		play(&w, bare);
		reasm_start(&w.reasm, SERVER, w.isn[SERVER]);
		play(&w, greeting);
		assert_string_equal(w.heard, "S(220)C(EHLO)");
		world_fini(&w);
		world_init(&w, isns[n], isns[n] + 77, 256 * 1024);
		play(&w, asked);
		reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
		play(&w, more);
		assert_string_equal(w.heard, "C(STARTTLS)C[0]S(220)");
		world_fini(&w);
	}
}

/* Of a side that is not in the capture nothing can be missed, whatever is acknowledged. */
static void one_side_alone(void **state)
{
	static const struct step whole[] = {
		C(0, "ab", 9), C(2, "cd", 30), POLL_AFTER(5000), AT_THE_END, { .kind = END }
	};
	static const struct step hole[] = {
		C(0, "ab", 9), C(4, "ef", 9), POLL_AFTER(999), POLL_AFTER(1), { .kind = END }
	};
	struct world w;

	(void)state;
	for (size_t n = 0; n < ISNS; n++) {
		world_init(&w, isns[n], 1, 256 * 1024);
		reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
		play(&w, whole);
		assert_string_equal(w.heard, "C(ab)C(cd)");
		world_fini(&w);
		world_init(&w, isns[n], 1, 256 * 1024);
		reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
		play(&w, hole);
		assert_string_equal(w.heard, "C(ab)C[2]C(ef)");
		world_fini(&w);
	}
}

/* One mirror runs behind the other: its side is waited for as missing bytes are, once. */
static const struct {
	const char *name;
	struct step steps[STEPS_MAX];
	const char *heard;
	bool awaited; /* at the end */
} late[] = {
	{ "nobody has asked for anything yet", { S(0, "220", 0) }, "S(220)", false },
	{ "answers wait for the commands", { S(0, "220", 0), S(3, "250", 4) }, "S(220)", true },
	{ "the commands come",
	  { S(0, "220", 0), S(3, "250", 4), S(6, "221", 8), C(0, "EHLO", 3), C(4, "QUIT", 6) },
	  "S(220)C(EHLO)S(250)C(QUIT)S(221)",
	  false },
	{ "they do not come",
	  { S(0, "220", 0), S(3, "250", 4), POLL_AFTER(1000) },
	  "S(220)S(250)",
	  false },
	{ "once is enough",
	  { S(0, "250", 4), POLL_AFTER(1000), S(3, "221", 8) },
	  "S(250)S(221)",
	  false },
	{ "the end of the capture", { S(0, "250", 4), AT_THE_END }, "S(250)", false },
	{ "they come after all, and something is missing",
	  { S(0, "250", 4), POLL_AFTER(1000), C(4, "QUIT", 3), S(3, "221", 8), POLL_AFTER(1000) },
	  "S(250)C[4]C(QUIT)S(221)",
	  false },
	{ "a bare segment shows the side, and then bytes are missing",
	  { S(0, "250", 4), C_ACK(0), POLL_AFTER(1000) },
	  "C[4]S(250)",
	  false },
};

static void a_side_that_comes_late_is_waited_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		for (size_t n = 0; n < ISNS; n++) {
			struct world w;

			world_init(&w, isns[n], isns[n] + 77, 256 * 1024);
			reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
			reasm_start(&w.reasm, SERVER, w.isn[SERVER]);
			play(&w, late[i].steps);
			if (strcmp(w.heard, late[i].heard) != 0)
				fail_msg("%s: %s, not %s", late[i].name, w.heard, late[i].heard);
			assert_int_equal(reasm_awaits_side(&w.reasm), late[i].awaited);
			world_fini(&w);
		}
	}
}

/* Without a SYN the first acknowledgment tells where the other side stands. */
static void it_is_waited_for_without_a_syn(void **state)
{
	static const struct step steps[] = {
		S(900, "220", 500), S(903, "250", 504), C(500, "EHLO", 903), { .kind = END }
	};
	struct world w;

	(void)state;
	for (size_t n = 0; n < ISNS; n++) {
		world_init(&w, isns[n], isns[n] + 77, 256 * 1024);
		play(&w, steps);
		assert_string_equal(w.heard, "S(220)C(EHLO)S(250)");
		world_fini(&w);
	}
}

/* No room to wait: it is taken for absent, and no byte is lost for it. */
static void without_room_it_is_not_waited_for(void **state)
{
	static const struct step steps[] = {
		S(0, "220", 0), S(3, "250", 4), S(6, "250", 8), S(9, "221", 12), { .kind = END }
	};
	struct world w;

	(void)state;
	world_init(&w, 1, 1, REASM_BLOCK);
	reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
	reasm_start(&w.reasm, SERVER, w.isn[SERVER]);
	play(&w, steps);
	assert_string_equal(w.heard, "S(220)S(250)S(250)S(221)");
	assert_int_equal(w.memory.refused, 0);
	world_fini(&w);
}

/* A bare segment says what its side has sent, not what the other one has. */
static void nobody_acknowledges_what_it_sent_itself(void **state)
{
	static const struct step steps[] = { C(0, "ab", NO_ACK), C_ACK(0), { .kind = END } };
	struct reasm_out out;
	struct segment g = { .seq = 9, .ack = 1, .has_ack = true };
	struct world w;

	(void)state;
	world_init(&w, 1, 1, 256 * 1024);
	reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
	play(&w, steps);
	out = out_of(&w);
	reasm_segment(&w.reasm, &w.memory, CLIENT, &g, w.now_ms, &out);
	assert_false(w.reasm.side[CLIENT].has_acked);
	reasm_flush(&w.reasm, &w.memory, &out);
	assert_string_equal(w.heard, "C(ab)C[6]");
	world_fini(&w);
}

static void different_bytes_in_one_place_are_noticed(void **state)
{
	static const struct step same[] = { C(2, "cd", 0), C(0, "abcdef", 0), { .kind = END } };
	static const struct step other[] = { C(2, "cd", 0), C(1, "bcX", 0), { .kind = END } };
	struct world w;

	(void)state;
	world_init(&w, 1, 1, 256 * 1024);
	reasm_start(&w.reasm, CLIENT, 1);
	play(&w, same);
	assert_false(w.reasm.conflict);
	world_fini(&w);
	world_init(&w, 1, 1, 256 * 1024);
	reasm_start(&w.reasm, CLIENT, 1);
	play(&w, other);
	assert_true(w.reasm.conflict);
	world_fini(&w);
}

/* Two blocks for each direction: the third that waits makes the oldest hole a gap. */
static void over_the_budget_the_oldest_hole_is_a_gap(void **state)
{
	static const struct step steps[] = {
		C(2, "cd", 0), C(6, "gh", 0), C(10, "kl", 0), { .kind = END }
	};
	struct world w;

	(void)state;
	world_init(&w, 0xfffffffe, 1, REASM_BLOCK);
	reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
	play(&w, steps);
	assert_string_equal(w.heard, "C[2]C(cd)");
	assert_int_equal(w.memory.refused, 0);
	world_fini(&w);
}

struct amount {
	uint64_t bytes, missing;
};

static void count_data(void *ctx, enum side from, const uint8_t *data, size_t n)
{
	(void)from;
	assert_int_equal(data[n - 1], 'x');
	((struct amount *)ctx)->bytes += n;
}

static void count_gap(void *ctx, enum side from, uint64_t n)
{
	(void)from;
	((struct amount *)ctx)->missing += n;
}

static void offer_large(struct world *w, enum side from, uint32_t at, bool has_ack,
			struct amount *a)
{
	static uint8_t large[4 * REASM_BLOCK];
	struct reasm_out out = { count_data, count_gap, a };
	struct segment g = {
		.seq = w->isn[from] + at,
		.ack = w->isn[other_side(from)] + 100,
		.has_ack = has_ack,
		.data = large,
		.length = sizeof(large),
		.wire_length = sizeof(large),
	};

	memset(large, 'x', sizeof(large));
	reasm_segment(&w->reasm, &w->memory, from, &g, w->now_ms, &out);
}

/* A segment larger than all that may wait: what was before it is given up, and it is handed on. */
static void what_cannot_wait_does_not(void **state)
{
	struct amount a = { 0, 0 };
	struct world w;

	(void)state;
	world_init(&w, 1, 1, REASM_BLOCK);
	reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
	offer_large(&w, CLIENT, 2, false, &a);
	assert_int_equal(a.bytes, 4 * REASM_BLOCK);
	assert_int_equal(a.missing, 2);
	assert_int_equal(w.memory.refused, 0);
	world_fini(&w);
}

/* If it has to wait for the other side it is refused and counted, and its bytes are a gap. */
static void what_must_wait_and_cannot_is_refused(void **state)
{
	struct amount a = { 0, 0 };
	struct reasm_out out = { count_data, count_gap, &a };
	struct world w;

	(void)state;
	world_init(&w, 1, 1, REASM_BLOCK);
	reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
	reasm_start(&w.reasm, SERVER, w.isn[SERVER]);
	reasm_seen(&w.reasm, CLIENT);
	reasm_seen(&w.reasm, SERVER);
	offer_large(&w, SERVER, 0, true, &a);
	assert_int_equal(w.memory.refused, 1);
	assert_true(w.memory.blocks.used <= w.memory.per_direction);
	reasm_fin(&w.reasm, SERVER, w.isn[SERVER] + 4 * REASM_BLOCK);
	reasm_flush(&w.reasm, &w.memory, &out);
	assert_int_equal(a.bytes + a.missing, 100 + 4 * REASM_BLOCK);
	world_fini(&w);
}

/* One connection may use up what all share; another one then gets its bytes in order all the
 * same, and only what would have to wait is refused. */
static void memory_is_shared(void **state)
{
	struct step far = C(0, "x", 0), near = C(0, "ab", 0), ahead = C(4, "ef", 0);
	struct world greedy, other;
	struct reasm_memory *m = &greedy.memory;

	(void)state;
	world_init(&greedy, 1, 1, 1 << 20);
	reasm_memory_fini(m);
	assert_true(reasm_memory_init(m, 64 * 1024, 1 << 20));
	reasm_start(&greedy.reasm, CLIENT, 1);
	for (far.seq = 2; m->blocks.used < m->blocks.max; far.seq += 2)
		offer(&greedy, &far);
	assert_int_equal(m->refused, 0);

	world_init(&other, 1, 1, 1);
	reasm_memory_fini(&other.memory);
	other.memory = *m;
	reasm_start(&other.reasm, CLIENT, 1);
	offer(&other, &ahead);
	offer(&other, &near);
	assert_string_equal(other.heard, "C(ab)");
	assert_int_equal(other.memory.refused, 1);
	*m = other.memory;
	reasm_drop(&greedy.reasm, m);
	assert_int_equal(m->blocks.used, 0);
	reasm_memory_fini(m);
}

static void one_number_more_is_a_fin_or_a_byte(void **state)
{
	static const struct {
		struct step steps[STEPS_MAX];
		bool all;
	} sides[] = {
		{ { C(0, "ab", 0) }, true },
		{ { C(0, "ab", 0), S_ACK(2) }, true },
		{ { C(0, "ab", 0), S_ACK(3) }, false },
		{ { C(0, "ab", 0), C(3, "", NO_ACK) }, false }, /* it says so itself */
		{ { C(0, "ab", 0), C_FIN(2), S_ACK(3) }, true },
		{ { C(0, "ab", 0), C_FIN(3), S_ACK(3) }, false },
		{ { C(0, "ab", 0), S_ACK(3), C(2, "c", 0) }, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		struct world w;

		world_init(&w, 0xffffffff, 1000, 256 * 1024);
		reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
		reasm_start(&w.reasm, SERVER, w.isn[SERVER]);
		reasm_seen(&w.reasm, CLIENT);
		reasm_seen(&w.reasm, SERVER);
		play(&w, sides[i].steps);
		if (reasm_all_seen(&w.reasm, CLIENT) != sides[i].all)
			fail_msg("case %zu", i);
		world_fini(&w);
	}
}

static void it_is_finished_when_nothing_is_missing(void **state)
{
	static const struct step almost[] = {
		C(0, "QUIT", 0), S(0, "221", 4), C_FIN(4), S_FIN(5), { .kind = END }
	};
	static const struct step rest[] = { S(3, "\r\n", 4), { .kind = END } };
	struct world w;

	(void)state;
	for (size_t n = 0; n < ISNS; n++) {
		world_init(&w, isns[n], isns[n], 1 << 20);
		reasm_start(&w.reasm, CLIENT, w.isn[CLIENT]);
		reasm_start(&w.reasm, SERVER, w.isn[SERVER]);
		reasm_seen(&w.reasm, CLIENT);
		reasm_seen(&w.reasm, SERVER);
		assert_false(reasm_finished(&w.reasm));
		play(&w, almost);
		assert_false(reasm_finished(&w.reasm));
		play(&w, rest);
		assert_true(reasm_finished(&w.reasm));
		world_fini(&w);
	}
}

/* Anything ------------------------------------------------------------------------------------ */

#define TRUTH_MAX   4000
#define PACKETS_MAX 400
#define ROUNDS      3000

struct dice {
	uint64_t seed;
};

static uint32_t roll(struct dice *d, uint32_t n)
{
	d->seed = d->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(d->seed >> 33) % n;
}

struct sent {
	enum side from;
	uint32_t at, length, ack;
	uint32_t captured; /* the rest was cut by the snap length */
	bool fin;
};

struct chance {
	unsigned drop, twice, swap, cut, late; /* in a thousand */
};

struct anything {
	struct dice dice;
	struct world w;
	uint8_t truth[SIDES][TRUTH_MAX];
	uint32_t total[SIDES];
	struct sent sent[2 * PACKETS_MAX];
	size_t n;
	uint64_t at[SIDES]; /* bytes handed on or announced as gaps */
	uint64_t gaps;
	uint64_t due[SIDES]; /* what must have been accounted for at the end */
};

static void true_data(void *ctx, enum side from, const uint8_t *data, size_t n)
{
	struct anything *a = ctx;

	assert_true(n > 0 && a->at[from] + n <= a->total[from]);
	assert_memory_equal(data, a->truth[from] + a->at[from], n);
	a->at[from] += n;
}

static void true_gap(void *ctx, enum side from, uint64_t n)
{
	struct anything *a = ctx;

	assert_true(n > 0 && a->at[from] + n <= a->total[from]);
	a->at[from] += n;
	a->gaps += n;
}

static void add_packet(struct anything *a, enum side from, uint32_t length, bool fin)
{
	a->sent[a->n++] = (struct sent){
		.from = from,
		.at = a->total[from],
		.length = length,
		.captured = length,
		.ack = a->total[other_side(from)],
		.fin = fin,
	};
	a->total[from] += length;
}

/* A conversation: turns of one to a few segments, at times a bare acknowledgment, two FINs. */
static void converse(struct anything *a)
{
	enum side from = SERVER;

	for (unsigned side = 0; side < SIDES; side++) {
		for (unsigned i = 0; i < TRUTH_MAX; i++)
			a->truth[side][i] = (uint8_t)roll(&a->dice, 256);
	}
	for (unsigned turns = 1 + roll(&a->dice, 12); turns > 0; turns--) {
		for (unsigned k = 1 + roll(&a->dice, 6); k > 0; k--)
			add_packet(a, from, 1 + roll(&a->dice, 40), false);
		from = other_side(from);
		if (roll(&a->dice, 3) == 0)
			add_packet(a, from, 0, false);
	}
	if (roll(&a->dice, 4) == 0) /* now and then one that takes several blocks */
		add_packet(a, from, 1000, false);
	add_packet(a, CLIENT, 0, true);
	add_packet(a, SERVER, 0, true);
}

static bool happens(struct anything *a, unsigned in_a_thousand)
{
	return roll(&a->dice, 1000) < in_a_thousand;
}

static void mangle(struct anything *a, const struct chance *c)
{
	struct sent out[2 * PACKETS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (happens(a, c->drop))
			continue;
		out[n] = a->sent[i];
		if (happens(a, c->cut))
			out[n].captured = roll(&a->dice, out[n].length + 1);
		n++;
		if (happens(a, c->twice))
			out[n++] = a->sent[i];
	}
	for (size_t i = 1; i < n; i++) {
		size_t j =
			happens(a, c->swap) ? i - 1 - roll(&a->dice, i < 8 ? (uint32_t)i : 8) : i;
		struct sent moved = out[i];

		out[i] = out[j];
		out[j] = moved;
	}
	memcpy(a->sent, out, n * sizeof(out[0]));
	a->n = n;
}

static void now_due(struct anything *a, enum side side, uint64_t n)
{
	if (n > a->due[side])
		a->due[side] = n;
}

static void deliver(struct anything *a, const struct sent *p, const struct reasm_out *out)
{
	uint8_t *copy = malloc(p->captured + 1);
	uint64_t refused = a->w.memory.refused;
	struct segment g = {
		.seq = a->w.isn[p->from] + p->at,
		.ack = a->w.isn[other_side(p->from)] + p->ack,
		.has_ack = true,
		.data = copy,
		.length = p->captured,
		.wire_length = p->length,
	};

	assert_non_null(copy);
	memcpy(copy, a->truth[p->from] + p->at, p->captured);
	if (p->fin) {
		reasm_fin(&a->w.reasm, p->from, g.seq);
		now_due(a, p->from, p->at);
	}
	reasm_segment(&a->w.reasm, &a->w.memory, p->from, &g, a->w.now_ms, out);
	free(copy);
	if (a->w.memory.refused == refused && p->captured == p->length && p->length > 0)
		now_due(a, p->from, p->at + p->length);
	if (p->ack > 1) /* the last one may be a FIN's */
		now_due(a, other_side(p->from), p->ack - 1);
}

static void anything_can_happen(struct anything *a, const struct chance *c, uint64_t budget)
{
	struct reasm_out out = { true_data, true_gap, a };

	a->n = 0;
	a->gaps = 0;
	memset(a->total, 0, sizeof(a->total));
	memset(a->at, 0, sizeof(a->at));
	memset(a->due, 0, sizeof(a->due));
	world_init(&a->w, roll(&a->dice, 1u << 31) << 1, 0u - roll(&a->dice, 3000), budget);
	reasm_start(&a->w.reasm, CLIENT, a->w.isn[CLIENT]);
	reasm_start(&a->w.reasm, SERVER, a->w.isn[SERVER]);
	reasm_seen(&a->w.reasm, CLIENT);
	reasm_seen(&a->w.reasm, SERVER);
	converse(a);
	mangle(a, c);
	for (size_t i = 0; i < a->n; i++) {
		a->w.now_ms += happens(a, c->late) ? roll(&a->dice, 1500) : roll(&a->dice, 2);
		deliver(a, &a->sent[i], &out);
		if (happens(a, 100))
			reasm_poll(&a->w.reasm, &a->w.memory, a->w.now_ms, &out);
	}
	reasm_flush(&a->w.reasm, &a->w.memory, &out);
	for (unsigned side = 0; side < SIDES; side++) {
		assert_true(a->at[side] >= a->due[side]);
		assert_int_equal(a->w.reasm.side[side].first, POOL_NONE);
	}
	assert_int_equal(a->w.memory.blocks.used, 0);
	reasm_memory_fini(&a->w.memory);
}

static uint64_t first_seed(void)
{
	const char *set = getenv("MAILSEAL_SEED");

	if (set)
		return strtoull(set, NULL, 0);
	return (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
}

static void play_rounds(const struct chance *c, uint64_t budget, bool nothing_is_lost)
{
	struct anything *a = calloc(1, sizeof(*a));
	uint64_t seed = first_seed();

	assert_non_null(a);
	printf("# MAILSEAL_SEED=%" PRIu64 "\n", seed);
	a->dice.seed = seed;
	for (unsigned round = 0; round < ROUNDS; round++) {
		anything_can_happen(a, c, budget);
		if (!nothing_is_lost)
			continue;
		assert_int_equal(a->gaps, 0);
		assert_int_equal(a->at[CLIENT], a->total[CLIENT]);
		assert_int_equal(a->at[SERVER], a->total[SERVER]);
	}
	free(a);
}

static void order_and_repetition_lose_nothing(void **state)
{
	static const struct chance c = { .twice = 100, .swap = 200 };

	(void)state;
	play_rounds(&c, 256 * 1024, true);
}

static void what_is_lost_is_a_gap_and_nothing_else_is(void **state)
{
	static const struct chance c = {
		.drop = 80, .twice = 50, .swap = 150, .cut = 50, .late = 50
	};

	(void)state;
	play_rounds(&c, 256 * 1024, false);
}

static void so_it_is_with_little_memory(void **state)
{
	static const struct chance c = {
		.drop = 80, .twice = 50, .swap = 300, .cut = 20, .late = 20
	};

	(void)state;
	play_rounds(&c, 1, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_in_order_and_once),
		cmocka_unit_test(without_a_syn_it_begins_where_it_is_seen),
		cmocka_unit_test(bytes_before_the_first_are_missing_there),
		cmocka_unit_test(an_acknowledgment_that_comes_late_tells_of_the_beginning),
		cmocka_unit_test(a_late_syn_does_not_go_back),
		cmocka_unit_test(one_side_alone),
		cmocka_unit_test(a_side_that_comes_late_is_waited_for),
		cmocka_unit_test(it_is_waited_for_without_a_syn),
		cmocka_unit_test(without_room_it_is_not_waited_for),
		cmocka_unit_test(nobody_acknowledges_what_it_sent_itself),
		cmocka_unit_test(different_bytes_in_one_place_are_noticed),
		cmocka_unit_test(over_the_budget_the_oldest_hole_is_a_gap),
		cmocka_unit_test(what_cannot_wait_does_not),
		cmocka_unit_test(what_must_wait_and_cannot_is_refused),
		cmocka_unit_test(memory_is_shared),
		cmocka_unit_test(one_number_more_is_a_fin_or_a_byte),
		cmocka_unit_test(it_is_finished_when_nothing_is_missing),
		cmocka_unit_test(order_and_repetition_lose_nothing),
		cmocka_unit_test(what_is_lost_is_a_gap_and_nothing_else_is),
		cmocka_unit_test(so_it_is_with_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
