#include "sensor/volume.h"

#include "sensor/sequence.h"

#define HOLE_MAX (1u << 30) /* a larger one is no loss, but a number that is not to be believed */

void volume_init(struct volume *v, uint32_t client_next, uint32_t server_next)
{
	*v = (struct volume){ .next = { [CLIENT] = client_next, [SERVER] = server_next } };
}

static void count(struct session *s, enum side from, uint32_t n)
{
	if (from == CLIENT)
		s->bytes_to_server += n;
	else
		s->bytes_to_client += n;
}

/* A segment that comes late fills the hole that it left. Returns how many bytes of it. */
static uint32_t fill_hole(struct volume_hole *h, uint32_t seq, uint32_t end)
{
	uint32_t size = h->to - h->from;
	uint32_t at = seq_after(seq, h->from) > 0 ? seq - h->from : 0;
	uint32_t to = seq_after(h->to, end) > 0 ? end - h->from : size;

	if (size == 0 || at >= size || to > size || to <= at)
		return 0;
	if (at == 0)
		h->from += to;
	else
		h->to = h->from + at; /* what lies behind stays missing */
	return to - at;
}

static void late(struct volume *v, struct session *s, enum side from, uint32_t seq, uint32_t end)
{
	uint32_t filled = fill_hole(&v->hole[from], seq, end);

	s->bytes_missing -= filled;
	count(s, from, filled);
}

static void note_hole(struct volume *v, struct session *s, enum side from, uint32_t size)
{
	if (size >= HOLE_MAX)
		return;
	s->bytes_missing += size;
	v->hole[from] = (struct volume_hole){ v->next[from], v->next[from] + size };
}

void volume_segment(struct volume *v, struct session *s, enum side from, uint32_t seq, uint32_t n)
{
	uint32_t end = seq + n;
	int32_t fresh = seq_after(end, v->next[from]);

	if (n == 0) /* it may stand behind a FIN, which takes a number of its own */
		return;
	if (fresh <= 0) {
		late(v, s, from, seq, end);
		return;
	}
	if ((uint32_t)fresh > n)
		note_hole(v, s, from, (uint32_t)fresh - n);
	else
		n = (uint32_t)fresh;
	v->next[from] = end;
	count(s, from, n);
}
