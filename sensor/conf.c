/* conf.c - reads the configuration file. */
#include "sensor/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sensor/conf_alerts.h"
#include "sensor/conf_reader.h"

/* Defaults ----------------------------------------------------------------------------------- */

/* The host name, with "-" for what a sensor name cannot hold. */
static void set_host_name(struct conf *c, const struct conf_option *o)
{
	char name[CONF_TEXT_MAX + 1] = "", why[CONF_WHY_MAX];

	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		strcpy(name, "mailseald");
	name[o->max] = '\0';
	while (!conf_option_set(c, o, name, why, sizeof(why))) {
		for (char *at = name; *at; at++) {
			char one[2] = { *at, '\0' };

			if (!conf_option_set(c, o, one, why, sizeof(why)))
				*at = '-';
		}
	}
}

static void set_default_ports(struct conf *c, const struct conf_option *o, const char *fallback)
{
	char list[64], why[CONF_WHY_MAX], *save = NULL;

	strncpy(list, fallback, sizeof(list) - 1);
	list[sizeof(list) - 1] = '\0';
	for (char *at = strtok_r(list, ", ", &save); at; at = strtok_r(NULL, ", ", &save)) {
		if (!conf_port_add(c, (enum port_list)o->offset, at, why, sizeof(why)))
			abort(); /* the table is wrong */
	}
}

static void set_default(struct conf *c, const struct conf_option *o, const char *fallback)
{
	char why[CONF_WHY_MAX];

	switch (o->kind) {
	case OPTION_SENSOR: set_host_name(c, o); return;
	case OPTION_PORTS: set_default_ports(c, o, fallback); return;
	case OPTION_TEXT:
	case OPTION_PATH:
	case OPTION_COUNT:
	case OPTION_PERCENT:
	case OPTION_SWITCH:
		if (!conf_option_set(c, o, fallback, why, sizeof(why)))
			abort(); /* the table is wrong */
		return;
	case OPTION_MODE:
	case OPTION_INTERFACES:
	case OPTION_ENCAPSULATIONS:
	case OPTION_CPUS:
	case OPTION_PEER:
	case OPTION_EXCEPTION:
	case OPTION_WORD:
	case OPTION_NAME:
	case OPTION_PARTY:
	case OPTION_ARGUMENTS:
	case OPTION_TIME: return;
	}
}

struct conf *conf_default(void)
{
	struct conf *c = calloc(1, sizeof(*c));
	const struct conf_option *options;
	const struct conf_option_text *texts;
	size_t n = conf_options(&options);

	if (!c)
		abort();
	conf_option_texts(&texts);
	for (size_t i = 0; i < n; i++) {
		if (options[i].uses == 0)
			set_default(c, &options[i], texts[i].fallback);
	}
	c->peers = peers_new();
	conf_alerts_default(c);
	return c;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	peers_free(c->peers);
	ydoc_free(c->source);
	free(c->rules);
	free(c->targets);
	free(c->maintenance);
	free(c);
}

/* Options ------------------------------------------------------------------------------------ */

typedef bool add_value(struct conf_reader *r, const struct conf_option *o, const struct ynode *n);

static bool read_list(struct conf_reader *r, const struct conf_option *o, const struct ynode *n,
		      add_value *add)
{
	if (!conf_expect(r, n, YNODE_LIST, o->key))
		return false;
	for (const struct ynode *i = n->first; i; i = i->next) {
		if (!conf_expect_value(r, i, o->key) || !add(r, o, i))
			return false;
	}
	return true;
}

static bool add_port(struct conf_reader *r, const struct conf_option *o, const struct ynode *n)
{
	char why[CONF_WHY_MAX];

	if (!n->plain)
		return conf_fail(r, n->line, o->key, "needs numbers without quotes");
	if (!conf_port_add(r->conf, (enum port_list)o->offset, n->text, why, sizeof(why)))
		return conf_fail(r, n->line, o->key, "%s", why);
	return true;
}

static bool add_interface(struct conf_reader *r, const struct conf_option *o, const struct ynode *n)
{
	struct conf *c = r->conf;
	size_t len = strlen(n->text);

	if (len == 0 || len > CONF_TEXT_MAX)
		return conf_fail(r, n->line, o->key, "needs names of 1 to %d bytes", CONF_TEXT_MAX);
	if (c->interfaces_n == CONF_INTERFACES_MAX)
		return conf_fail(r, n->line, o->key, "more than %d interfaces",
				 CONF_INTERFACES_MAX);
	for (unsigned i = 0; i < c->interfaces_n; i++) {
		if (strcmp(c->interfaces[i], n->text) == 0)
			return conf_fail(r, n->line, o->key, "names %.64s twice", n->text);
	}
	memcpy(c->interfaces[c->interfaces_n++], n->text, len + 1);
	return true;
}

static bool add_cpu(struct conf_reader *r, const struct conf_option *o, const struct ynode *n)
{
	char why[CONF_WHY_MAX];

	if (!n->plain)
		return conf_fail(r, n->line, o->key, "needs numbers without quotes");
	if (!conf_cpu_add(r->conf, n->text, why, sizeof(why)))
		return conf_fail(r, n->line, o->key, "%s", why);
	return true;
}

static bool add_encapsulation(struct conf_reader *r, const struct conf_option *o,
			      const struct ynode *n)
{
	char why[CONF_WHY_MAX];

	if (!conf_encapsulation_add(r->conf, n->text, why, sizeof(why)))
		return conf_fail(r, n->line, o->key, "%s", why);
	return true;
}

static bool read_option(struct conf_reader *r, const struct conf_option *o, const struct ynode *n)
{
	switch (o->kind) {
	case OPTION_SENSOR:
	case OPTION_TEXT:
	case OPTION_PATH:
	case OPTION_COUNT:
	case OPTION_PERCENT:
	case OPTION_MODE:
	case OPTION_SWITCH: return conf_read_single(r, r->conf, o, n);
	case OPTION_INTERFACES: return read_list(r, o, n, add_interface);
	case OPTION_PORTS: return read_list(r, o, n, add_port);
	case OPTION_ENCAPSULATIONS: return read_list(r, o, n, add_encapsulation);
	case OPTION_CPUS: return read_list(r, o, n, add_cpu);
	case OPTION_PEER:
	case OPTION_EXCEPTION:
	case OPTION_WORD:
	case OPTION_NAME:
	case OPTION_PARTY:
	case OPTION_ARGUMENTS:
	case OPTION_TIME: break; /* of the items of lists: read_peer() and its like */
	}
	return true;
}

/* Peers -------------------------------------------------------------------------------------- */

static bool read_signatory(struct conf_reader *r, const struct ynode *item, bool *out)
{
	static const char key[] = "peers.signatory";
	const struct ynode *n = ynode_get(item, "signatory");

	*out = false;
	if (!n)
		return true;
	if (!conf_expect_value(r, n, key))
		return false;
	*out = strcmp(n->text, "true") == 0;
	if (!n->plain || (!*out && strcmp(n->text, "false") != 0))
		return conf_fail(r, n->line, key, "needs true or false, not \"%.40s\"", n->text);
	return true;
}

static bool read_prefixes(struct conf_reader *r, const struct ynode *item, int peer,
			  enum prefix_kind kind, const char *word)
{
	const struct ynode *n = ynode_get(item, word);
	char key[CONF_KEY_MAX], why[CONF_WHY_MAX];

	if (!n)
		return true;
	conf_key_join(key, "peers", word);
	if (!conf_expect(r, n, YNODE_LIST, key))
		return false;
	for (const struct ynode *i = n->first; i; i = i->next) {
		if (!conf_expect_value(r, i, key))
			return false;
		if (!peers_add_prefix(r->conf->peers, peer, kind, i->text, why, sizeof(why)))
			return conf_fail(r, i->line, key, "%s", why);
	}
	return true;
}

static bool read_peer(struct conf_reader *r, const struct ynode *item)
{
	const struct ynode *name;
	char why[CONF_WHY_MAX];
	bool signatory;
	int peer;

	name = ynode_get(item, "name");
	if (!name)
		return conf_fail(r, item->line, "peers.name", "is missing");
	if (!conf_expect_value(r, name, "peers.name") || !read_signatory(r, item, &signatory))
		return false;
	peer = peers_add(r->conf->peers, name->text, signatory, why, sizeof(why));
	if (peer < 0)
		return conf_fail(r, name->line, "peers.name", "%s", why);
	return read_prefixes(r, item, peer, PREFIX_MTA, "mta") &&
	       read_prefixes(r, item, peer, PREFIX_ACCESS, "access") &&
	       read_prefixes(r, item, peer, PREFIX_NETWORKS, "networks");
}

static bool read_exception(struct conf_reader *r, const struct ynode *item)
{
	const struct ynode *client, *server, *note;
	char why[CONF_WHY_MAX];

	client = ynode_get(item, "client");
	server = ynode_get(item, "server");
	note = ynode_get(item, "note");
	if (!client && !server)
		return conf_fail(r, item->line, "exceptions", "needs a client, a server or both");
	if ((client && !conf_expect_value(r, client, "exceptions.client")) ||
	    (server && !conf_expect_value(r, server, "exceptions.server")) ||
	    (note && !conf_expect(r, note, YNODE_SCALAR, "exceptions.note")))
		return false;
	if (!peers_add_exception(r->conf->peers, client ? client->text : NULL,
				 server ? server->text : NULL, why, sizeof(why)))
		return conf_fail(r, item->line, "exceptions", "%s", why);
	return true;
}

/* Sections ----------------------------------------------------------------------------------- */

/* Lists of ports that the file gives replace the built-in ones, all of them first: a port may
 * have moved from one list to another. */
static void drop_replaced_ports(struct conf *c, const struct ynode *map, const char *section)
{
	char key[CONF_KEY_MAX];

	for (const struct ynode *k = map->first; k; k = k->next) {
		const struct conf_option *o;

		conf_key_join(key, section, k->text);
		o = conf_option_find(key);
		if (o && o->kind == OPTION_PORTS)
			conf_ports_clear(c, (enum port_list)o->offset);
	}
}

static bool read_section(struct conf_reader *r, const struct ynode *map, const char *section)
{
	char key[CONF_KEY_MAX];

	if (conf_is_empty(map))
		return true;
	if (!conf_expect(r, map, YNODE_MAP, section[0] ? section : "file") ||
	    !conf_check_keys(r, map, section))
		return false;
	drop_replaced_ports(r->conf, map, section);
	for (const struct ynode *k = map->first; k; k = k->next) {
		const struct conf_option *o;
		bool ok;

		conf_key_join(key, section, k->text);
		o = conf_option_find(key);
		if (o)
			ok = read_option(r, o, k->value);
		else if (strcmp(key, "peers") == 0)
			ok = conf_read_items(r, k->value, key, read_peer);
		else if (strcmp(key, "exceptions") == 0)
			ok = conf_read_items(r, k->value, key, read_exception);
		else if (strcmp(key, "alerts") == 0)
			ok = true; /* at the end: it names peers */
		else
			ok = read_section(r, k->value, key); /* as deep as the table */
		if (!ok)
			return false;
	}
	return true;
}

struct conf *conf_read(const char *path, char *err, size_t errlen)
{
	struct conf_reader r = { .path = path, .err = err, .errlen = errlen };
	struct ydoc *source = ydoc_read(path, err, errlen);
	const struct ynode *root;

	if (!source)
		return NULL;
	r.conf = conf_default();
	r.conf->source = source;
	root = ydoc_root(source);
	if (root &&
	    (!read_section(&r, root, "") || !conf_alerts_read(&r, ynode_get(root, "alerts")))) {
		conf_free(r.conf);
		return NULL;
	}
	return r.conf;
}
