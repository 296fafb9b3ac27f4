/* conf_alerts.c - reads the section alerts. */
#include "sensor/conf_alerts.h"

#include <stdlib.h>
#include <string.h>

#define RULES_KEY       "alerts.rules"
#define TARGETS_KEY     "alerts.targets"
#define MAINTENANCE_KEY "alerts.maintenance"

/* An item under way. */
struct item {
	void *base;       /* struct rule_entry, struct target or struct maintenance */
	const char *list; /* the key of the list */
	unsigned use;     /* its bit of the uses of an option */
	char what[64];    /* "snmp with security v2c" */
};

/* Keys of an item ---------------------------------------------------------------------------- */

/* "is not used by journald, which uses name, kind, ..." */
static bool unused(struct conf_reader *r, const struct ynode *k, const struct conf_option *o,
		   const struct item *it)
{
	char names[256] = "";
	const struct conf_option *options;
	size_t count = conf_options(&options), at = 0;

	for (size_t i = 0; i < count; i++) {
		const char *word = conf_option_word(&options[i], it->list);

		if (word && (options[i].uses & it->use) && at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
					       at ? ", " : "", word);
	}
	return conf_fail(r, k->line, o->key, "is not used by %s, which uses %s", it->what, names);
}

static bool check_party(struct conf_reader *r, const struct ynode *n, const struct conf_option *o)
{
	const char *word = n->text, *net = "";
	size_t len = strlen(word);
	struct conf_guess guess;
	char base[PARTY_NAME_MAX + 1];

	if (strcmp(word, "other") == 0)
		return true;
	if (len > 4 && strcmp(word + len - 4, "-net") == 0) {
		net = "-net";
		len -= 4;
	}
	memcpy(base, word, len); /* its length was checked when it was set */
	base[len] = '\0';
	guess = conf_guess_at(base);
	for (int i = 0; i < (int)peers_count(r->conf->peers); i++) {
		const char *name = peers_name(r->conf->peers, i);

		if (strcmp(name, base) == 0)
			return true;
		conf_guess_offer(&guess, name, strlen(name));
	}
	if (guess.best)
		return conf_fail(r, n->line, o->key,
				 "\"%s\" is not in peers; did you mean \"%s%s\"?", word, guess.best,
				 net);
	return conf_fail(r, n->line, o->key, "\"%s\" is not in peers", word);
}

static bool read_arguments(struct conf_reader *r, struct target *t, const struct conf_option *o,
			   const struct ynode *n)
{
	if (!conf_expect(r, n, YNODE_LIST, o->key))
		return false;
	for (const struct ynode *i = n->first; i; i = i->next) {
		size_t len;

		if (!conf_expect(r, i, YNODE_SCALAR, o->key))
			return false;
		len = strlen(i->text);
		if (len > TARGET_TEXT_MAX)
			return conf_fail(r, i->line, o->key, "needs words of at most %d bytes",
					 TARGET_TEXT_MAX);
		if (t->program_n == TARGET_ARGS_MAX)
			return conf_fail(r, i->line, o->key, "more than %d words", TARGET_ARGS_MAX);
		memcpy(t->program[t->program_n++], i->text, len + 1);
	}
	return true;
}

static bool read_key(struct conf_reader *r, const struct item *it, const struct conf_option *o,
		     const struct ynode *n)
{
	if (o->kind == OPTION_ARGUMENTS)
		return read_arguments(r, it->base, o, n);
	return conf_read_single(r, it->base, o, n) &&
	       (o->kind != OPTION_PARTY || check_party(r, n, o));
}

/* A key that the others hang on, or that cannot be missing. */
static bool read_first(struct conf_reader *r, const struct item *it, const struct ynode *map,
		       const char *word, bool required)
{
	char key[CONF_KEY_MAX];
	const struct ynode *n = ynode_get(map, word);

	conf_key_join(key, it->list, word);
	if (!n && required)
		return conf_fail(r, map->line, key, "is missing");
	return !n || read_key(r, it, conf_option_find(key), n);
}

static bool read_keys(struct conf_reader *r, const struct item *it, const struct ynode *map)
{
	char key[CONF_KEY_MAX];

	for (const struct ynode *k = map->first; k; k = k->next) {
		const struct conf_option *o;

		conf_key_join(key, it->list, k->text);
		o = conf_option_find(key);
		if (!(o->uses & it->use))
			return unused(r, k, o, it);
		if (!read_key(r, it, o, k->value))
			return false;
	}
	return true;
}

/* Room for one more in a list of n; false when there are max. */
static bool grow(struct conf_reader *r, const struct ynode *item, const char *key, void *list,
		 size_t n, size_t max, size_t size)
{
	void *old, *new;

	if (n == max)
		return conf_fail(r, item->line, key, "more than %zu", max);
	memcpy(&old, list, sizeof(old));
	new = reallocarray(old, n + 1, size);
	if (!new)
		abort();
	memcpy(list, &new, sizeof(new));
	return true;
}

/* Rules -------------------------------------------------------------------------------------- */

static const char *const setting_words[] = {
	[RULE_KEY_SEVERITY] = "severity",
	[RULE_KEY_QUIET] = "quiet_s",
	[RULE_KEY_SESSIONS] = "min_sessions",
	[RULE_KEY_COVERAGE] = "min_coverage_percent",
	[RULE_KEY_THRESHOLD] = "threshold_percent",
	[RULE_KEY_VERSION] = "min_version",
	[RULE_KEY_BLIND] = "blind_s",
};

int conf_rule_setting(const char *word)
{
	for (unsigned i = 0; i < RULE_KEYS; i++) {
		if (strcmp(setting_words[i], word) == 0)
			return (int)i;
	}
	return -1;
}

static bool read_rule(struct conf_reader *r, const struct ynode *map)
{
	struct rule_entry e = { 0 };
	struct item it = { .base = &e, .list = RULES_KEY };
	struct conf *c = r->conf;

	if (!read_first(r, &it, map, "rule", true))
		return false;
	it.use = 1u << e.rule;
	snprintf(it.what, sizeof(it.what), "%s", rule_name(e.rule));
	if (!read_keys(r, &it, map))
		return false;
	for (const struct ynode *k = map->first; k; k = k->next) {
		int setting = conf_rule_setting(k->text);

		if (setting >= 0)
			e.given |= 1u << setting;
	}
	if (e.given == 0)
		return conf_fail(r, map->line, RULES_KEY, "changes nothing of %s", it.what);
	if (!grow(r, map, RULES_KEY, &c->rules, c->rules_n, RULE_ENTRIES_MAX, sizeof(e)))
		return false;
	c->rules[c->rules_n++] = e;
	return true;
}

/* Targets ------------------------------------------------------------------------------------ */

enum target_variant conf_target_variant(const struct target *t)
{
	switch (t->kind) {
	case TARGET_SYSLOG:
		return t->transport == TRANSPORT_LOCAL ? VARIANT_SYSLOG_LOCAL : VARIANT_SYSLOG_NET;
	case TARGET_JOURNALD: return VARIANT_JOURNALD;
	case TARGET_ALERTMANAGER: return VARIANT_ALERTMANAGER;
	case TARGET_WEBHOOK: return VARIANT_WEBHOOK;
	case TARGET_SNMP: return (enum target_variant)(VARIANT_SNMP_V2C + (t->security - SNMP_V2C));
	case TARGET_PROGRAM: return VARIANT_PROGRAM;
	case TARGET_KINDS: break;
	}
	return TARGET_VARIANTS;
}

static void name_target(const struct target *t, struct item *it)
{
	const char *kind = target_kind_name(t->kind);

	if (t->kind == TARGET_SYSLOG)
		snprintf(it->what, sizeof(it->what), "%s with transport %s", kind,
			 target_transport_name(t->transport));
	else if (t->kind == TARGET_SNMP)
		snprintf(it->what, sizeof(it->what), "%s with security %s", kind,
			 snmp_security_name(t->security));
	else
		snprintf(it->what, sizeof(it->what), "%s", kind);
}

static bool name_is_free(struct conf_reader *r, const struct ynode *map, const struct target *t)
{
	const struct conf *c = r->conf;
	const struct ynode *n = ynode_get(map, "name");

	for (size_t i = 0; i < c->targets_n; i++) {
		if (strcmp(c->targets[i].name, t->name) != 0)
			continue;
		if (i < conf_targets_builtin(c))
			return conf_fail(r, n->line, TARGETS_KEY ".name",
					 "\"%s\" is the target that syslog.socket stands for",
					 t->name);
		return conf_fail(r, n->line, TARGETS_KEY ".name", "\"%s\" is a target already",
				 t->name);
	}
	return true;
}

static bool read_target(struct conf_reader *r, const struct ynode *map)
{
	struct target t = { 0 };
	struct item it = { .base = &t, .list = TARGETS_KEY };
	struct conf *c = r->conf;
	char why[CONF_WHY_MAX];

	if (!read_first(r, &it, map, "name", true) || !name_is_free(r, map, &t) ||
	    !read_first(r, &it, map, "kind", true))
		return false;
	target_init(&t, t.kind);
	if ((t.kind == TARGET_SYSLOG && !read_first(r, &it, map, "transport", false)) ||
	    (t.kind == TARGET_SNMP && !read_first(r, &it, map, "security", false)))
		return false;
	it.use = 1u << conf_target_variant(&t);
	name_target(&t, &it);
	if (!read_keys(r, &it, map))
		return false;
	if (!target_check(&t, why, sizeof(why)))
		return conf_fail(r, map->line, TARGETS_KEY, "%s %s", it.what, why);
	if (!grow(r, map, TARGETS_KEY, &c->targets, c->targets_n, TARGETS_MAX, sizeof(t)))
		return false;
	c->targets[c->targets_n++] = t;
	return true;
}

size_t conf_targets_builtin(const struct conf *c)
{
	return c->syslog_socket[0] ? 1 : 0;
}

void conf_alerts_default(struct conf *c)
{
	free(c->targets);
	c->targets = NULL;
	c->targets_n = conf_targets_builtin(c);
	if (c->targets_n == 0)
		return;
	c->targets = calloc(1, sizeof(*c->targets));
	if (!c->targets)
		abort();
	target_init(c->targets, TARGET_SYSLOG);
	strcpy(c->targets->name, "syslog");
	strcpy(c->targets->socket, c->syslog_socket);
}

/* Maintenance -------------------------------------------------------------------------------- */

static bool read_maintenance(struct conf_reader *r, const struct ynode *map)
{
	struct maintenance m = { 0 };
	struct item it = { .base = &m, .list = MAINTENANCE_KEY, .use = 1, .what = "maintenance" };
	struct conf *c = r->conf;

	if (!read_first(r, &it, map, "from", true) || !read_first(r, &it, map, "to", true) ||
	    !read_keys(r, &it, map))
		return false;
	if (m.from >= m.to)
		return conf_fail(r, ynode_get(map, "to")->line, MAINTENANCE_KEY ".to",
				 "needs to be after from");
	if (!grow(r, map, MAINTENANCE_KEY, &c->maintenance, c->maintenance_n, MAINTENANCE_MAX,
		  sizeof(m)))
		return false;
	c->maintenance[c->maintenance_n++] = m;
	return true;
}

/* Section ------------------------------------------------------------------------------------ */

bool conf_alerts_read(struct conf_reader *r, const struct ynode *section)
{
	conf_alerts_default(r->conf); /* syslog.socket has been read */
	if (!section || conf_is_empty(section))
		return true;
	if (!conf_expect(r, section, YNODE_MAP, "alerts") || !conf_check_keys(r, section, "alerts"))
		return false;
	for (const struct ynode *k = section->first; k; k = k->next) {
		bool ok;

		if (strcmp(k->text, "rules") == 0)
			ok = conf_read_items(r, k->value, RULES_KEY, read_rule);
		else if (strcmp(k->text, "targets") == 0)
			ok = conf_read_items(r, k->value, TARGETS_KEY, read_target);
		else
			ok = conf_read_items(r, k->value, MAINTENANCE_KEY, read_maintenance);
		if (!ok)
			return false;
	}
	return true;
}
