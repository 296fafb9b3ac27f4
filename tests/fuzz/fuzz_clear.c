/* A conversation in clear of any protocol. Input: which, flags, steps. */
#include "tests/fuzz/conversation.h"

static void check(const struct clear *c)
{
	MUST(c->protocol < PROTOCOL_N);
	MUST(!clear_answer_ready(c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	enum protocol protocol = (enum protocol)(PROTOCOL_SMTP + cur_u8(&c) % 3);

	conversation_run(protocol, cur_rest(&c), check);
	return 0;
}
