/* conf_reload.c - what a running sensor takes from a file that was read anew. */
#include <stdlib.h>
#include <string.h>

#include "sensor/conf_reader.h"

/* Sections of single values that are taken. */
static bool is_taken(const struct conf_option *o)
{
	static const char *const taken[] = { "incidents.", "retention.", "syslog." };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (strncmp(o->key, taken[i], strlen(taken[i])) == 0)
			return true;
	}
	return false;
}

/* Peers, exceptions and alerts are no single values and reload as a whole. */
static bool is_single(const struct conf_option *o)
{
	return o->uses == 0 && o->kind != OPTION_PEER && o->kind != OPTION_EXCEPTION;
}

/* From one configuration to another of the same options. */
static void copy_value(struct conf *to, const struct conf *from, const struct conf_option *o)
{
	char text[CONF_TEXT_MAX + 1], why[CONF_WHY_MAX];

	conf_option_get(from, o, text, sizeof(text));
	if (!conf_option_set(to, o, text, why, sizeof(why)))
		abort(); /* it was read in this way before */
}

static char *text_of(const struct conf *c, const struct conf_option *o)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	conf_option_print(c, o, f);
	fclose(f);
	return text;
}

static bool differs(const struct conf *a, const struct conf *b, const struct conf_option *o)
{
	char *one = text_of(a, o), *other = text_of(b, o);
	bool differ = strcmp(one, other) != 0;

	free(one);
	free(other);
	return differ;
}

unsigned conf_take(const struct conf *now, struct conf *next, char *left, size_t leftlen)
{
	const struct conf_option *options;
	size_t n = conf_options(&options), at = 0;
	struct conf kept = *now;
	unsigned found = 0;

	left[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (!is_single(&options[i]) || !differs(now, next, &options[i]))
			continue;
		if (is_taken(&options[i])) {
			copy_value(&kept, next, &options[i]);
			continue;
		}
		if (at < leftlen)
			at += (size_t)snprintf(left + at, leftlen - at, "%s%s", found ? ", " : "",
					       options[i].key);
		found++;
	}
	kept.peers = next->peers;
	kept.source = next->source;
	kept.rules = next->rules;
	kept.rules_n = next->rules_n;
	kept.targets = next->targets;
	kept.targets_n = next->targets_n;
	kept.maintenance = next->maintenance;
	kept.maintenance_n = next->maintenance_n;
	*next = kept;
	return found;
}
