/* An SMTP conversation with gaps. Input: flags, then steps (fuzz.h). */
#include "tests/fuzz/conversation.h"

static void check(const struct clear *c)
{
	const struct smtp *s = &c->smtp;

	conversation_check_queue(&s->queue, SMTP_COMMANDS);
	MUST(s->mode <= SMTP_MODE_CHUNK);
	MUST(s->mode == SMTP_MODE_CHUNK || s->chunk_left == 0 || s->lost[CLIENT] || !s->body_seen ||
	     s->mode == SMTP_MODE_COMMAND);
	MUST(!s->answer_ready);
	conversation_check_line(&s->line[CLIENT]);
	conversation_check_line(&s->line[SERVER]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	conversation_run(PROTOCOL_SMTP, (struct span){ data, size }, check);
	return 0;
}
