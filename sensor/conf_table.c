/* conf_table.c - the options of mailseal.yaml, one row each. */
#include "sensor/conf_table.h"

#include <string.h>

#include "sensor/conf_alerts_table.h"

#define ROW(key_, unit_, fallback_, text_, kind_, offset_, min_, max_) \
	{ .key = (key_), .kind = (kind_), .offset = (offset_), .min = (min_), .max = (max_) },
#define ITEM_ROW(key_, unit_, fallback_, text_, kind_, offset_, min_, max_, uses_) \
	{ .key = (key_),                                                           \
	  .kind = (kind_),                                                         \
	  .offset = (offset_),                                                     \
	  .min = (min_),                                                           \
	  .max = (max_),                                                           \
	  .uses = (uses_) },
#define TEXTS(key_, unit_, fallback_, text_, kind_, offset_, min_, max_) \
	{ .key = (key_), .unit = (unit_), .fallback = (fallback_), .text = (text_) },
#define ITEM_TEXTS(key_, unit_, fallback_, text_, kind_, offset_, min_, max_, uses_) \
	TEXTS(key_, unit_, fallback_, text_, kind_, offset_, min_, max_)

static const struct conf_option options[] = { CONF_TABLE(ROW) CONF_ALERTS_TABLE(ITEM_ROW) };
static const struct conf_option_text texts[] = { CONF_TABLE(TEXTS) CONF_ALERTS_TABLE(ITEM_TEXTS) };

#define OPTIONS_N (sizeof(options) / sizeof(options[0]))
#define WORD_MAX  32 /* longer words are like none of ours */

static const struct mail_port port_lists[PORT_LISTS] = {
	[PORTS_SMTP] = { 0, PROTOCOL_SMTP, SERVICE_MTA, false },
	[PORTS_SUBMISSION] = { 0, PROTOCOL_SMTP, SERVICE_SUBMISSION, false },
	[PORTS_SUBMISSIONS] = { 0, PROTOCOL_SMTP, SERVICE_SUBMISSION, true },
	[PORTS_IMAP] = { 0, PROTOCOL_IMAP, SERVICE_ACCESS, false },
	[PORTS_IMAPS] = { 0, PROTOCOL_IMAP, SERVICE_ACCESS, true },
	[PORTS_POP3] = { 0, PROTOCOL_POP3, SERVICE_ACCESS, false },
	[PORTS_POP3S] = { 0, PROTOCOL_POP3, SERVICE_ACCESS, true },
};

size_t conf_options(const struct conf_option **out)
{
	*out = options;
	return OPTIONS_N;
}

size_t conf_option_texts(const struct conf_option_text **out)
{
	*out = texts;
	return OPTIONS_N;
}

struct mail_port conf_port_list(enum port_list list)
{
	return port_lists[list];
}

bool conf_port_is_of(const struct mail_port *p, enum port_list list)
{
	const struct mail_port *l = &port_lists[list];

	return p->protocol == l->protocol && p->service == l->service &&
	       p->implicit_tls == l->implicit_tls;
}

const struct conf_option *conf_option_find(const char *key)
{
	for (size_t i = 0; i < OPTIONS_N; i++) {
		if (strcmp(options[i].key, key) == 0)
			return &options[i];
	}
	return NULL;
}

/* What follows "section." in a key; NULL when the key lies elsewhere. */
static const char *below(const char *key, const char *section)
{
	size_t n = strlen(section);

	if (n == 0)
		return key;
	return strncmp(key, section, n) == 0 && key[n] == '.' ? key + n + 1 : NULL;
}

bool conf_option_is_section(const char *key)
{
	for (size_t i = 0; i < OPTIONS_N; i++) {
		if (below(options[i].key, key))
			return true;
	}
	return false;
}

const char *conf_option_word(const struct conf_option *o, const char *section)
{
	const char *word = below(o->key, section);

	return word && !strchr(word, '.') ? word : NULL;
}

/* Edits that turn a into b (Levenshtein), both at most WORD_MAX long. */
static unsigned distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned row[WORD_MAX + 1];

	for (unsigned j = 0; j <= blen; j++)
		row[j] = j;
	for (unsigned i = 1; i <= alen; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= blen; j++) {
			unsigned best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[blen];
}

struct conf_guess conf_guess_at(const char *word)
{
	return (struct conf_guess){ .word = word, .distance = 4 }; /* further off is no help */
}

void conf_guess_offer(struct conf_guess *g, const char *name, size_t len)
{
	size_t wlen = strlen(g->word);
	unsigned d;

	if (wlen > WORD_MAX || len > WORD_MAX)
		return;
	d = distance(name, len, g->word, wlen);
	if (d < g->distance && d < len) {
		g->distance = d;
		g->best = name;
		g->len = len;
	}
}

const char *conf_option_nearest(const char *section, const char *word, size_t *len)
{
	struct conf_guess g = conf_guess_at(word);

	for (size_t i = 0; i < OPTIONS_N; i++) {
		const char *name = below(options[i].key, section);

		if (name)
			conf_guess_offer(&g, name, strcspn(name, "."));
	}
	*len = g.len;
	return g.best;
}
