/* A line of the session log. Input: a byte; then a line to be read (0), or a session (1) whose line
 * must be read back as it was written. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "reports/record.h"
#include "reports/record_read.h"

#define TERMINATED(text) MUST(memchr((text), '\0', sizeof(text)) != NULL)

static void check(const struct record *r)
{
	MUST(session_valid(&r->s));
	MUST(r->duration >= 0 && r->counted >= -1);
	MUST(r->s.vlan == VLAN_NONE || r->s.vlan < 4096);
	TERMINATED(r->sensor);
	TERMINATED(r->interface);
	TERMINATED(r->client);
	TERMINATED(r->server);
	TERMINATED(r->client_peer);
	TERMINATED(r->server_peer);
	TERMINATED(r->sni);
	TERMINATED(r->cipher_name);
	TERMINATED(r->alpn);
	TERMINATED(r->subject);
	TERMINATED(r->issuer);
	TERMINATED(r->community_id);
}

static bool read_line(const char *line, size_t n, struct record *r)
{
	char err[256] = "";
	bool ok = record_read(line, n, r, err, sizeof(err));

	MUST(ok || strnlen(err, sizeof(err)) > 0);
	if (ok)
		check(r);
	return ok;
}

static size_t take_bytes(struct cursor *c, char *out, size_t most)
{
	size_t n = cur_u8(c) % (most + 1);

	if (n > cur_left(c))
		n = cur_left(c);
	memcpy(out, cur_sub(c, n).at, n);
	return n;
}

static void take_certificate(struct cursor *c, struct certificate_facts *out)
{
	out->state = cur_u8(c) % CERTIFICATE_N;
	if (out->state != CERTIFICATE_SEEN)
		return;
	out->not_before = (int32_t)cur_be32(c);
	out->not_after = (int64_t)cur_be32(c) << 5; /* before the year 10000 */
	out->name_matches = cur_u8(c) % TRI_N;
	out->self_signed = cur_u8(c) % TRI_N;
	out->subject_len = (uint8_t)take_bytes(c, out->subject, CERT_NAME_MAX);
	out->issuer_len = (uint8_t)take_bytes(c, out->issuer, CERT_NAME_MAX);
}

static void take_judgement(struct cursor *c, struct session *s)
{
	s->protocol = (uint8_t)(1 + cur_u8(c) % (PROTOCOL_N - 1));
	s->service = cur_u8(c) % SERVICE_N;
	s->verdict = (uint8_t)(1 + cur_u8(c) % (VERDICT_N - 1));
	s->reason = cur_u8(c) % REASON_N;
	s->offered = cur_u8(c) % TRI_N;
	s->requested = cur_u8(c) % TRI_N;
	s->accepted = cur_u8(c) % TRI_N;
	s->auth_clear = cur_u8(c) % TRI_N;
	s->stripped = cur_u8(c) % STRIPPED_N;
	s->injected = cur_u8(c) & 1;
	s->fallback = cur_u8(c) & 1;
	s->exposure = cur_u8(c) % EXPOSURE_N;
	s->confirmed = cur_u8(c) % TRI_N;
	s->cause = cur_u8(c) % CAUSE_N;
	s->directions = cur_u8(c) % DIRECTIONS_N;
	s->findings = (uint8_t)(cur_u8(c) % (1u << FINDING_N));
	s->oddities = cur_be16(c) % (1u << ODDITY_N);
	s->messages = cur_u8(c) - 1;
	s->evidence_len = cur_u8(c) % (EVIDENCE_MAX + 1);
	for (unsigned i = 0; i < s->evidence_len; i++)
		s->evidence[i] = (uint16_t)(100 + cur_be16(c) % (WORD_END - 100));
}

static void take_tls(struct cursor *c, struct session *s)
{
	unsigned version = cur_u8(c) % 6;

	s->tls_version = (uint16_t)(version ? 0x02ff + version : 0);
	s->tls_cipher = cur_u8(c) & 1 ? cur_be16(c) : TLS_CIPHER_NONE;
	s->tls_group = cur_u8(c) & 1 ? cur_be16(c) : TLS_GROUP_NONE;
	s->tls_alert = (int16_t)(cur_u8(c) & 1 ? cur_u8(c) : TLS_ALERT_NONE);
	s->tls_resumed = cur_u8(c) % TRI_N;
	s->sni_len = (uint16_t)take_bytes(c, s->sni, SNI_MAX);
	s->alpn_len = (uint8_t)take_bytes(c, s->alpn, ALPN_LIST_MAX);
	take_certificate(c, &s->certificate);
}

static void take_session(struct cursor *c, struct session *s)
{
	memset(s, 0, sizeof(*s));
	s->start_ns = ((uint64_t)cur_be32(c) << 31) / 1000 * 1000; /* written to the microsecond */
	s->end_ns = s->start_ns + cur_be32(c) * 1000ull;
	s->bytes_to_server = (uint64_t)cur_be32(c) << 16;
	s->bytes_to_client = cur_be32(c);
	s->bytes_missing = cur_be16(c);
	s->client_port = cur_be16(c);
	s->server_port = cur_be16(c);
	s->vlan = cur_u8(c) & 1 ? cur_be16(c) % 4096 : VLAN_NONE;
	take_bytes(c, (char *)s->client, sizeof(s->client));
	take_bytes(c, (char *)s->server, sizeof(s->server));
	take_judgement(c, s);
	take_tls(c, s);
}

/* NULs are read as the four characters \x00. */
static void same_text(const char *text, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = bytes[i] ? 1 : 4;

		MUST(memcmp(text, bytes[i] ? &bytes[i] : "\\x00", len) == 0);
		text += len;
	}
	MUST(*text == '\0');
}

static void same(const struct session *s, const struct record *r)
{
	const struct certificate_facts *c = &s->certificate;

	fuzz_same_session(s, &r->s);
	MUST(r->s.start_ns == s->start_ns && r->fallback == s->fallback);
	MUST(r->s.bytes_to_server == s->bytes_to_server && r->s.vlan == s->vlan);
	MUST(r->s.bytes_to_client == s->bytes_to_client);
	MUST(r->s.bytes_missing == s->bytes_missing);
	MUST(r->s.client_port == s->client_port && r->s.server_port == s->server_port);
	MUST(r->s.certificate.state == c->state);
	MUST(r->s.certificate.not_before == c->not_before);
	MUST(r->s.certificate.not_after == c->not_after);
	same_text(r->sni, s->sni, s->sni_len);
	same_text(r->alpn, s->alpn, s->alpn_len);
	same_text(r->subject, c->subject, c->subject_len);
	same_text(r->issuer, c->issuer, c->issuer_len);
}

static void as_session(struct cursor *c)
{
	static const struct pair pair = { .client = "orange", .server = "free-net" };
	struct record_context context = { .sensor = "th2-1", .interface = "eth1", .pair = &pair };
	char line[RECORD_MAX];
	struct session s;
	struct record r;
	size_t n;

	context.truncate = cur_u8(c) & 1;
	context.counted = cur_u8(c) & 1 ? (int64_t)cur_be32(c) : -1;
	take_session(c, &s);
	MUST(session_valid(&s));
	n = record_json(&s, &context, line);
	MUST(n > 2 && n < RECORD_MAX && line[n] == '\0' && line[n - 1] == '\n');
	MUST(memchr(line, '\n', n - 1) == NULL);
	MUST(read_line(line, n, &r));
	MUST(r.counted == context.counted);
	same(&s, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	bool session = cur_u8(&c) & 1;
	struct span line = cur_rest(&c);
	struct record r;
	uint8_t *copy;

	if (session) {
		c = cur_over(line);
		as_session(&c);
		return 0;
	}
	copy = fuzz_copy(line);
	read_line((const char *)copy, line.len, &r);
	free(copy);
	return 0;
}
