#include "dissectors/smtp_words.h"

static const struct {
	const char *name;
	uint8_t command;
	uint16_t word;
} commands[] = {
	{ "EHLO", SMTP_EHLO, WORD_EHLO },
	{ "HELO", SMTP_HELO, WORD_HELO },
	{ "STARTTLS", SMTP_STARTTLS, WORD_STARTTLS },
	{ "MAIL", SMTP_MAIL, WORD_MAIL },
	{ "RCPT", SMTP_RCPT, WORD_RCPT },
	{ "DATA", SMTP_DATA, WORD_DATA },
	{ "BDAT", SMTP_BDAT, WORD_BDAT },
	{ "RSET", SMTP_RSET, WORD_RSET },
	{ "AUTH", SMTP_AUTH, WORD_AUTH },
	{ "X-EXPS", SMTP_AUTH, WORD_AUTH }, /* the same between Exchange servers */
	{ "QUIT", SMTP_QUIT, WORD_QUIT },
};

/* MAIL is a word of prose, too; the command has "FROM:" behind it (RFC 5321, 4.1.1.2). */
static bool begins_with_from(struct span args)
{
	return args.len >= 5 && span_is((struct span){ args.at, 4 }, "FROM") &&
	       (args.at[4] == ':' || args.at[4] == ' ' || args.at[4] == '\t');
}

/* Servers take a command behind blanks, too. */
static struct span without_blanks(struct span line)
{
	while (line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t')) {
		line.at++;
		line.len--;
	}
	return line;
}

bool smtp_is_lmtp(struct span line)
{
	return span_is(span_word(line, NULL), "LHLO");
}

enum smtp_command smtp_read_command(struct span line, struct span *args, unsigned *word)
{
	struct span verb = span_word(without_blanks(line), args);

	while (verb.len > 0 && verb.at[verb.len - 1] == '\r')
		verb.len--;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (span_is(verb, commands[i].name) &&
		    (commands[i].command != SMTP_MAIL || begins_with_from(*args))) {
			*word = commands[i].word;
			return (enum smtp_command)commands[i].command;
		}
	}
	*word = WORD_OTHER_COMMAND;
	return SMTP_OTHER;
}

static bool read_number(struct span s, uint64_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)s.at[i] - '0';

		if (digit > 9 || n > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return s.len > 0;
}

bool smtp_read_bdat(struct span args, uint64_t *size, bool *last)
{
	struct span rest, tail;
	struct span number = span_word(args, &rest);
	struct span word = span_word(rest, &tail);

	*last = span_is(word, "LAST");
	return read_number(number, size) && (*last || word.len == 0) && tail.len == 0;
}

static bool is_digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

struct smtp_reply_line smtp_read_reply(struct span l)
{
	struct smtp_reply_line none = { 0, false };

	if (l.len < 3 || l.at[0] < '1' || l.at[0] > '5')
		return none;
	if ((l.at[0] == '4' || l.at[0] == '5') && l.at[1] == '.' && is_digit(l.at[2]))
		return (struct smtp_reply_line){ (l.at[0] - '0') * 100u, false };
	if (!is_digit(l.at[1]) || !is_digit(l.at[2]))
		return none;
	if (l.len > 3 && l.at[3] != ' ' && l.at[3] != '-')
		return none;
	return (struct smtp_reply_line){
		(l.at[0] - '0') * 100u + (l.at[1] - '0') * 10u + (l.at[2] - '0'),
		l.len > 3 && l.at[3] == '-',
	};
}

bool smtp_is_masked_greeting(struct span line)
{
	size_t stars = 0;

	for (size_t i = 4; i < line.len; i++) {
		if (line.at[i] == '*')
			stars++;
		else if (line.at[i] != '2' && line.at[i] != '0' && line.at[i] != ' ')
			return false;
	}
	return stars > line.len / 2;
}

bool smtp_plausible(enum smtp_command c, unsigned code)
{
	unsigned class = code / 100;

	if (class == 4 || class == 5)
		return true;
	switch (c) {
	case SMTP_DATA: return code == 354;
	case SMTP_AUTH:
	case SMTP_AUTH_DATA: return code == 334 || code == 235;
	case SMTP_STARTTLS: return code == 220; /* RFC 3207, 4 */
	case SMTP_EHLO:
	case SMTP_HELO: return class == 2 && code != 221 && code != 235;
	case SMTP_MAIL:
	case SMTP_RCPT:
	case SMTP_RSET:
	case SMTP_DOT:
	case SMTP_BDAT:
	case SMTP_BDAT_LAST: return class == 2 && code != 220 && code != 221 && code != 235;
	case SMTP_QUIT: return class == 2;
	case SMTP_OTHER: return class == 2 || class == 3;
	case SMTP_COMMANDS: return false;
	}
	return false;
}
