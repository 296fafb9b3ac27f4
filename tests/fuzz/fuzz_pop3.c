/* A POP3 conversation with gaps. Input: flags, then steps (fuzz.h). */
#include "tests/fuzz/conversation.h"

static void check(const struct clear *c)
{
	const struct pop3 *s = &c->pop3;

	conversation_check_queue(&s->queue, POP3_COMMANDS);
	MUST(s->multi_of <= POP3_COMMANDS && s->status <= POP3_CONTINUE);
	MUST(!s->answer_ready);
	conversation_check_line(&s->line[CLIENT]);
	conversation_check_line(&s->line[SERVER]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	conversation_run(PROTOCOL_POP3, (struct span){ data, size }, check);
	return 0;
}
