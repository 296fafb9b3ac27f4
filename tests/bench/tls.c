#include "tests/bench/tls.h"

#include <string.h>

enum { ALERT = 21, HANDSHAKE = 22, CCS = 20, APPLICATION = 23, TAG = 16 };
enum { X25519 = 0x001d };

static size_t begin_record(struct bytes *b, uint8_t type, uint16_t version)
{
	bytes_be(b, type, 1);
	bytes_be(b, version, 2);
	return b->n;
}

static size_t begin_message(struct bytes *b, uint8_t type)
{
	bytes_be(b, type, 1);
	return b->n;
}

static void noise_record(struct bytes *b, uint8_t type, size_t n)
{
	size_t record = begin_record(b, type, TLS_12);

	bytes_noise(b, n);
	bytes_wrap(b, record, 2);
}

static void ccs(struct bytes *b)
{
	bytes_put(b, "\x14\x03\x03\0\1\1", 6);
}

static void extension(struct bytes *b, uint16_t type, const void *body, size_t n)
{
	bytes_be(b, type, 2);
	bytes_be(b, n, 2);
	bytes_put(b, body, n);
}

static void server_name(struct bytes *b, const char *name)
{
	size_t n = strlen(name);

	bytes_be(b, 0, 2);
	bytes_be(b, n + 5, 2);
	bytes_be(b, n + 3, 2);
	bytes_be(b, 0, 1);
	bytes_be(b, n, 2);
	bytes_put(b, name, n);
}

static void key_share(struct bytes *b, bool list)
{
	size_t start, inner;

	bytes_be(b, 51, 2);
	start = b->n;
	inner = b->n;
	bytes_be(b, X25519, 2);
	bytes_be(b, 32, 2);
	bytes_noise(b, 32);
	if (list)
		bytes_wrap(b, inner, 2);
	bytes_wrap(b, start, 2);
}

/* Those of a current OpenSSL client, in its order. */
static void client_extensions(struct bytes *b, const char *name, bool offers_13)
{
	server_name(b, name);
	extension(b, 11, "\1\0", 2);
	extension(b, 10, "\0\6\0\x1d\0\x17\0\x18", 8);
	extension(b, 22, "", 0);
	extension(b, 23, "", 0);
	extension(b, 13, "\0\x08\4\3\x08\4\4\1\2\1", 10);
	if (!offers_13)
		return;
	extension(b, 43, "\4\3\4\3\3", 5);
	extension(b, 45, "\1\1", 2);
	key_share(b, true);
}

static void pad(struct bytes *b, size_t have, size_t size)
{
	static const uint8_t zeroes[2048];

	if (size >= have + 4 && size - have - 4 <= sizeof(zeroes))
		extension(b, 21, zeroes, size - have - 4);
}

void tls_client_hello(struct bytes *b, const char *name, bool offers_13, size_t size)
{
	size_t record = begin_record(b, HANDSHAKE, 0x0301);
	size_t message = begin_message(b, 1), extensions;

	bytes_be(b, TLS_12, 2);
	bytes_noise(b, 32);
	bytes_be(b, 32, 1);
	bytes_noise(b, 32);
	bytes_put(b, "\0\x0e\x13\2\x13\1\xc0\x30\xc0\x2f\xc0\x14\0\x35\0\xff", 16);
	bytes_put(b, "\1\0", 2);
	extensions = b->n;
	client_extensions(b, name, offers_13);
	pad(b, b->n - message + 6, size);
	bytes_wrap(b, extensions, 2);
	bytes_wrap(b, message, 3);
	bytes_wrap(b, record, 2);
}

static void server_hello(struct bytes *b, bool is_13)
{
	size_t record = begin_record(b, HANDSHAKE, TLS_12);
	size_t message = begin_message(b, 2), extensions;

	bytes_be(b, TLS_12, 2);
	bytes_noise(b, 32);
	bytes_be(b, 32, 1);
	bytes_noise(b, 32);
	bytes_be(b, is_13 ? 0x1302 : 0xc02f, 2);
	bytes_be(b, 0, 1);
	extensions = b->n;
	if (is_13) {
		extension(b, 43, "\3\4", 2);
		key_share(b, false);
	} else {
		extension(b, 0xff01, "\0", 1);
		extension(b, 23, "", 0);
	}
	bytes_wrap(b, extensions, 2);
	bytes_wrap(b, message, 3);
	bytes_wrap(b, record, 2);
}

/* EncryptedExtensions, certificates, CertificateVerify and Finished, a record each. */
void tls_server_flight_13(struct bytes *b, size_t certificates)
{
	server_hello(b, true);
	ccs(b);
	noise_record(b, APPLICATION, 10 + 1 + TAG);
	noise_record(b, APPLICATION, certificates + 1 + TAG);
	noise_record(b, APPLICATION, 264 + 1 + TAG);
	noise_record(b, APPLICATION, 52 + 1 + TAG);
}

void tls_client_finished_13(struct bytes *b)
{
	ccs(b);
	noise_record(b, APPLICATION, 52 + 1 + TAG);
}

void tls_server_tickets_13(struct bytes *b)
{
	noise_record(b, APPLICATION, 233 + 1 + TAG);
	noise_record(b, APPLICATION, 233 + 1 + TAG);
}

static void der_put(struct bytes *b, uint8_t tag, const void *body, size_t n)
{
	size_t start = b->n;

	bytes_put(b, body, n);
	bytes_der(b, start, tag);
}

static void der_algorithm(struct bytes *b)
{
	size_t start = b->n;

	der_put(b, 0x06, "\x2a\x86\x48\xce\x3d\4\3\2", 8);
	bytes_der(b, start, 0x30);
}

static void der_name(struct bytes *b, const char *common_name)
{
	size_t start = b->n;

	der_put(b, 0x06, "\x55\4\3", 3);
	der_put(b, 0x0c, common_name, strlen(common_name));
	bytes_der(b, start, 0x30);
	bytes_der(b, start, 0x31);
	bytes_der(b, start, 0x30);
}

static void der_public_key(struct bytes *b)
{
	size_t start = b->n, point;

	der_put(b, 0x06, "\x2a\x86\x48\xce\x3d\2\1", 7);
	der_put(b, 0x06, "\x2a\x86\x48\xce\x3d\3\1\7", 8);
	bytes_der(b, start, 0x30);
	point = b->n;
	bytes_put(b, "\0\4", 2);
	bytes_noise(b, 64);
	bytes_der(b, point, 0x03);
	bytes_der(b, start, 0x30);
}

/* The host it is for, and a comment that makes it as long as it has to be. */
static void der_extensions(struct bytes *b, const char *name, size_t comment)
{
	size_t start = b->n, one = b->n, value;

	der_put(b, 0x06, "\x55\x1d\x11", 3);
	value = b->n;
	der_put(b, 0x82, name, strlen(name));
	bytes_der(b, value, 0x30);
	bytes_der(b, value, 0x04);
	bytes_der(b, one, 0x30);
	one = b->n;
	der_put(b, 0x06, "\x60\x86\x48\1\x86\xf8\x42\1\x0d", 9);
	value = b->n;
	for (size_t i = 0; i < comment; i++)
		bytes_be(b, '-', 1);
	bytes_der(b, value, 0x16);
	bytes_der(b, value, 0x04);
	bytes_der(b, one, 0x30);
	bytes_der(b, start, 0x30);
	bytes_der(b, start, 0xa3);
}

static void x509(struct bytes *b, const char *name, size_t comment)
{
	size_t start = b->n, part;

	bytes_put(b, "\xa0\3\2\1\2\2\3\x11\x22\x33", 10); /* version 3, serial number */
	der_algorithm(b);
	der_name(b, "Bench CA");
	part = b->n;
	der_put(b, 0x17, "240101000000Z", 13);
	der_put(b, 0x17, "340101000000Z", 13);
	bytes_der(b, part, 0x30);
	der_name(b, name);
	der_public_key(b);
	der_extensions(b, name, comment);
	bytes_der(b, start, 0x30);
	der_algorithm(b);
	part = b->n;
	bytes_put(b, "\0\x30\6\2\1\x55\2\1\1", 9); /* a signature: two numbers */
	bytes_der(b, part, 0x03);
	bytes_der(b, start, 0x30);
}

static void certificate(struct bytes *b, const char *name, size_t size)
{
	size_t message = begin_message(b, 11), one = b->n;

	x509(b, name, size);
	bytes_wrap(b, one, 3);
	bytes_wrap(b, message, 3);
	bytes_wrap(b, message, 3);
}

static void key_exchange(struct bytes *b)
{
	size_t message = begin_message(b, 12);

	bytes_put(b, "\3\0\x1d\x20", 4);
	bytes_noise(b, 32);
	bytes_put(b, "\x08\4\1\0", 4);
	bytes_noise(b, 256);
	bytes_wrap(b, message, 3);
}

void tls_server_flight_12(struct bytes *b, const char *name, size_t size)
{
	size_t record;

	server_hello(b, false);
	record = begin_record(b, HANDSHAKE, TLS_12);
	certificate(b, name, size);
	key_exchange(b);
	bytes_put(b, "\x0e\0\0\0", 4); /* ServerHelloDone */
	bytes_wrap(b, record, 2);
}

void tls_client_finished_12(struct bytes *b)
{
	size_t record = begin_record(b, HANDSHAKE, TLS_12);

	bytes_put(b, "\x10\0\0\x21\x20", 5); /* ClientKeyExchange */
	bytes_noise(b, 32);
	bytes_wrap(b, record, 2);
	ccs(b);
	noise_record(b, HANDSHAKE, 40);
}

void tls_server_finished_12(struct bytes *b)
{
	ccs(b);
	noise_record(b, HANDSHAKE, 40);
}

void tls_app(struct bytes *b, size_t n, size_t most)
{
	while (n > 0) {
		size_t part = n < most ? n : most;

		noise_record(b, APPLICATION, part + TAG);
		n -= part;
	}
}

void tls_fatal_alert(struct bytes *b, uint8_t description)
{
	bytes_put(b, "\x15\3\3\0\2\2", 6);
	bytes_be(b, description, 1);
}
