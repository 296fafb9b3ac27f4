/* The readers of SMTP's lines. Input: one line. */
#include "tests/fuzz/fuzz.h"

#include "dissectors/smtp_words.h"

static bool inside(struct span part, struct span whole)
{
	return part.at >= whole.at && part.at + part.len <= whole.at + whole.len;
}

static void as_command(struct span line)
{
	struct span args;
	unsigned word;
	enum smtp_command c = smtp_read_command(line, &args, &word);
	uint64_t chunk = 0;
	bool last;

	MUST(c < SMTP_COMMANDS && word_name(word) != NULL);
	MUST((c == SMTP_OTHER) == (word == WORD_OTHER_COMMAND));
	MUST(inside(args, line));
	if (smtp_read_bdat(args, &chunk, &last))
		MUST(chunk <= INT64_MAX && args.len > 0);
}

static void as_reply(struct span line)
{
	struct smtp_reply_line r = smtp_read_reply(line);

	MUST(r.code == 0 || (r.code >= 100 && r.code <= 599 && line.len >= 3));
	MUST(r.code != 0 || !r.more);
	for (unsigned c = 0; c <= SMTP_COMMANDS; c++) {
		if (smtp_plausible((enum smtp_command)c, r.code))
			MUST(r.code >= 200);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy((struct span){ data, size });

	as_command((struct span){ copy, size });
	as_reply((struct span){ copy, size });
	free(copy);
	return 0;
}
