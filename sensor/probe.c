#include "sensor/probe.h"

/* A connection on no mail port has this many packets with payload to show that it is mail. */
#define PROBE_PACKETS   8
#define STALLED_PACKETS 64 /* while something waits for packets that were overtaken */

void probe_init(struct probe *p, bool open)
{
	*p = (struct probe){ .open = open };
}

void probe_fini(struct probe *p, struct classifier *c)
{
	classifier_end(c, p->ndpi);
	p->ndpi = 0;
}

static void ask_ndpi(struct probe *p, struct classifier *c, const struct packet *packet)
{
	if (p->ndpi == 0 && p->packets == 1)
		p->ndpi = classifier_begin(c);
	switch (classifier_packet(c, p->ndpi, packet)) {
	case OPINION_MAIL: p->ndpi_mail = true; break;
	case OPINION_OTHER: p->ndpi_other = true; break;
	case OPINION_NONE: break;
	}
}

/* On its port, the greeting or the record that is due there. */
static bool is_named(const struct probe *p, const struct packet *packet)
{
	enum first_bytes first =
		classify_first_bytes((struct span){ packet->payload, packet->length });

	return !p->open && (first == FIRST_TLS || classify_named(first) != PROTOCOL_NONE);
}

void probe_packet(struct probe *p, struct classifier *c, const struct mail *m,
		  const struct packet *packet)
{
	if (p->packets < UINT8_MAX)
		p->packets++;
	if (p->packets == 1)
		p->named = is_named(p, packet);
	if (p->named)
		return;
	if (p->packets > PROBE_PACKETS || mail_likeness(m) >= MAIL_LIKELY || m->facts.plain)
		probe_fini(p, c);
	else
		ask_ndpi(p, c, packet);
}

/* What is taken for SMTP because it is text begins like it. */
static bool begins_well(const struct facts *f)
{
	const uint16_t *e = f->s.evidence;

	return f->s.protocol != PROTOCOL_SMTP ||
	       (f->s.evidence_len > 0 && (e[0] == WORD_EHLO || e[0] == WORD_HELO));
}

/* Text of any kind has lines that look like commands; a conversation also has a greeting, unless
 * its start or one of its sides was not seen. */
static bool greeted_or_unseen(const struct facts *f)
{
	return f->greeted || !f->syn_seen || !f->visible[CLIENT] ||
	       (!f->visible[SERVER] && begins_well(f));
}

bool probe_is_mail(const struct probe *p, const struct mail *m)
{
	enum mail_likeness l = mail_likeness(m);

	if (!p->open)
		return l != MAIL_DOUBTFUL || !m->facts.syn_seen;
	if (m->facts.implicit)
		return p->tls_named;
	return (l == MAIL_SURE && greeted_or_unseen(&m->facts)) ||
	       (l == MAIL_LIKELY && p->ndpi_mail && (m->facts.greeted || m->facts.tls == TLS_NONE));
}

/* TLS on an unknown port: the ClientHello has the word. */
static void name_by_tls(struct probe *p, struct mail *m)
{
	enum protocol named;

	if (p->tls_named || m->clear_seen || !m->tls.side[CLIENT].hello)
		return;
	named = classify_tls(&m->facts.s);
	if (named == PROTOCOL_NONE)
		p->packets = PROBE_PACKETS; /* it will not get better */
	else
		mail_rename(m, named, classify_service(named));
	p->tls_named = named != PROTOCOL_NONE;
}

enum probe_answer probe_ask(struct probe *p, struct mail *m, bool waits)
{
	name_by_tls(p, m);
	if (probe_is_mail(p, m)) {
		p->open = false;
		return PROBE_MAIL;
	}
	return p->packets < (waits ? STALLED_PACKETS : PROBE_PACKETS) ? PROBE_OPEN : PROBE_NOT_MAIL;
}
