/* Frames of every link layer. Input: enum link, then the frame. */
#include "tests/fuzz/fuzz.h"

#include "dissectors/verdict.h"
#include "sensor/decode.h"

static void delivered(const struct packet *p, const uint8_t *frame, size_t n)
{
	MUST(p->payload >= frame && p->payload + p->length <= frame + n);
	MUST(p->length <= p->wire_length && p->wire_length <= UINT16_MAX + (uint32_t)n);
	MUST(p->ip >= frame && p->ip + p->ip_length <= frame + n);
	MUST(p->ip < p->payload);
	MUST(p->vlan == VLAN_NONE || p->vlan < 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	enum link link = (enum link)(cur_u8(&c) % (LINK_LOOP + 1u));
	struct span frame = cur_rest(&c);
	uint8_t *copy = fuzz_copy(frame);
	struct packet p = { 0 };
	enum health_counter why = decode_frame(link, copy, frame.len, &p);

	if (why == HEALTH_DELIVERED)
		delivered(&p, copy, frame.len);
	else
		MUST(why >= SKIP_LINK && why <= SKIP_TCP);
	free(copy);
	return 0;
}
