/* Records come out the same however the bytes are cut. Input: size of the pieces, bytes. */
#include "tests/fuzz/fuzz.h"

#include "dissectors/tls_record.h"

/* What came out: FNV-1a over headers and bodies. */
struct outcome {
	uint64_t hash;
	size_t records, body;
	bool bad;
};

static void mix(struct outcome *o, unsigned value)
{
	o->hash = (o->hash ^ value) * UINT64_C(0x100000001b3);
}

static void took_body(struct tls_record *r, struct span body, struct outcome *o)
{
	MUST(body.len > 0);
	for (size_t i = 0; i < body.len; i++)
		mix(o, body.at[i]);
	o->body += body.len;
	MUST(r->left <= r->length);
}

/* One piece of the stream. False once it is not TLS. */
static bool feed(struct tls_record *r, struct span in, struct outcome *o)
{
	struct span body = { in.at, 0 };

	for (;;) {
		size_t before = in.len;

		switch (tls_record_next(r, &in, &body)) {
		case TLS_PIECE_MORE: MUST(in.len == 0); return true;
		case TLS_PIECE_BAD: o->bad = true; return false;
		case TLS_PIECE_START:
			MUST((r->type >= TLS_CHANGE_CIPHER_SPEC &&
			      r->type <= TLS_APPLICATION_DATA) ||
			     r->type == TLS_HELLO_V2);
			MUST(r->length <= TLS_RECORD_MAX && r->left == r->length);
			mix(o, r->type);
			mix(o, r->length);
			o->records++;
			break;
		case TLS_PIECE_BODY: took_body(r, body, o); break;
		}
		MUST(in.len < before);
	}
}

static struct outcome run(struct span in, size_t piece)
{
	struct outcome o = { .hash = UINT64_C(0xcbf29ce484222325) };
	struct tls_record r;
	bool going = true;

	tls_record_reset(&r);
	for (size_t at = 0; going && at < in.len; at += piece) {
		size_t n = in.len - at < piece ? in.len - at : piece;
		uint8_t *copy = fuzz_copy((struct span){ in.at + at, n });

		going = feed(&r, (struct span){ copy, n }, &o);
		free(copy);
	}
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	size_t piece = (size_t)cur_u8(&c) + 1;
	struct span in = cur_rest(&c);
	struct outcome whole = run(in, in.len + 1), cut = run(in, piece);

	MUST(whole.hash == cut.hash && whole.bad == cut.bad);
	MUST(whole.records == cut.records && whole.body == cut.body);
	return 0;
}
