#include "sensor/classify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_NDPI
#include <ndpi_api.h>
#endif

/* Words that begin a connection of something that is not mail. */
static const char *const others[] = {
	"GET ",      "POST ", "HEAD ",  "PUT ",   "OPTIONS ", "CONNECT ", "HTTP/",
	"SSH-",      "RFB ",  "SIP/",   "PRI * ", "DELETE ",  "TRACE ",   "PATCH ",
	"PROPFIND ", "<?xml", "*1\r\n", "*2\r\n", "*3\r\n",   "NICK ",
};

static bool begins_with(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.len >= n && memcmp(s.at, word, n) == 0;
}

static bool is_verb(struct span s, const char *verb)
{
	return s.len > 4 && span_is((struct span){ s.at, 4 }, verb) &&
	       (s.at[4] == ' ' || s.at[4] == '\r' || s.at[4] == '\n');
}

static bool is_text(struct span s)
{
	for (size_t i = 0; i < s.len && i < 64; i++) {
		if ((s.at[i] < ' ' && s.at[i] != '\t' && s.at[i] != '\r' && s.at[i] != '\n') ||
		    s.at[i] == 0x7f)
			return false;
	}
	return true;
}

static bool is_imap_command(struct span s)
{
	static const char *const names[] = { "CAPABILITY", "STARTTLS", "LOGIN", "AUTHENTICATE" };
	struct span line = s, verb;

	for (line.len = 0; line.len < s.len && s.at[line.len] != '\r' && s.at[line.len] != '\n';)
		line.len++;
	if (span_word(line, &verb).len == 0 || line.len == s.len)
		return false;
	verb = span_word(verb, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_is(verb, names[i]))
			return true;
	}
	return false;
}

enum first_bytes classify_first_bytes(struct span s)
{
	if (s.len >= 3 && s.at[0] >= 20 && s.at[0] <= 23 && s.at[1] == 3 && s.at[2] <= 4)
		return FIRST_TLS;
	if (begins_with(s, "220 ") || begins_with(s, "220-") || begins_with(s, "220\r\n"))
		return FIRST_SMTP_SERVER;
	if (is_verb(s, "EHLO") || is_verb(s, "HELO"))
		return FIRST_SMTP_CLIENT;
	if (begins_with(s, "* OK ") || begins_with(s, "* PREAUTH ") || begins_with(s, "* BYE "))
		return FIRST_IMAP_SERVER;
	if (begins_with(s, "+OK ") || begins_with(s, "+OK\r\n"))
		return FIRST_POP3_SERVER;
	if (is_verb(s, "CAPA") || is_verb(s, "USER") || is_verb(s, "APOP") || is_verb(s, "STLS"))
		return FIRST_POP3_CLIENT;
	if (is_imap_command(s))
		return FIRST_IMAP_CLIENT;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (begins_with(s, others[i]))
			return FIRST_OTHER;
	}
	return is_text(s) ? FIRST_TEXT : FIRST_BINARY;
}

enum protocol classify_named(enum first_bytes first)
{
	switch (first) {
	case FIRST_SMTP_SERVER:
	case FIRST_SMTP_CLIENT: return PROTOCOL_SMTP;
	case FIRST_IMAP_SERVER:
	case FIRST_IMAP_CLIENT: return PROTOCOL_IMAP;
	case FIRST_POP3_SERVER:
	case FIRST_POP3_CLIENT: return PROTOCOL_POP3;
	case FIRST_TLS:
	case FIRST_OTHER:
	case FIRST_TEXT:
	case FIRST_BINARY: break;
	}
	return PROTOCOL_NONE;
}

/* Words that begin the name of a server, or are one of ALPN. */
static const struct {
	const char *word;
	enum protocol protocol;
} tls_words[] = {
	{ "SMTP", PROTOCOL_SMTP },  { "SMTPS", PROTOCOL_SMTP }, { "ESMTP", PROTOCOL_SMTP },
	{ "IMAP", PROTOCOL_IMAP },  { "IMAPS", PROTOCOL_IMAP }, { "IMAP4", PROTOCOL_IMAP },
	{ "POP", PROTOCOL_POP3 },   { "POPS", PROTOCOL_POP3 },  { "POP3", PROTOCOL_POP3 },
	{ "POP3S", PROTOCOL_POP3 },
};

static enum protocol protocol_of_word(const char *at, size_t n)
{
	struct span s = { (const uint8_t *)at, n };

	for (size_t i = 0; i < sizeof(tls_words) / sizeof(tls_words[0]); i++) {
		if (span_is(s, tls_words[i].word))
			return tls_words[i].protocol;
	}
	return PROTOCOL_NONE;
}

enum protocol classify_tls(const struct session *s)
{
	for (size_t at = 0; at < s->alpn_len;) {
		size_t n = strcspn(s->alpn + at, ",");
		enum protocol p = protocol_of_word(s->alpn + at, n);

		if (p != PROTOCOL_NONE)
			return p;
		at += n + 1;
	}
	if (s->alpn_len > 0) /* it says what it wants, and that is not mail */
		return PROTOCOL_NONE;
	return protocol_of_word(s->sni, strcspn(s->sni, "."));
}

enum service classify_service(enum protocol p)
{
	return p == PROTOCOL_SMTP ? SERVICE_MTA : SERVICE_ACCESS;
}

#ifdef HAVE_NDPI

/* Its interface changes with its version. All that differs stands here. */
#define NDPI_SINCE(major, minor) \
	(NDPI_MAJOR > (major) || (NDPI_MAJOR == (major) && NDPI_MINOR >= (minor)))

/* What it may look for: mail, and what is mistaken for it. */
static const uint16_t wanted[] = {
	NDPI_PROTOCOL_MAIL_SMTP,   NDPI_PROTOCOL_MAIL_IMAP, NDPI_PROTOCOL_MAIL_POP,
	NDPI_PROTOCOL_FTP_CONTROL, NDPI_PROTOCOL_IRC,       NDPI_PROTOCOL_REDIS,
};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

#if NDPI_SINCE(5, 0)
/* All are switched on at first. */
static bool want_no_others(struct ndpi_detection_module_struct *m)
{
	bool ok = ndpi_set_config(m, "any", "enable", "0") == NDPI_CFG_OK;
	char number[8];

	for (size_t i = 0; ok && i < WANTED; i++) {
		snprintf(number, sizeof(number), "%u", wanted[i]);
		ok = ndpi_set_config(m, number, "enable", "1") == NDPI_CFG_OK;
	}
	return ok;
}
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion" /* the macro of libndpi does not pass our warnings */
static bool want_no_others(struct ndpi_detection_module_struct *m)
{
	NDPI_PROTOCOL_BITMASK mask;

	NDPI_BITMASK_RESET(mask);
	for (size_t i = 0; i < WANTED; i++)
		NDPI_BITMASK_ADD(mask, wanted[i]);
#if NDPI_SINCE(4, 6)
	return ndpi_set_protocol_detection_bitmask2(m, &mask) == 0;
#else
	ndpi_set_protocol_detection_bitmask2(m, &mask);
	return true;
#endif
}
#pragma GCC diagnostic pop
#endif

static bool finish_module(struct ndpi_detection_module_struct *m)
{
#if NDPI_SINCE(4, 10)
	return ndpi_finalize_initialization(m) == 0;
#else
	ndpi_finalize_initialization(m);
	return true;
#endif
}

/* NULL when it cannot be had. */
static struct ndpi_detection_module_struct *new_module(void)
{
#if NDPI_SINCE(4, 10)
	struct ndpi_detection_module_struct *m = ndpi_init_detection_module(NULL);
#else
	struct ndpi_detection_module_struct *m = ndpi_init_detection_module(ndpi_no_prefs);
#endif

	if (m && want_no_others(m) && finish_module(m))
		return m;
	if (m)
		ndpi_exit_detection_module(m);
	return NULL;
}

/* What it thinks that the flow is. */
struct found {
	uint16_t master, app;
};

static struct found look_at(struct ndpi_detection_module_struct *m, struct ndpi_flow_struct *f,
			    const struct packet *p)
{
	const unsigned short length = (unsigned short)p->ip_length;
	const uint64_t ms = p->time_ns / 1000000;
#if NDPI_SINCE(4, 6)
	ndpi_protocol got = ndpi_detection_process_packet(m, f, p->ip, length, ms, NULL);
#else
	ndpi_protocol got = ndpi_detection_process_packet(m, f, p->ip, length, ms);
#endif

#if NDPI_SINCE(4, 12)
	return (struct found){ got.proto.master_protocol, got.proto.app_protocol };
#else
	return (struct found){ got.master_protocol, got.app_protocol };
#endif
}

struct classifier {
	struct ndpi_detection_module_struct *module;
	struct ndpi_flow_struct **flows; /* allocated when first used, then kept */
	uint32_t max, used;
	uint32_t *free; /* stack of numbers that were given back */
	uint32_t free_n;
};

struct classifier *classifier_new(unsigned max_flows)
{
	struct classifier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->max = max_flows;
	c->flows = calloc(max_flows, sizeof(*c->flows));
	c->free = calloc(max_flows, sizeof(*c->free));
	c->module = new_module();
	if (!c->flows || !c->free || !c->module) {
		classifier_free(c);
		return NULL;
	}
	return c;
}

size_t classifier_bytes(unsigned max_flows)
{
	const struct classifier *c;

	return sizeof(*c) + max_flows * (SIZEOF_FLOW_STRUCT + sizeof(*c->flows) + sizeof(*c->free));
}

void classifier_free(struct classifier *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; c->flows && i < c->used; i++)
		free(c->flows[i]);
	if (c->module)
		ndpi_exit_detection_module(c->module);
	free(c->flows);
	free(c->free);
	free(c);
}

uint32_t classifier_begin(struct classifier *c)
{
	uint32_t n;

	if (c->free_n > 0)
		return c->free[--c->free_n];
	if (c->used == c->max)
		return 0;
	n = c->used;
	c->flows[n] = calloc(1, SIZEOF_FLOW_STRUCT);
	if (!c->flows[n])
		return 0;
	c->used++;
	return n + 1;
}

void classifier_end(struct classifier *c, uint32_t flow)
{
	if (flow == 0)
		return;
	ndpi_free_flow_data(c->flows[flow - 1]);
	explicit_bzero(c->flows[flow - 1], SIZEOF_FLOW_STRUCT);
	c->free[c->free_n++] = flow;
}

static bool is_mail(uint16_t protocol)
{
	return protocol == NDPI_PROTOCOL_MAIL_SMTP || protocol == NDPI_PROTOCOL_MAIL_SMTPS ||
	       protocol == NDPI_PROTOCOL_MAIL_IMAP || protocol == NDPI_PROTOCOL_MAIL_IMAPS ||
	       protocol == NDPI_PROTOCOL_MAIL_POP || protocol == NDPI_PROTOCOL_MAIL_POPS;
}

enum opinion classifier_packet(struct classifier *c, uint32_t flow, const struct packet *p)
{
	struct ndpi_flow_struct *f = flow ? c->flows[flow - 1] : NULL;
	struct found found;

	if (!f || p->ip_length == 0 || p->ip_length > UINT16_MAX)
		return OPINION_NONE;
	found = look_at(c->module, f, p);
	if (f->confidence != NDPI_CONFIDENCE_DPI ||
	    found.app + found.master == NDPI_PROTOCOL_UNKNOWN)
		return OPINION_NONE;
	return is_mail(found.master) || is_mail(found.app) ? OPINION_MAIL : OPINION_OTHER;
}

#else

struct classifier {
	bool nothing;
};

struct classifier *classifier_new(unsigned max_flows)
{
	(void)max_flows;
	return calloc(1, sizeof(struct classifier));
}

size_t classifier_bytes(unsigned max_flows)
{
	(void)max_flows;
	return sizeof(struct classifier);
}

void classifier_free(struct classifier *c)
{
	free(c);
}

uint32_t classifier_begin(struct classifier *c)
{
	(void)c;
	return 0;
}

void classifier_end(struct classifier *c, uint32_t flow)
{
	(void)c;
	(void)flow;
}

enum opinion classifier_packet(struct classifier *c, uint32_t flow, const struct packet *p)
{
	(void)c;
	(void)flow;
	(void)p;
	return OPINION_NONE;
}

#endif
