#include "dissectors/tls_handshake.h"

#include <string.h>

#include "dissectors/tls_hello.h"

enum {
	MSG_CLIENT_HELLO = 1,
	MSG_SERVER_HELLO = 2,
	MSG_CERTIFICATE = 11,
	MSG_SERVER_KEY_EXCHANGE = 12,
	MSG_SERVER_HELLO_DONE = 14,
};

static void keep(struct tls *t, struct span s)
{
	size_t room = TLS_HELLO_KEPT - t->kept;
	size_t n = s.len < room ? s.len : room;

	memcpy(t->hello + t->kept, s.at, n);
	t->kept = (uint16_t)(t->kept + n);
	t->hello_cut |= n < s.len;
}

static struct span kept(const struct tls *t)
{
	return (struct span){ t->hello, t->kept };
}

static void client_hello(struct tls *t, struct facts *f)
{
	struct tls_client_hello hello;
	bool whole = tls_read_client_hello(kept(t), &hello);

	if (!whole && !t->hello_cut)
		facts_oddity(f, ODDITY_BAD_TLS);
	t->side[CLIENT].hello = true;
	facts_evidence(f, WORD_CLIENT_HELLO);
	if (hello.sni_len > 0) {
		memcpy(f->s.sni, hello.sni, sizeof(hello.sni));
		f->s.sni_len = hello.sni_len;
	}
	if (hello.alpn_len > 0) {
		memcpy(f->s.alpn, hello.alpn, sizeof(hello.alpn));
		f->s.alpn_len = hello.alpn_len;
	}
}

/* What TLS 1.3 tells here and hides later. */
static void server_hello_13(struct facts *f, const struct tls_server_hello *hello)
{
	f->s.tls_resumed = hello->psk ? TRI_TRUE : TRI_FALSE;
	f->s.certificate.state = CERTIFICATE_NOT_OBSERVABLE;
}

/* Suites that authenticate only: TLS_..._WITH_NULL_... and TLS_SHA256_SHA256 (IANA registry). */
static bool does_not_encrypt(uint16_t suite)
{
	static const uint16_t nulls[] = {
		0x0000, 0x0001, 0x0002, 0x002c, 0x002d, 0x002e, 0x003b, 0x00b0,
		0x00b1, 0x00b4, 0x00b5, 0x00b8, 0x00b9, 0xc001, 0xc006, 0xc00b,
		0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b, 0xc0b4, 0xc0b5,
	};

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++) {
		if (suite == nulls[i])
			return true;
	}
	return false;
}

static void server_hello(struct tls *t, struct facts *f)
{
	struct tls_server_hello hello;

	if (!tls_read_server_hello(kept(t), &hello)) {
		f->tls_gap[SERVER] |= t->hello_cut; /* larger than what is kept of it */
		t->side[SERVER].blind |= t->hello_cut;
		facts_oddity(f, ODDITY_BAD_TLS);
		return;
	}
	f->s.tls_group = hello.group;
	if (hello.retry) {
		t->retry = true;
		return;
	}
	t->side[SERVER].hello = true;
	t->version = hello.version;
	f->s.tls_version = hello.version;
	f->s.tls_cipher = hello.cipher_suite;
	f->null_cipher = does_not_encrypt(hello.cipher_suite);
	facts_evidence(f, WORD_SERVER_HELLO);
	if (hello.version >= TLS_VERSION_13)
		server_hello_13(f, &hello);
}

/* False for a ServerHello of version 0, too: nobody knows what that would be. */
static bool up_to_12(const struct tls *t)
{
	return t->version != 0 && t->version < TLS_VERSION_13;
}

/* Messages that only a full handshake has. */
static void full_handshake(struct tls *t, struct facts *f)
{
	t->full = true;
	f->s.tls_resumed = TRI_FALSE;
}

void tls_server_seals(struct tls *t, struct facts *f)
{
	if (!up_to_12(t) || t->full || t->side[SERVER].head_have > 0)
		return;
	f->s.tls_resumed = TRI_TRUE;
	f->s.certificate.state = CERTIFICATE_NOT_OBSERVABLE;
}

/* The server's messages behind its ServerHello. */
static void server_message(struct tls *t, struct facts *f, uint8_t type)
{
	if (!up_to_12(t))
		return;
	if (type == MSG_CERTIFICATE || type == MSG_SERVER_HELLO_DONE)
		full_handshake(t, f);
	else if (type == MSG_SERVER_KEY_EXCHANGE)
		f->s.tls_group = tls_read_named_curve(kept(t), f->s.tls_cipher);
}

static void message_ended(struct tls *t, struct facts *f, enum side from)
{
	uint8_t type = t->side[from].head[0];

	if (from == CLIENT && type == MSG_CLIENT_HELLO)
		client_hello(t, f);
	else if (from == SERVER && type == MSG_SERVER_HELLO)
		server_hello(t, f);
	else if (from == SERVER)
		server_message(t, f, type);
	t->side[from].head_have = 0;
}

static bool is_kept(enum side from, uint8_t type)
{
	if (from == CLIENT)
		return type == MSG_CLIENT_HELLO;
	return type == MSG_SERVER_HELLO || type == MSG_SERVER_KEY_EXCHANGE;
}

static uint32_t message_length(const struct tls_side *s)
{
	struct cursor c = cur_over((struct span){ s->head + 1, 3 });

	return cur_be24(&c);
}

static void message_began(struct tls *t, enum side from)
{
	struct tls_side *s = &t->side[from];

	s->message_left = message_length(s);
	if (!is_kept(from, s->head[0]))
		return;
	t->kept = 0;
	t->hello_cut = false;
}

/* The certificate's own length stands behind that of the list. */
static uint32_t leaf_length(const struct tls *t)
{
	struct cursor c = cur_over((struct span){ t->leaf_head + 3, 3 });

	return cur_be24(&c);
}

/* The first certificate of the message, from offset on: behind the length of the list and its own
 * (RFC 5246, 7.4.2). */
static void leaf_bytes(struct tls *t, uint32_t offset, struct span part)
{
	struct cursor c = cur_over(part);
	uint32_t length, at;

	for (; offset < sizeof(t->leaf_head) && cur_left(&c) > 0; offset++)
		t->leaf_head[offset] = cur_u8(&c);
	if (cur_left(&c) == 0)
		return;
	length = leaf_length(t);
	at = offset - (uint32_t)sizeof(t->leaf_head);
	if (at >= length)
		return;
	part = cur_sub(&c, cur_left(&c) < length - at ? cur_left(&c) : length - at);
	t->leaf->part(t->leaf->ctx, at, length, part.at, part.len);
}

static void message_bytes(struct tls *t, enum side from, struct span part)
{
	const struct tls_side *s = &t->side[from];

	if (is_kept(from, s->head[0]))
		keep(t, part);
	else if (from == SERVER && s->head[0] == MSG_CERTIFICATE && t->leaf && up_to_12(t) &&
		 !t->full)
		leaf_bytes(t, message_length(s) - s->message_left, part);
}

void tls_handshake_bytes(struct tls *t, struct facts *f, enum side from, struct span body)
{
	struct tls_side *s = &t->side[from];
	struct cursor c = cur_over(body);

	while (cur_left(&c) > 0) {
		struct span part;

		if (s->head_have < sizeof(s->head)) {
			s->head[s->head_have++] = cur_u8(&c);
			if (s->head_have < sizeof(s->head))
				continue;
			message_began(t, from);
		}
		part = cur_sub(&c, cur_left(&c) < s->message_left ? cur_left(&c) : s->message_left);
		message_bytes(t, from, part);
		s->message_left -= (uint32_t)part.len;
		if (s->message_left == 0)
			message_ended(t, f, from);
	}
}
