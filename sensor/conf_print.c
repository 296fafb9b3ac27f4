/* conf_print.c - writes the configuration in force as YAML. */
#include "sensor/conf.h"

#include <string.h>

#include "sensor/conf_alerts.h"

/* Within quotes, whatever the text: values hold no control characters (conf_yaml.h). */
static void print_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* Section lines ("capture:", "  ports:") that the key before had not, and the indented word. */
static void print_key(FILE *out, const char *before, const char *key)
{
	const char *dot;
	unsigned depth = 0;

	for (; (dot = strchr(key, '.')); key = dot + 1, depth++) {
		size_t n = (size_t)(dot - key) + 1;

		if (before && strncmp(before, key, n) == 0) {
			before += n;
			continue;
		}
		before = NULL;
		fprintf(out, "%*s%.*s:\n", (int)(2 * depth), "", (int)(n - 1), key);
	}
	fprintf(out, "%*s%s: ", (int)(2 * depth), "", key);
}

static void print_ports(FILE *out, const struct conf *c, enum port_list list)
{
	const char *comma = "";

	fputc('[', out);
	for (unsigned i = 0; i < c->ports_n; i++) {
		if (!conf_port_is_of(&c->ports[i], list))
			continue;
		fprintf(out, "%s%u", comma, c->ports[i].port);
		comma = ", ";
	}
	fputs("]\n", out);
}

static void print_interfaces(FILE *out, const struct conf *c)
{
	fputc('[', out);
	for (unsigned i = 0; i < c->interfaces_n; i++) {
		fputs(i ? ", " : "", out);
		print_quoted(out, c->interfaces[i]);
	}
	fputs("]\n", out);
}

static void print_encapsulations(FILE *out, const struct conf *c)
{
	const char *comma = "";

	fputc('[', out);
	for (unsigned i = 0; i < ENCAPSULATIONS; i++) {
		if (!(c->encapsulations & 1u << i))
			continue;
		fprintf(out, "%s%s", comma, encapsulation_name((enum encapsulation)i));
		comma = ", ";
	}
	fputs("]\n", out);
}

static void print_cpus(FILE *out, const struct conf *c)
{
	fputc('[', out);
	for (unsigned i = 0; i < c->cpus_n; i++)
		fprintf(out, "%s%u", i ? ", " : "", c->cpus[i]);
	fputs("]\n", out);
}

void conf_option_print(const struct conf *c, const struct conf_option *o, FILE *out)
{
	char text[4096];

	switch (o->kind) {
	case OPTION_PORTS: print_ports(out, c, (enum port_list)o->offset); return;
	case OPTION_INTERFACES: print_interfaces(out, c); return;
	case OPTION_ENCAPSULATIONS: print_encapsulations(out, c); return;
	case OPTION_CPUS: print_cpus(out, c); return;
	case OPTION_SENSOR:
	case OPTION_TEXT:
	case OPTION_PATH:
		conf_option_get(c, o, text, sizeof(text));
		print_quoted(out, text);
		break;
	case OPTION_COUNT:
	case OPTION_PERCENT:
	case OPTION_MODE:
	case OPTION_SWITCH:
		conf_option_get(c, o, text, sizeof(text));
		fputs(text, out);
		break;
	case OPTION_PEER:
	case OPTION_EXCEPTION:
	case OPTION_WORD:
	case OPTION_NAME:
	case OPTION_PARTY:
	case OPTION_ARGUMENTS:
	case OPTION_TIME: break;
	}
	fputc('\n', out);
}

static void print_single(FILE *out, const char *text, bool quoted)
{
	if (quoted)
		print_quoted(out, text);
	else
		fputs(text, out);
	fputc('\n', out);
}

/* The value of a key of a peer or an exception. */
static void print_node(FILE *out, const struct ynode *n, bool quoted)
{
	if (n->kind == YNODE_LIST) {
		fputc('[', out);
		for (const struct ynode *i = n->first; i; i = i->next) {
			print_quoted(out, i->text);
			fputs(i->next ? ", " : "", out);
		}
		fputs("]\n", out);
	} else {
		print_single(out, n->text, quoted);
	}
}

static void print_items(FILE *out, const char *key, const struct ynode *list)
{
	if (!list || !list->first)
		return;
	fprintf(out, "%s:\n", key);
	for (const struct ynode *item = list->first; item; item = item->next) {
		const char *lead = "  - ";

		for (const struct ynode *k = item->first; k; k = k->next) {
			fprintf(out, "%s%s: ", lead, k->text);
			print_node(out, k->value, strcmp(k->text, "signatory") != 0);
			lead = "    ";
		}
	}
}

/* Alerts ------------------------------------------------------------------------------------- */

static void print_arguments(FILE *out, const struct target *t)
{
	fputc('[', out);
	for (unsigned i = 0; i < t->program_n; i++) {
		fputs(i ? ", " : "", out);
		print_quoted(out, t->program[i]);
	}
	fputs("]\n", out);
}

static bool is_text(const struct conf_option *o)
{
	return o->kind == OPTION_TEXT || o->kind == OPTION_PATH || o->kind == OPTION_NAME ||
	       o->kind == OPTION_PARTY;
}

/* Not given, and without a default: the usual port. */
static bool is_unset(const struct conf_option *o, const char *text)
{
	return text[0] == '\0' || (o->kind == OPTION_COUNT && o->min > 0 && strcmp(text, "0") == 0);
}

/* What lets whoever knows it in: a community, and the path to a webhook, which with many services is the
 * key. */
static bool is_secret(const struct target *t, const char *word, const char *text)
{
	const char *host = strstr(text, "://"), *path;

	if (strcmp(word, "user") == 0)
		return t->security == SNMP_V2C;
	if (strcmp(word, "url") != 0 || t->kind != TARGET_WEBHOOK)
		return false;
	host = host ? host + 3 : text;
	path = host + strcspn(host, "/?#");
	return *path && strcmp(path, "/") != 0;
}

#define ALL_SETTINGS (~0u)

/* A list of items: its key, and whether secrets of its items are shown. */
struct shown {
	const char *list;
	bool secrets;
};

/* The keys that the item uses and that have a value. given: bits of the settings of a rule. */
static void print_item(FILE *out, const struct shown *s, const void *item, unsigned use,
		       unsigned given)
{
	const char *lead = "    - ";
	const struct conf_option *options;
	size_t n = conf_options(&options);

	for (size_t i = 0; i < n; i++) {
		const struct conf_option *o = &options[i];
		const char *word = conf_option_word(o, s->list);
		int setting = word ? conf_rule_setting(word) : -1;
		char text[CONF_TEXT_MAX + 1];

		if (!word || !(o->uses & use) || (setting >= 0 && !(given & 1u << setting)))
			continue;
		conf_option_get(item, o, text, sizeof(text));
		if (o->kind != OPTION_ARGUMENTS && is_unset(o, text))
			continue;
		if (!s->secrets && is_secret(item, word, text)) {
			fprintf(out, "      # %s: not shown\n", word); /* a name comes before it */
			continue;
		}
		fprintf(out, "%s%s: ", lead, word);
		lead = "      ";
		if (o->kind == OPTION_ARGUMENTS)
			print_arguments(out, item);
		else
			print_single(out, text, is_text(o));
	}
}

static void print_alerts(FILE *out, const struct conf *c, bool secrets)
{
	const struct shown rules = { "alerts.rules", true };
	const struct shown targets = { "alerts.targets", secrets };
	const struct shown maintenance = { "alerts.maintenance", true };
	size_t builtin = conf_targets_builtin(c);

	if (c->rules_n || c->targets_n > builtin || c->maintenance_n)
		fputs("alerts:\n", out);
	if (c->rules_n)
		fputs("  rules:\n", out);
	for (size_t i = 0; i < c->rules_n; i++)
		print_item(out, &rules, &c->rules[i], 1u << c->rules[i].rule, c->rules[i].given);
	if (c->targets_n > builtin)
		fputs("  targets:\n", out);
	for (size_t i = builtin; i < c->targets_n; i++)
		print_item(out, &targets, &c->targets[i], 1u << conf_target_variant(&c->targets[i]),
			   ALL_SETTINGS);
	if (c->maintenance_n)
		fputs("  maintenance:\n", out);
	for (size_t i = 0; i < c->maintenance_n; i++)
		print_item(out, &maintenance, &c->maintenance[i], 1, ALL_SETTINGS);
}

void conf_print(const struct conf *c, bool secrets, FILE *out)
{
	const struct ynode *root = c->source ? ydoc_root(c->source) : NULL;
	const struct conf_option *options;
	size_t n = conf_options(&options);
	const char *before = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct conf_option *o = &options[i];

		if (o->uses || o->kind == OPTION_PEER || o->kind == OPTION_EXCEPTION ||
		    (o->kind == OPTION_MODE && c->mode == MODE_DEFAULT))
			continue;
		print_key(out, before, o->key);
		conf_option_print(c, o, out);
		before = o->key;
	}
	if (root && root->kind == YNODE_MAP) {
		print_items(out, "peers", ynode_get(root, "peers"));
		print_items(out, "exceptions", ynode_get(root, "exceptions"));
	}
	print_alerts(out, c, secrets);
}
