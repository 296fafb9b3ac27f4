#include "dissectors/tls_record.h"

void tls_record_reset(struct tls_record *r)
{
	r->have = 0;
	r->left = 0;
	r->length = 0;
	r->type = 0;
}

enum { HELLO_V2_SHORTEST = 28 }; /* one suite and 16 bytes of challenge */

/* Two bytes of length, the highest bit of which is set, client_hello(1), and a version of TLS. */
static bool is_hello_v2(struct span s)
{
	if (s.at[0] & 0x40) /* longer than any record */
		return false;
	if (s.len > 1 && (s.at[0] & 0x7f) == 0 && s.at[1] < HELLO_V2_SHORTEST)
		return false;
	return (s.len < 3 || s.at[2] == 1) && (s.len < 4 || s.at[3] == 3) &&
	       (s.len < TLS_RECORD_HEADER || s.at[4] <= 4);
}

/* Each byte of a header is checked as far as it is there. */
bool tls_record_plausible(struct span s)
{
	if (s.len > 0 && s.at[0] >= TLS_HELLO_V2)
		return is_hello_v2(s);
	if (s.len > 0 && !tls_record_first(s.at[0]))
		return false;
	if (s.len > 1 && s.at[1] != 3)
		return false;
	if (s.len > 2 && s.at[2] > 4)
		return false;
	if (s.len >= TLS_RECORD_HEADER) {
		unsigned length = (unsigned)s.at[3] << 8 | s.at[4];

		if (length > TLS_RECORD_MAX)
			return false;
		return length > 0 || s.at[0] == TLS_APPLICATION_DATA;
	}
	return true;
}

size_t tls_record_gather(struct tls_record *r, struct span in)
{
	size_t n = 0;

	while (r->have < TLS_RECORD_HEADER && n < in.len) {
		r->header[r->have] = in.at[n];
		if (!tls_record_plausible((struct span){ r->header, r->have + 1u }))
			break;
		r->have++;
		n++;
	}
	return n;
}

static enum tls_piece take_header(struct tls_record *r, struct span *in)
{
	size_t n = tls_record_gather(r, *in);

	in->at += n;
	in->len -= n;
	if (r->have < TLS_RECORD_HEADER)
		return in->len > 0 ? TLS_PIECE_BAD : TLS_PIECE_MORE;
	if (r->header[0] >= TLS_HELLO_V2) { /* its length counts what is behind the first two */
		r->type = TLS_HELLO_V2;
		r->length = (uint16_t)((r->header[0] & 0x7f) << 8 | r->header[1]);
		r->length = (uint16_t)(r->length - (TLS_RECORD_HEADER - 2));
	} else {
		r->type = r->header[0];
		r->length = (uint16_t)(r->header[3] << 8 | r->header[4]);
	}
	r->left = r->length;
	if (r->left == 0)
		r->have = 0;
	return TLS_PIECE_START;
}

enum tls_piece tls_record_next(struct tls_record *r, struct span *in, struct span *body)
{
	size_t n;

	if (r->left == 0)
		return take_header(r, in);
	if (in->len == 0)
		return TLS_PIECE_MORE;
	n = in->len < r->left ? in->len : r->left;
	*body = (struct span){ in->at, n };
	in->at += n;
	in->len -= n;
	r->left = (uint16_t)(r->left - n);
	if (r->left == 0)
		r->have = 0;
	return TLS_PIECE_BODY;
}
