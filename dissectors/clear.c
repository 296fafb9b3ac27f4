#include "dissectors/clear.h"

#include <string.h>

void clear_init(struct clear *c, enum protocol protocol, bool from_the_start)
{
	memset(c, 0, sizeof(*c));
	c->protocol = (uint8_t)protocol;
	switch (protocol) {
	case PROTOCOL_SMTP: smtp_init(&c->smtp, from_the_start); break;
	case PROTOCOL_IMAP: imap_init(&c->imap, from_the_start); break;
	case PROTOCOL_POP3: pop3_init(&c->pop3, from_the_start); break;
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
}

size_t clear_client(struct clear *c, struct facts *f, const uint8_t *data, size_t n)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: return smtp_client(&c->smtp, f, data, n);
	case PROTOCOL_IMAP: return imap_client(&c->imap, f, data, n);
	case PROTOCOL_POP3: return pop3_client(&c->pop3, f, data, n);
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
	return n;
}

bool clear_waits(const struct clear *c, const struct facts *f)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: return smtp_waits(&c->smtp, f);
	case PROTOCOL_IMAP: return imap_waits(&c->imap, f);
	case PROTOCOL_POP3: return pop3_waits(&c->pop3, f);
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
	return false;
}

void clear_presume(struct clear *c, struct facts *f)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: smtp_presume(&c->smtp); break;
	case PROTOCOL_IMAP: imap_presume(&c->imap, f); break;
	case PROTOCOL_POP3: pop3_presume(&c->pop3, f); break;
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
}

size_t clear_server(struct clear *c, struct facts *f, const uint8_t *data, size_t n)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: return smtp_server(&c->smtp, f, data, n);
	case PROTOCOL_IMAP: return imap_server(&c->imap, f, data, n);
	case PROTOCOL_POP3: return pop3_server(&c->pop3, f, data, n);
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
	return n;
}

bool clear_answer_ready(const struct clear *c)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: return c->smtp.answer_ready;
	case PROTOCOL_IMAP: return c->imap.answer_ready;
	case PROTOCOL_POP3: return c->pop3.answer_ready;
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
	return false;
}

bool clear_must_presume(const struct clear *c)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: return smtp_must_presume(&c->smtp);
	case PROTOCOL_IMAP:
	case PROTOCOL_POP3:
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
	return false;
}

void clear_answer(struct clear *c, struct facts *f)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: smtp_answer(&c->smtp, f); break;
	case PROTOCOL_IMAP: imap_answer(&c->imap, f); break;
	case PROTOCOL_POP3: pop3_answer(&c->pop3, f); break;
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
}

void clear_gap(struct clear *c, struct facts *f, enum side from, uint64_t n)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: smtp_gap(&c->smtp, f, from, n); break;
	case PROTOCOL_IMAP: imap_gap(&c->imap, f, from, n); break;
	case PROTOCOL_POP3: pop3_gap(&c->pop3, f, from, n); break;
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
}

bool clear_at_line_start(const struct clear *c, enum side from)
{
	switch ((enum protocol)c->protocol) {
	case PROTOCOL_SMTP: return smtp_at_line_start(&c->smtp, from);
	case PROTOCOL_IMAP: return imap_at_line_start(&c->imap, from);
	case PROTOCOL_POP3: return pop3_at_line_start(&c->pop3, from);
	case PROTOCOL_NONE:
	case PROTOCOL_N: break;
	}
	return true;
}
