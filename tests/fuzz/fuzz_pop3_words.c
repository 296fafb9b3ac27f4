/* The readers of POP3's lines. Input: one line. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "dissectors/pop3_words.h"

static void as_command(struct span line)
{
	struct span args;
	unsigned word;
	enum pop3_command c = pop3_read_command(line, &args, &word);

	MUST(c < POP3_COMMANDS && word_name(word) != NULL);
	MUST(c != POP3_AUTH_DATA); /* only the state knows */
	MUST(c != POP3_OTHER || word == WORD_OTHER_COMMAND);
	MUST(args.at >= line.at && args.at + args.len == line.at + line.len);
	MUST(c != POP3_STLS || args.len == 0);
	MUST((c != POP3_PASS && c != POP3_AUTH && c != POP3_RETR) || args.len > 0);
}

static void as_reply(struct span line)
{
	enum pop3_status status = pop3_read_status(line);

	MUST(status <= POP3_CONTINUE);
	MUST(status == POP3_NO_STATUS || line.at[0] == '+' || line.at[0] == '-');
	MUST(!pop3_is_greeting_text(line) || line.len >= 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy((struct span){ data, size });

	as_command((struct span){ copy, size });
	as_reply((struct span){ copy, size });
	free(copy);
	return 0;
}
