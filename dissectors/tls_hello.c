#include "dissectors/tls_hello.h"

#include <string.h>

enum {
	EXT_SERVER_NAME = 0,
	EXT_ALPN = 16,
	EXT_PRE_SHARED_KEY = 41,
	EXT_SUPPORTED_VERSIONS = 43,
	EXT_KEY_SHARE = 51,
};
enum { NAME_TYPE_HOST = 0, CURVE_NAMED = 3 };

/* The random of a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446, 4.1.3). */
static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* ServerNameList (RFC 6066, 3): the first host_name. */
static void read_server_name(struct span ext, struct tls_client_hello *out)
{
	struct cursor c = cur_over(ext);
	struct span list = cur_sub(&c, cur_be16(&c));

	c = cur_over(list);
	while (c.ok && cur_left(&c) > 0) {
		uint8_t type = cur_u8(&c);
		struct span name = cur_sub(&c, cur_be16(&c));

		if (!c.ok || type != NAME_TYPE_HOST || name.len == 0 || name.len > SNI_MAX)
			continue;
		memcpy(out->sni, name.at, name.len);
		out->sni[name.len] = '\0';
		out->sni_len = (uint16_t)name.len;
		return;
	}
}

/* Adds a name and the comma before it; false when there is no room for both. */
static bool add_protocol(struct tls_client_hello *out, struct span name)
{
	size_t comma = out->alpn_len > 0;

	if (comma + name.len > ALPN_LIST_MAX - (size_t)out->alpn_len)
		return false;
	if (comma)
		out->alpn[out->alpn_len] = ',';
	memcpy(out->alpn + out->alpn_len + comma, name.at, name.len);
	out->alpn_len = (uint8_t)(out->alpn_len + comma + name.len);
	return true;
}

/* ProtocolNameList (RFC 7301, 3.1), as far as there is room for it. */
static void read_protocols(struct span ext, struct tls_client_hello *out)
{
	struct cursor c = cur_over(ext);

	c = cur_over(cur_sub(&c, cur_be16(&c)));
	while (c.ok && cur_left(&c) > 0) {
		struct span name = cur_sub(&c, cur_u8(&c));

		if (c.ok && name.len > 0 && !add_protocol(out, name))
			return;
	}
}

bool tls_read_client_hello(struct span body, struct tls_client_hello *out)
{
	struct cursor c = cur_over(body);
	size_t extensions;
	bool whole;

	memset(out, 0, sizeof(*out));
	cur_skip(&c, 2);            /* legacy_version */
	cur_skip(&c, 32);           /* random */
	cur_skip(&c, cur_u8(&c));   /* legacy_session_id */
	cur_skip(&c, cur_be16(&c)); /* cipher_suites */
	cur_skip(&c, cur_u8(&c));   /* legacy_compression_methods */
	if (!c.ok || cur_left(&c) == 0)
		return c.ok;
	extensions = cur_be16(&c);
	whole = c.ok && extensions <= cur_left(&c);
	if (!whole) /* a hello that was cut: what there is */
		extensions = cur_left(&c);
	c = cur_over(cur_sub(&c, extensions));
	while (c.ok && cur_left(&c) > 0) {
		uint16_t type = cur_be16(&c);
		struct span ext = cur_sub(&c, cur_be16(&c));

		if (c.ok && type == EXT_SERVER_NAME)
			read_server_name(ext, out);
		else if (c.ok && type == EXT_ALPN && out->alpn_len == 0)
			read_protocols(ext, out);
	}
	return c.ok && whole;
}

static void read_server_extension(uint16_t type, struct span body, struct tls_server_hello *out)
{
	struct cursor ext = cur_over(body);
	uint16_t first = cur_be16(&ext);

	if (!ext.ok)
		return;
	if (type == EXT_SUPPORTED_VERSIONS)
		out->version = first;
	else if (type == EXT_KEY_SHARE)
		out->group = first;
	else if (type == EXT_PRE_SHARED_KEY)
		out->psk = true;
}

static bool read_server_extensions(struct span list, struct tls_server_hello *out)
{
	struct cursor c = cur_over(list);

	while (c.ok && cur_left(&c) > 0) {
		uint16_t type = cur_be16(&c);
		struct span ext = cur_sub(&c, cur_be16(&c));

		if (c.ok)
			read_server_extension(type, ext, out);
	}
	return c.ok;
}

bool tls_read_server_hello(struct span body, struct tls_server_hello *out)
{
	struct cursor c = cur_over(body);
	const uint8_t *random;

	memset(out, 0, sizeof(*out));
	out->group = TLS_GROUP_NONE;
	out->version = cur_be16(&c); /* legacy_version */
	random = cur_take(&c, 32);
	out->retry = random && memcmp(random, retry_random, sizeof(retry_random)) == 0;
	cur_skip(&c, cur_u8(&c)); /* legacy_session_id_echo */
	out->cipher_suite = cur_be16(&c);
	cur_skip(&c, 1); /* legacy_compression_method */
	if (!c.ok || cur_left(&c) == 0)
		return c.ok;
	return read_server_extensions(cur_sub(&c, cur_be16(&c)), out) && c.ok;
}

/* Suites whose ServerKeyExchange begins with the parameters of a curve: ECDHE and ECDH_anon. Static
 * ECDH lies among them and sends none; with a PSK the identity hint comes first (RFC 5489, 2). */
static const struct {
	uint16_t first, last;
} ecdhe_suites[] = {
	{ 0xc001, 0xc019 }, { 0xc023, 0xc032 }, { 0xc048, 0xc04f },
	{ 0xc05c, 0xc063 }, { 0xc072, 0xc079 }, { 0xc086, 0xc08d },
	{ 0xc0ac, 0xc0af }, { 0xcc13, 0xcc14 }, { 0xcca8, 0xcca9 },
};

static bool is_ecdhe(int32_t suite)
{
	for (size_t i = 0; i < sizeof(ecdhe_suites) / sizeof(ecdhe_suites[0]); i++) {
		if (suite >= ecdhe_suites[i].first && suite <= ecdhe_suites[i].last)
			return true;
	}
	return false;
}

int32_t tls_read_named_curve(struct span body, int32_t suite)
{
	struct cursor c = cur_over(body);
	uint8_t type = cur_u8(&c);
	uint16_t curve = cur_be16(&c);

	return c.ok && type == CURVE_NAMED && is_ecdhe(suite) ? curve : TLS_GROUP_NONE;
}
