/* conf_reader.c - what the parts of the reader of mailseal.yaml share. */
#include "sensor/conf_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool conf_fail(struct conf_reader *r, unsigned line, const char *key, const char *fmt, ...)
{
	char what[CONF_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(r->err, r->errlen, "%s:%u: %s: %s", r->path, line, key, what);
	for (char *at = r->err; r->errlen > 0 && *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	}
	return false;
}

void conf_key_join(char out[CONF_KEY_MAX], const char *section, const char *word)
{
	snprintf(out, CONF_KEY_MAX, "%s%s%.64s", section, section[0] ? "." : "", word);
}

bool conf_expect(struct conf_reader *r, const struct ynode *n, enum ynode_kind kind,
		 const char *key)
{
	static const char *const names[] = {
		[YNODE_SCALAR] = "a single value",
		[YNODE_LIST] = "a list",
		[YNODE_MAP] = "keys with values",
	};

	if (n->kind == kind)
		return true;
	return conf_fail(r, n->line, key, "needs %s, not %s", names[kind], names[n->kind]);
}

bool conf_is_empty(const struct ynode *n)
{
	return n->kind == YNODE_SCALAR && n->plain && n->text[0] == '\0';
}

bool conf_expect_value(struct conf_reader *r, const struct ynode *n, const char *key)
{
	if (!conf_expect(r, n, YNODE_SCALAR, key))
		return false;
	if (conf_is_empty(n) ||
	    (n->plain && (strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0)))
		return conf_fail(r, n->line, key, "needs a value");
	return true;
}

static bool unknown_key(struct conf_reader *r, const struct ynode *k, const char *section)
{
	char key[CONF_KEY_MAX];
	size_t len = 0;
	const char *near = conf_option_nearest(section, k->text, &len);

	conf_key_join(key, section, k->text);
	if (section[0] && (conf_option_find(k->text) || conf_option_is_section(k->text)))
		return conf_fail(r, k->line, key,
				 "unknown key; \"%s\" has to stand at the beginning of its line",
				 k->text);
	if (near)
		return conf_fail(r, k->line, key, "unknown key; did you mean \"%.*s\"?", (int)len,
				 near);
	return conf_fail(r, k->line, key, "unknown key");
}

bool conf_check_keys(struct conf_reader *r, const struct ynode *map, const char *section)
{
	char key[CONF_KEY_MAX];

	for (const struct ynode *k = map->first; k; k = k->next) {
		conf_key_join(key, section, k->text);
		if (k->text[0] == '\0' || strchr(k->text, '.') || /* a path, not a word */
		    (!conf_option_find(key) && !conf_option_is_section(key)))
			return unknown_key(r, k, section);
		for (const struct ynode *j = map->first; j != k; j = j->next) {
			if (strcmp(j->text, k->text) == 0)
				return conf_fail(r, k->line, key, "is in line %u already", j->line);
		}
	}
	return true;
}

bool conf_read_single(struct conf_reader *r, void *base, const struct conf_option *o,
		      const struct ynode *n)
{
	char why[CONF_WHY_MAX];

	if (!conf_expect_value(r, n, o->key))
		return false;
	if (!n->plain && (o->kind == OPTION_COUNT || o->kind == OPTION_PERCENT))
		return conf_fail(r, n->line, o->key, "needs a number without quotes");
	if (!conf_option_set(base, o, n->text, why, sizeof(why)))
		return conf_fail(r, n->line, o->key, "%s", why);
	return true;
}

bool conf_read_items(struct conf_reader *r, const struct ynode *n, const char *key,
		     conf_read_item *item)
{
	if (conf_is_empty(n))
		return true;
	if (!conf_expect(r, n, YNODE_LIST, key))
		return false;
	for (const struct ynode *i = n->first; i; i = i->next) {
		if (!conf_expect(r, i, YNODE_MAP, key) || !conf_check_keys(r, i, key) ||
		    !item(r, i))
			return false;
	}
	return true;
}
