/* explain_evidence.c - the evidence of a session as sentences.
 *
 * Replies come in the order of their commands (RFC 5321, 4.1.1; RFC 2920), so a queue of the
 * commands that wait for one tells what a code means. The evidence keeps no more than two equal
 * codes in a row, and a gap hides any number: where that can have shifted the queue, a reply is
 * told by its code alone.
 */
#include "reports/explain.h"

#include <string.h>

/* What a reply means, by the command it answers and its first digit. */
struct meaning {
	unsigned word; /* WORD_NONE: the greeting */
	unsigned digit;
	const char *text;
};

static const struct meaning meanings[] = {
	{ WORD_NONE, 2, "the server greeted" },
	{ WORD_NONE, 4, "the server turned the client away for now" },
	{ WORD_NONE, 5, "the server turned the client away" },
	{ WORD_HELO, 2, "the server answered HELO" },
	{ WORD_HELO, 5, "the server refused HELO" },
	{ WORD_EHLO, 2, "the server said what it can do" },
	{ WORD_EHLO, 5, "the server refused EHLO" },
	{ WORD_STARTTLS, 2, "the server said: go ahead with TLS" },
	{ WORD_STARTTLS, 4, "the server refused STARTTLS for now" },
	{ WORD_STARTTLS, 5, "the server refused STARTTLS" },
	{ WORD_MAIL, 2, "the server accepted the sender" },
	{ WORD_MAIL, 4, "the server refused the mail for now" },
	{ WORD_MAIL, 5, "the server refused the mail" },
	{ WORD_RCPT, 2, "the server accepted the recipient" },
	{ WORD_RCPT, 4, "the server refused the recipient for now" },
	{ WORD_RCPT, 5, "the server refused the recipient" },
	{ WORD_DATA, 3, "the server was ready for the message" },
	{ WORD_DATA, 4, "the server refused the message for now" },
	{ WORD_DATA, 5, "the server refused the message" },
	{ WORD_BDAT, 2, "the server took the part of the message" },
	{ WORD_BDAT, 4, "the server refused the part of the message for now" },
	{ WORD_BDAT, 5, "the server refused the part of the message" },
	{ WORD_DOT, 2, "the server took the message" },
	{ WORD_DOT, 4, "the server refused the message for now" },
	{ WORD_DOT, 5, "the server refused the message" },
	{ WORD_AUTH, 2, "the server accepted the login" },
	{ WORD_AUTH, 3, "the server asked for the next part of the login" },
	{ WORD_AUTH, 4, "the server refused the login for now" },
	{ WORD_AUTH, 5, "the server refused the login" },
	{ WORD_QUIT, 2, "the server took its leave" },
	{ WORD_RSET, 2, "the server started over" },
};

static const char *const by_digit[10] = {
	[2] = "the server said yes",
	[3] = "the server asked for more",
	[4] = "the server refused for now",
	[5] = "the server refused",
};

/* Commands without a reply yet, oldest first. */
struct waiting {
	unsigned words[EVIDENCE_MAX + 1];
	size_t n;
	unsigned last; /* code or word */
	bool unsure;   /* replies may have shifted against their commands */
	bool gap;      /* and so since a gap */
};

static void push(struct waiting *w, unsigned word)
{
	w->words[w->n++] = word;
	w->unsure |= word == w->last;
}

static void pop(struct waiting *w, size_t n)
{
	if (n > w->n)
		n = w->n;
	w->n -= n;
	memmove(w->words, w->words + n, w->n * sizeof(w->words[0]));
}

/* Only DATA and AUTH are answered with 3xx: that tells where the queue stands. */
static bool find_continued(struct waiting *w)
{
	size_t i = 0;

	while (i < w->n && w->words[i] != WORD_DATA && w->words[i] != WORD_AUTH)
		i++;
	if (i == w->n)
		return false;
	pop(w, i);
	w->unsure = w->gap = false;
	return true;
}

/* The command that a reply answers; WORD_END when that is not sure. 3xx does not end its command:
 * what answers it is no command of its own. */
static unsigned answered(struct waiting *w, unsigned code)
{
	unsigned word;

	if (code / 100 == 3) {
		if (!find_continued(w))
			return WORD_END;
		word = w->words[0];
		if (word == WORD_DATA)
			w->words[0] = WORD_DOT;
		return word;
	}
	word = w->n > 0 && !w->unsure && !w->gap ? w->words[0] : WORD_END;
	pop(w, 1);
	w->unsure = w->n > 0 && (w->unsure || code == w->last);
	return word;
}

static const char *reply_meaning(unsigned word, unsigned code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].word == word && meanings[i].digit == code / 100)
			return meanings[i].text;
	}
	return by_digit[code / 100] ? by_digit[code / 100] : "the server replied";
}

static bool is_command(unsigned word)
{
	return (word >= WORD_HELO && word <= WORD_BDAT) ||
	       (word >= WORD_RSET && word <= WORD_OTHER_COMMAND);
}

static void explain_one(struct waiting *w, unsigned item, char line[EXPLAIN_LINE_MAX])
{
	if (item < WORD_FIRST) {
		snprintf(line, EXPLAIN_LINE_MAX, "%s (%u)", reply_meaning(answered(w, item), item),
			 item);
	} else {
		if (is_command(item))
			push(w, item);
		if (item == WORD_GAP)
			w->gap = true;
		snprintf(line, EXPLAIN_LINE_MAX, "%s", explain_word(item));
	}
	w->last = item;
}

/* The greeting is a reply to nothing: 220, or a refusal; or it is still due when the client spoke
 * first. Any other beginning is the middle of a session. */
static bool greeting_due(const struct session *s)
{
	unsigned first = s->evidence_len ? s->evidence[0] : WORD_END;

	return first == 220 || first / 100 == 4 || first / 100 == 5 ||
	       s->oddities & 1u << ODDITY_NO_GREETING;
}

size_t explain_evidence(const struct session *s, char lines[EVIDENCE_MAX][EXPLAIN_LINE_MAX])
{
	struct waiting w = { .n = 0 };

	w.last = WORD_END;
	if (greeting_due(s))
		push(&w, WORD_NONE);
	for (size_t i = 0; i < s->evidence_len; i++)
		explain_one(&w, s->evidence[i], lines[i]);
	return s->evidence_len;
}
