/* An IMAP conversation with gaps. Input: flags, then steps (fuzz.h). */
#include "tests/fuzz/conversation.h"

static void check_side(const struct imap *s, enum side from)
{
	conversation_check_words(&s->line[from]);
	MUST(s->literal[from] <= INT64_MAX);
	MUST(s->literal[from] == 0 || !wordbuf_partial(&s->line[from]));
}

static void check(const struct clear *c)
{
	const struct imap *s = &c->imap;

	MUST(s->queued <= IMAP_QUEUE);
	for (unsigned i = 0; i < s->queued; i++)
		MUST(s->queue[i].command < IMAP_COMMANDS);
	MUST(s->request.command < IMAP_COMMANDS && s->request.word < WORD_END);
	MUST(s->response.kind <= IMAP_CONTINUE && s->response.status < IMAP_STATUSES);
	MUST(!s->waits || (s->request.pushed && s->literal[CLIENT] == 0));
	MUST(!s->preauth || s->signed_in);
	MUST(!s->answer_ready);
	check_side(s, CLIENT);
	check_side(s, SERVER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	conversation_run(PROTOCOL_IMAP, (struct span){ data, size }, check);
	return 0;
}
