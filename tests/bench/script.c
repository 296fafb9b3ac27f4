#include "tests/bench/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/tls.h"

#define SEGMENT     1448 /* with timestamps */
#define NAME_MAX    64
#define HELLO       517
#define HELLO_LARGE 1900 /* spans two segments */

const char *const verdict_words[VERDICTS] = {
	[STARTTLS] = "encrypted-starttls",   [IMPLICIT] = "encrypted-implicit",
	[PLAINTEXT] = "plaintext",           [TLS_FAILED] = "tls-failed",
	[NO_TRANSACTION] = "no-transaction",
};
const char *const service_words[SERVICES] = {
	[MTA] = "mta",
	[SUBMISSION] = "submission",
	[ACCESS] = "access",
};

struct maker {
	struct script *s;
	enum kind kind;
	unsigned variant;
	char name[NAME_MAX];
	struct bytes said; /* by one side, not cut into segments yet */
	uint32_t next[2];  /* sequence numbers */
	uint32_t unacked;  /* segments of the side that spoke last */
	uint8_t way;       /* which that is */
	uint32_t steps_room;
};

/* Packets ------------------------------------------------------------------------------------ */

static void add(struct maker *m, uint8_t way, uint8_t flags, size_t length)
{
	struct script *s = m->s;

	if (s->n == m->steps_room) {
		m->steps_room = 2 * m->steps_room + 32;
		s->steps = realloc(s->steps, m->steps_room * sizeof(*s->steps));
		if (!s->steps)
			abort();
	}
	s->steps[s->n++] = (struct step){
		.way = way,
		.flags = flags,
		.length = (uint16_t)length,
		.at = (uint32_t)(s->bytes.n - length),
		.seq = m->next[way],
		.ack = flags & ACK ? m->next[!way] : 0,
	};
	s->sent[way] += length;
	m->next[way] += (uint32_t)length + ((flags & (SYN | FIN)) != 0);
}

/* What the side has to say crosses, with an acknowledgment for every second segment. */
static void cross(struct maker *m, uint8_t way)
{
	if (way != m->way)
		m->unacked = 0;
	m->way = way;
	for (size_t done = 0; done < m->said.n;) {
		size_t n = m->said.n - done < SEGMENT ? m->said.n - done : SEGMENT;

		bytes_put(&m->s->bytes, m->said.at + done, n);
		done += n;
		add(m, way, done == m->said.n ? PSH | ACK : ACK, n);
		if (++m->unacked == 2 && done < m->said.n) {
			add(m, !way, ACK, 0);
			m->unacked = 0;
		}
	}
	m->said.n = 0;
}

static void line(struct maker *m, uint8_t way, const char *text)
{
	bytes_text(&m->said, text);
	cross(m, way);
}

static void begin(struct maker *m)
{
	add(m, TO_SERVER, SYN, 0);
	add(m, TO_CLIENT, SYN | ACK, 0);
	add(m, TO_SERVER, ACK, 0);
}

static void end(struct maker *m)
{
	add(m, TO_SERVER, FIN | ACK, 0);
	add(m, TO_CLIENT, FIN | ACK, 0);
	add(m, TO_SERVER, ACK, 0);
}

/* Bytes long after the verdict: a few of the packets may be lost. */
static void bulk(struct maker *m, uint8_t way)
{
	uint32_t first = m->s->n;

	cross(m, way);
	if (m->s->n < first + 8)
		return;
	m->s->lossy_from = first + 3;
	m->s->lossy_to = m->s->n - 3;
}

/* TLS ---------------------------------------------------------------------------------------- */

static void app(struct maker *m, uint8_t way, size_t n)
{
	tls_app(&m->said, n, 16368);
	cross(m, way);
}

static void hello(struct maker *m, bool offers_13)
{
	tls_client_hello(&m->said, m->name, offers_13, m->variant % 10 == 3 ? HELLO_LARGE : HELLO);
	cross(m, TO_SERVER);
}

static void handshake_13(struct maker *m)
{
	hello(m, true);
	tls_server_flight_13(&m->said, 2800 + 90 * m->variant);
	cross(m, TO_CLIENT);
	tls_client_finished_13(&m->said);
	cross(m, TO_SERVER);
	tls_server_tickets_13(&m->said);
	cross(m, TO_CLIENT);
}

static void handshake_12(struct maker *m)
{
	hello(m, false);
	tls_server_flight_12(&m->said, m->name, 900 + 60 * m->variant);
	cross(m, TO_CLIENT);
	tls_client_finished_12(&m->said);
	cross(m, TO_SERVER);
	tls_server_finished_12(&m->said);
	cross(m, TO_CLIENT);
}

/* Commands and answers, of sizes as mail has them; a message goes one way in between. */
static void inside_tls(struct maker *m, uint8_t way, size_t message)
{
	static const uint16_t sizes[][2] = { { 26, 180 }, { 48, 30 }, { 44, 34 }, { 23, 53 } };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		app(m, TO_SERVER, sizes[i][TO_SERVER]);
		app(m, TO_CLIENT, sizes[i][TO_CLIENT]);
	}
	tls_app(&m->said, message, 8192 + 512 * m->variant);
	bulk(m, way);
	app(m, TO_SERVER, 25);
	app(m, TO_CLIENT, 61);
	app(m, TO_SERVER, 3); /* close_notify */
}

/* Clear text --------------------------------------------------------------------------------- */

static void greet(struct maker *m, bool offers)
{
	char text[256];

	snprintf(text, sizeof(text), "220 %s ESMTP ready\r\n", m->name);
	line(m, TO_CLIENT, text);
	line(m, TO_SERVER, "EHLO client.example\r\n");
	snprintf(text, sizeof(text),
		 "250-%s\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n%s250 8BITMIME\r\n", m->name,
		 offers ? "250-STARTTLS\r\n" : "");
	line(m, TO_CLIENT, text);
}

static void upgrade(struct maker *m)
{
	line(m, TO_SERVER, "STARTTLS\r\n");
	line(m, TO_CLIENT, "220 2.0.0 Ready to start TLS\r\n");
}

static void quit(struct maker *m)
{
	line(m, TO_SERVER, "QUIT\r\n");
	line(m, TO_CLIENT, "221 2.0.0 Bye\r\n");
}

/* So many bytes of text; the last line is a short one. */
static void body(struct maker *m, size_t n)
{
	static const char row[] =
		"The quick brown fox jumps over the lazy dog, and nobody keeps what it says.\r\n";

	const size_t row_n = sizeof(row) - 1;

	for (; n >= row_n; n -= row_n)
		bytes_put(&m->said, row, row_n);
	bytes_put(&m->said, row + row_n - n, n);
}

static void clear_mail(struct maker *m, size_t size)
{
	line(m, TO_SERVER, "MAIL FROM:<a@client.example>\r\n");
	line(m, TO_CLIENT, "250 2.1.0 Ok\r\n");
	line(m, TO_SERVER, "RCPT TO:<b@server.example>\r\n");
	line(m, TO_CLIENT, "250 2.1.5 Ok\r\n");
	line(m, TO_SERVER, "DATA\r\n");
	line(m, TO_CLIENT, "354 End data with a lone dot\r\n");
	body(m, size);
	bulk(m, TO_SERVER);
	line(m, TO_SERVER, ".\r\n");
	line(m, TO_CLIENT, "250 2.0.0 Ok: queued\r\n");
	quit(m);
}

static void imap_greet(struct maker *m)
{
	line(m, TO_CLIENT, "* OK [CAPABILITY IMAP4rev1 SASL-IR STARTTLS AUTH=PLAIN] ready\r\n");
	line(m, TO_SERVER, "a1 CAPABILITY\r\n");
	line(m, TO_CLIENT, "* CAPABILITY IMAP4rev1 SASL-IR STARTTLS AUTH=PLAIN\r\na1 OK done\r\n");
}

static void imap_clear(struct maker *m, size_t size)
{
	char text[128];

	imap_greet(m);
	line(m, TO_SERVER, "a2 LOGIN user secret\r\n");
	line(m, TO_CLIENT, "a2 OK done\r\n");
	line(m, TO_SERVER, "a3 SELECT INBOX\r\n");
	line(m, TO_CLIENT, "* 3 EXISTS\r\na3 OK [READ-WRITE] done\r\n");
	line(m, TO_SERVER, "a4 FETCH 1 BODY[]\r\n");
	snprintf(text, sizeof(text), "* 1 FETCH (BODY[] {%zu}\r\n", size);
	bytes_text(&m->said, text);
	body(m, size);
	bulk(m, TO_CLIENT);
	line(m, TO_CLIENT, ")\r\na4 OK done\r\n");
	line(m, TO_SERVER, "a5 LOGOUT\r\n");
	line(m, TO_CLIENT, "* BYE\r\na5 OK done\r\n");
}

static void pop3_greet(struct maker *m)
{
	line(m, TO_CLIENT, "+OK ready\r\n");
	line(m, TO_SERVER, "CAPA\r\n");
	line(m, TO_CLIENT, "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nPIPELINING\r\nSTLS\r\nUSER\r\n.\r\n");
}

static void pop3_clear(struct maker *m, size_t size)
{
	pop3_greet(m);
	line(m, TO_SERVER, "USER user\r\n");
	line(m, TO_CLIENT, "+OK\r\n");
	line(m, TO_SERVER, "PASS secret\r\n");
	line(m, TO_CLIENT, "+OK logged in\r\n");
	line(m, TO_SERVER, "RETR 1\r\n");
	bytes_text(&m->said, "+OK follows\r\n");
	body(m, size);
	bulk(m, TO_CLIENT);
	line(m, TO_CLIENT, ".\r\n");
	line(m, TO_SERVER, "QUIT\r\n");
	line(m, TO_CLIENT, "+OK bye\r\n");
}

/* Kinds -------------------------------------------------------------------------------------- */

static void smtp_tls13(struct maker *m, size_t size)
{
	greet(m, true);
	upgrade(m);
	handshake_13(m);
	inside_tls(m, TO_SERVER, size);
}

static void smtp_tls_long(struct maker *m, size_t size)
{
	smtp_tls13(m, 12 * size);
}

static void smtp_tls12(struct maker *m, size_t size)
{
	greet(m, true);
	upgrade(m);
	handshake_12(m);
	inside_tls(m, TO_SERVER, size);
}

static void smtp_clear(struct maker *m, size_t size)
{
	greet(m, false);
	clear_mail(m, size);
}

static void smtp_clear_long(struct maker *m, size_t size)
{
	smtp_clear(m, 12 * size);
}

static void smtp_refused(struct maker *m, size_t size)
{
	(void)size;
	greet(m, true);
	line(m, TO_SERVER, "MAIL FROM:<a@client.example>\r\n");
	line(m, TO_CLIENT, "530 5.7.0 Must issue a STARTTLS command first\r\n");
	quit(m);
}

static void smtp_leaves(struct maker *m, size_t size)
{
	(void)size;
	greet(m, true);
	quit(m);
}

static void smtp_tls_fails(struct maker *m, size_t size)
{
	(void)size;
	greet(m, true);
	upgrade(m);
	hello(m, false);
	tls_server_flight_12(&m->said, m->name, 900);
	cross(m, TO_CLIENT);
	tls_fatal_alert(&m->said, 48);
	cross(m, TO_SERVER);
}

static void submission_clear(struct maker *m, size_t size)
{
	greet(m, true);
	line(m, TO_SERVER, "AUTH PLAIN AHVzZXIAc2VjcmV0\r\n");
	line(m, TO_CLIENT, "235 2.7.0 Authentication successful\r\n");
	clear_mail(m, size);
}

static void submissions(struct maker *m, size_t size)
{
	handshake_13(m);
	inside_tls(m, TO_SERVER, size);
}

static void imap_tls(struct maker *m, size_t size)
{
	imap_greet(m);
	line(m, TO_SERVER, "a2 STARTTLS\r\n");
	line(m, TO_CLIENT, "a2 OK begin TLS\r\n");
	handshake_13(m);
	inside_tls(m, TO_CLIENT, size);
}

static void pop3_tls(struct maker *m, size_t size)
{
	pop3_greet(m);
	line(m, TO_SERVER, "STLS\r\n");
	line(m, TO_CLIENT, "+OK begin TLS\r\n");
	handshake_13(m);
	inside_tls(m, TO_CLIENT, size);
}

/* Ports 993 and 995. */
static void access_implicit(struct maker *m, size_t size)
{
	handshake_13(m);
	inside_tls(m, TO_CLIENT, size);
}

static void web_clear(struct maker *m, size_t size)
{
	char text[128];

	line(m, TO_SERVER, "GET / HTTP/1.1\r\nHost: www.example\r\nUser-Agent: bench\r\n\r\n");
	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", 3 * size);
	bytes_text(&m->said, text);
	bytes_noise(&m->said, 3 * size);
	cross(m, TO_CLIENT);
}

static void web_tls(struct maker *m, size_t size)
{
	handshake_13(m);
	app(m, TO_SERVER, 420);
	app(m, TO_CLIENT, 3 * size);
}

static const struct {
	uint16_t port;
	enum verdict verdict;
	enum service service;
	void (*make)(struct maker *m, size_t size); /* between the handshake of TCP and its end */
} kinds[KINDS] = {
	[SMTP_TLS13] = { 25, STARTTLS, MTA, smtp_tls13 },
	[SMTP_TLS12] = { 25, STARTTLS, MTA, smtp_tls12 },
	[SMTP_TLS_LONG] = { 25, STARTTLS, MTA, smtp_tls_long },
	[SMTP_CLEAR] = { 25, PLAINTEXT, MTA, smtp_clear },
	[SMTP_CLEAR_LONG] = { 25, PLAINTEXT, MTA, smtp_clear_long },
	[SMTP_REFUSED] = { 25, PLAINTEXT, MTA, smtp_refused },
	[SMTP_LEAVES] = { 25, NO_TRANSACTION, MTA, smtp_leaves },
	[SMTP_TLS_FAILS] = { 25, TLS_FAILED, MTA, smtp_tls_fails },
	[SUBMISSION_TLS] = { 587, STARTTLS, SUBMISSION, smtp_tls13 },
	[SUBMISSION_CLEAR] = { 587, PLAINTEXT, SUBMISSION, submission_clear },
	[SUBMISSIONS] = { 465, IMPLICIT, SUBMISSION, submissions },
	[IMAP_TLS] = { 143, STARTTLS, ACCESS, imap_tls },
	[IMAP_CLEAR] = { 143, PLAINTEXT, ACCESS, imap_clear },
	[IMAPS] = { 993, IMPLICIT, ACCESS, access_implicit },
	[POP3_TLS] = { 110, STARTTLS, ACCESS, pop3_tls },
	[POP3_CLEAR] = { 110, PLAINTEXT, ACCESS, pop3_clear },
	[POP3S] = { 995, IMPLICIT, ACCESS, access_implicit },
	[PROBES_PORT] = { 25, NONE, MTA, NULL },
	[IMAPS_IDLE] = { 993, IMPLICIT, ACCESS, access_implicit },
	[WEB_CLEAR] = { 80, NONE, MTA, web_clear },
	[WEB_TLS] = { 443, NONE, MTA, web_tls },
};

static void name_server(struct maker *m)
{
	bool access = kinds[m->kind].service == ACCESS;

	snprintf(m->name, sizeof(m->name), "%s%u.provider.example", access ? "imap" : "mx",
		 m->variant);
}

void script_make(struct script *s, enum kind kind, unsigned variant)
{
	struct maker m = { .s = s, .kind = kind, .variant = variant };
	size_t size = 900 + (size_t)variant * variant * 140; /* most are small, some are not */

	memset(s, 0, sizeof(*s));
	s->port = kinds[kind].port;
	s->verdict = kinds[kind].verdict;
	s->service = kinds[kind].service;
	name_server(&m);
	begin(&m);
	if (kinds[kind].make)
		kinds[kind].make(&m, size);
	else
		add(&m, TO_SERVER, RST | ACK, 0);
	if (kinds[kind].make && kind != IMAPS_IDLE)
		end(&m);
	free(m.said.at);
}
