/* conf_value.c - the value of an option from its text, and back. */
#include "sensor/conf_table.h"

#include <stdio.h>
#include <string.h>

#include "reports/period.h"

/* Up to 9 digits and nothing else. */
static bool parse_number(const char *text, unsigned *out)
{
	size_t len = strlen(text);
	unsigned n = 0;

	if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
		return false;
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (unsigned)(text[i] - '0');
	*out = n;
	return true;
}

/* "12", "0.5", "12.25" in hundredths. */
static bool parse_hundredths(const char *text, unsigned *out)
{
	char whole[8];
	size_t len = strcspn(text, ".");
	unsigned n, tenths = 0;

	if (len == 0 || len >= sizeof(whole))
		return false;
	memcpy(whole, text, len);
	whole[len] = '\0';
	if (!parse_number(whole, &n))
		return false;
	text += len;
	if (*text == '.') {
		len = strlen(++text);
		if (len > 2 || !parse_number(text, &tenths))
			return false;
		tenths *= len == 1 ? 10 : 1;
	}
	*out = n * 100 + tenths;
	return true;
}

static bool set_count(unsigned *to, const struct conf_option *o, const char *text, char *why,
		      size_t whylen)
{
	unsigned n;

	if (parse_number(text, &n) && n >= o->min && n <= o->max) {
		*to = n;
		return true;
	}
	snprintf(why, whylen, "needs a whole number from %u to %u, not \"%.40s\"", o->min, o->max,
		 text);
	return false;
}

static bool set_percent(unsigned *to, const struct conf_option *o, const char *text, char *why,
			size_t whylen)
{
	unsigned n;

	if (parse_hundredths(text, &n) && n >= o->min && n <= o->max) {
		*to = n;
		return true;
	}
	snprintf(why, whylen,
		 "needs a number from %u to %u with at most two decimals, not \"%.40s\"",
		 o->min / 100, o->max / 100, text);
	return false;
}

static bool set_text(char *to, const struct conf_option *o, const char *text, char *why,
		     size_t whylen)
{
	size_t len = strlen(text);

	if (len < o->min || len > o->max) {
		snprintf(why, whylen, "needs text of %u to %u bytes, not of %zu", o->min, o->max,
			 len);
		return false;
	}
	memcpy(to, text, len + 1);
	return true;
}

static bool set_path(char *to, const struct conf_option *o, const char *text, char *why,
		     size_t whylen)
{
	if (text[0] != '\0' && text[0] != '/') {
		snprintf(why, whylen, "needs a path that begins with /, not \"%.40s\"", text);
		return false;
	}
	return set_text(to, o, text, why, whylen);
}

static bool set_sensor(char *to, const struct conf_option *o, const char *text, char *why,
		       size_t whylen)
{
	if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
	    strlen(text)) {
		snprintf(why, whylen, "needs letters, digits, \"-\", \"_\" and \".\" only");
		return false;
	}
	return set_text(to, o, text, why, whylen);
}

static bool set_mode(enum capture_mode *to, const char *text, char *why, size_t whylen)
{
	if (strcmp(text, "ports") == 0) {
		*to = MODE_PORTS;
	} else if (strcmp(text, "any") == 0) {
		*to = MODE_ANY;
	} else {
		snprintf(why, whylen, "needs \"ports\" or \"any\", not \"%.40s\"", text);
		return false;
	}
	return true;
}

static bool set_switch(bool *to, const char *text, char *why, size_t whylen)
{
	*to = strcmp(text, "true") == 0;
	if (*to || strcmp(text, "false") == 0)
		return true;
	snprintf(why, whylen, "needs true or false, not \"%.40s\"", text);
	return false;
}

static bool set_name(char *to, const struct conf_option *o, const char *text, char *why,
		     size_t whylen)
{
	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(text)) {
		snprintf(why, whylen, "needs a-z, 0-9 and \"-\" only, not \"%.40s\"", text);
		return false;
	}
	return set_text(to, o, text, why, whylen);
}

bool conf_option_set(void *base, const struct conf_option *o, const char *text, char *why,
		     size_t whylen)
{
	void *to = (char *)base + o->offset;

	switch (o->kind) {
	case OPTION_SENSOR: return set_sensor(to, o, text, why, whylen);
	case OPTION_NAME: return set_name(to, o, text, why, whylen);
	case OPTION_WORD: return conf_word_set(to, (enum word_list)o->min, text, why, whylen);
	case OPTION_TIME: return conf_time_set(to, text, why, whylen);
	case OPTION_PARTY:
	case OPTION_TEXT: return set_text(to, o, text, why, whylen);
	case OPTION_PATH: return set_path(to, o, text, why, whylen);
	case OPTION_COUNT: return set_count(to, o, text, why, whylen);
	case OPTION_PERCENT: return set_percent(to, o, text, why, whylen);
	case OPTION_MODE: return set_mode(to, text, why, whylen);
	case OPTION_SWITCH: return set_switch(to, text, why, whylen);
	case OPTION_INTERFACES:
	case OPTION_PORTS:
	case OPTION_ARGUMENTS:
	case OPTION_ENCAPSULATIONS:
	case OPTION_CPUS:
	case OPTION_PEER:
	case OPTION_EXCEPTION: break;
	}
	snprintf(why, whylen, "is not a single value");
	return false;
}

void conf_option_get(const void *base, const struct conf_option *o, char *out, size_t outlen)
{
	const char *at = (const char *)base + o->offset;
	enum capture_mode mode;
	char iso[UTC_TEXT_MAX];
	int64_t time;
	unsigned n;

	out[0] = '\0';
	switch (o->kind) {
	case OPTION_SENSOR:
	case OPTION_NAME:
	case OPTION_PARTY:
	case OPTION_TEXT:
	case OPTION_PATH: snprintf(out, outlen, "%s", at); break;
	case OPTION_COUNT:
		memcpy(&n, at, sizeof(n));
		snprintf(out, outlen, "%u", n);
		break;
	case OPTION_PERCENT:
		memcpy(&n, at, sizeof(n));
		snprintf(out, outlen, "%u.%02u", n / 100, n % 100);
		break;
	case OPTION_MODE:
		memcpy(&mode, at, sizeof(mode));
		if (mode != MODE_DEFAULT)
			snprintf(out, outlen, "%s", mode == MODE_ANY ? "any" : "ports");
		break;
	case OPTION_WORD:
		snprintf(out, outlen, "%s", conf_word_get(at, (enum word_list)o->min));
		break;
	case OPTION_TIME:
		memcpy(&time, at, sizeof(time));
		utc_text(time, UTC_ISO, iso);
		snprintf(out, outlen, "%s", iso);
		break;
	case OPTION_SWITCH: snprintf(out, outlen, "%s", *at ? "true" : "false"); break;
	case OPTION_INTERFACES:
	case OPTION_PORTS:
	case OPTION_ARGUMENTS:
	case OPTION_ENCAPSULATIONS:
	case OPTION_CPUS:
	case OPTION_PEER:
	case OPTION_EXCEPTION: break;
	}
}

/* Ports -------------------------------------------------------------------------------------- */

bool conf_port_add(struct conf *c, enum port_list list, const char *text, char *why, size_t whylen)
{
	struct mail_port p = conf_port_list(list);
	unsigned n;

	if (!parse_number(text, &n) || n == 0 || n > UINT16_MAX) {
		snprintf(why, whylen, "needs ports from 1 to 65535, not \"%.40s\"", text);
		return false;
	}
	if (conf_port(c, (uint16_t)n)) {
		snprintf(why, whylen, "port %u is in a list of capture.ports already", n);
		return false;
	}
	if (c->ports_n == CONF_PORTS_MAX) {
		snprintf(why, whylen, "more than %d ports in capture.ports", CONF_PORTS_MAX);
		return false;
	}
	p.port = (uint16_t)n;
	c->ports[c->ports_n++] = p;
	return true;
}

bool conf_cpu_add(struct conf *c, const char *text, char *why, size_t whylen)
{
	unsigned n;

	if (!parse_number(text, &n) || n > CONF_CPU_MAX) {
		snprintf(why, whylen, "needs numbers of CPUs from 0 to %d, not \"%.40s\"",
			 CONF_CPU_MAX, text);
		return false;
	}
	if (c->cpus_n == CONF_WORKERS_MAX) {
		snprintf(why, whylen, "more than %d CPUs", CONF_WORKERS_MAX);
		return false;
	}
	c->cpus[c->cpus_n++] = (uint16_t)n;
	return true;
}

void conf_ports_clear(struct conf *c, enum port_list list)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->ports_n; i++) {
		if (!conf_port_is_of(&c->ports[i], list))
			c->ports[kept++] = c->ports[i];
	}
	c->ports_n = kept;
}

const struct mail_port *conf_port(const struct conf *c, uint16_t port)
{
	for (unsigned i = 0; i < c->ports_n; i++) {
		if (c->ports[i].port == port)
			return &c->ports[i];
	}
	return NULL;
}

/* Encapsulations ------------------------------------------------------------------------------ */

#define NAME(id, name) [id] = (name),
static const char *const encapsulation_names[] = { ENCAPSULATION_TABLE(NAME) };
#undef NAME

const char *encapsulation_name(enum encapsulation e)
{
	return (size_t)e < ENCAPSULATIONS ? encapsulation_names[e] : NULL;
}

static void name_all(char *out, size_t outlen)
{
	size_t n = 0;

	for (unsigned i = 0; i < ENCAPSULATIONS && n < outlen; i++)
		n += (size_t)snprintf(out + n, outlen - n, "%s%s", i ? ", " : "",
				      encapsulation_names[i]);
}

bool conf_encapsulation_add(struct conf *c, const char *name, char *why, size_t whylen)
{
	char all[128];

	for (unsigned i = 0; i < ENCAPSULATIONS; i++) {
		if (strcmp(name, encapsulation_names[i]) != 0)
			continue;
		if (c->encapsulations & 1u << i) {
			snprintf(why, whylen, "names %s twice", name);
			return false;
		}
		c->encapsulations |= 1u << i;
		return true;
	}
	name_all(all, sizeof(all));
	snprintf(why, whylen, "knows %s, not \"%.40s\"", all, name);
	return false;
}
