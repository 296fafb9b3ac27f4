#include "dissectors/pop3_words.h"

enum arguments { ANY, NONE, SOME };

static const struct {
	const char *name;
	enum arguments arguments;
	uint8_t command;
	uint16_t word;
} commands[] = {
	{ "CAPA", ANY, POP3_CAPA, WORD_CAPA },
	{ "STLS", NONE, POP3_STLS, WORD_STLS },
	{ "USER", SOME, POP3_USER, WORD_USER },
	{ "PASS", SOME, POP3_PASS, WORD_PASS },
	{ "APOP", SOME, POP3_APOP, WORD_APOP },
	{ "AUTH", SOME, POP3_AUTH, WORD_AUTH },
	{ "AUTH", NONE, POP3_AUTH_LIST, WORD_AUTH },
	{ "LIST", NONE, POP3_LIST_ALL, WORD_OTHER_COMMAND },
	{ "UIDL", NONE, POP3_LIST_ALL, WORD_OTHER_COMMAND },
	{ "LANG", NONE, POP3_LIST_ALL, WORD_OTHER_COMMAND },
	{ "RETR", SOME, POP3_RETR, WORD_RETR },
	{ "TOP", SOME, POP3_RETR, WORD_TOP },
	{ "QUIT", ANY, POP3_QUIT, WORD_QUIT },
	{ "STAT", ANY, POP3_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "LIST", SOME, POP3_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "UIDL", SOME, POP3_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "DELE", SOME, POP3_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "NOOP", NONE, POP3_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "RSET", NONE, POP3_SIGNED_IN, WORD_OTHER_COMMAND },
};

static bool fits(enum arguments wanted, struct span args)
{
	return wanted == ANY || (wanted == SOME) == (args.len > 0);
}

enum pop3_command pop3_read_command(struct span line, struct span *args, unsigned *word)
{
	struct span verb = span_word(line, args);

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (span_is(verb, commands[i].name) && fits(commands[i].arguments, *args)) {
			*word = commands[i].word;
			return (enum pop3_command)commands[i].command;
		}
	}
	*word = WORD_OTHER_COMMAND;
	return POP3_OTHER;
}

enum pop3_status pop3_read_status(struct span line)
{
	struct span word = span_word(line, NULL);

	if (span_is(word, "+OK"))
		return POP3_OK;
	if (span_is(word, "-ERR"))
		return POP3_ERR;
	return span_is(word, "+") ? POP3_CONTINUE : POP3_NO_STATUS;
}

bool pop3_is_multiline(enum pop3_command c)
{
	return c == POP3_CAPA || c == POP3_AUTH_LIST || c == POP3_LIST_ALL || c == POP3_RETR;
}

bool pop3_is_greeting_text(struct span line)
{
	bool at = false;

	for (size_t i = 0; i < line.len; i++) {
		struct span three = { line.at + i, 3 };

		if (line.len - i >= 3 && span_is(three, "POP"))
			return true;
		if (line.at[i] == '<')
			at = true;
		else if (line.at[i] == '>' && at)
			return true;
	}
	return false;
}
