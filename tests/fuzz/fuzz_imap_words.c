/* The readers of IMAP's words. Input: one word. */
#include "tests/fuzz/fuzz.h"

#include "dissectors/imap_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy((struct span){ data, size });
	struct span text = { copy, size };
	unsigned word;
	enum imap_command c = imap_read_command(text, &word);
	enum imap_status status = imap_read_status(text);

	MUST(c < IMAP_COMMANDS && word_name(word) != NULL);
	MUST(c != IMAP_OTHER || word == WORD_OTHER_COMMAND);
	MUST(status < IMAP_STATUSES);
	MUST((status == IMAP_NO_STATUS) == (word_name(imap_status_word(status)) == NULL));
	MUST(status == IMAP_NO_STATUS || c == IMAP_OTHER);
	MUST(!imap_is_number(text) || (size > 0 && c == IMAP_OTHER && status == IMAP_NO_STATUS));
	MUST(!imap_is_mailbox_data(text) || status == IMAP_NO_STATUS);
	free(copy);
	return 0;
}
