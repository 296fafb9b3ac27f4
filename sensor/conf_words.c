/* conf_words.c - values that are one word of a list, and times. */
#include "sensor/conf_table.h"

#include <stdio.h>
#include <string.h>

#include "reports/period.h"
#include "reports/rules.h"
#include "reports/target.h"

#define TLS_OLDEST 0x0301

/* Word lists ---------------------------------------------------------------------------------- */

static const char *rule_word(unsigned i)
{
	return rule_name((enum rule)i);
}

static const char *severity_word(unsigned i)
{
	return severity_name((enum severity)i);
}

static const char *kind_word(unsigned i)
{
	return target_kind_name((enum target_kind)i);
}

static const char *transport_word(unsigned i)
{
	return target_transport_name((enum target_transport)i);
}

static const char *security_word(unsigned i)
{
	return snmp_security_name((enum snmp_security)i);
}

/* The value is first + its place in the list, in a field of so many bytes. */
static const struct {
	const char *(*word)(unsigned value);
	unsigned first, n;
	size_t size;
} lists[WORD_LISTS] = {
	[WORDS_RULE] = { rule_word, 0, RULES, sizeof(enum rule) },
	[WORDS_SEVERITY] = { severity_word, 0, SEVERITY_N, sizeof(enum severity) },
	[WORDS_TLS_VERSION] = { tls_version_name, TLS_OLDEST, 4, sizeof(uint16_t) },
	[WORDS_TARGET_KIND] = { kind_word, 0, TARGET_KINDS, sizeof(enum target_kind) },
	[WORDS_TRANSPORT] = { transport_word, 0, TRANSPORTS, sizeof(enum target_transport) },
	[WORDS_SECURITY] = { security_word, 0, SNMP_SECURITIES, sizeof(enum snmp_security) },
};

static void name_all(enum word_list list, char *out, size_t outlen)
{
	size_t at = 0;

	for (unsigned i = 0; i < lists[list].n && at < outlen; i++)
		at += (size_t)snprintf(out + at, outlen - at, "%s%s", i ? ", " : "",
				       lists[list].word(lists[list].first + i));
}

static void store(void *to, size_t size, unsigned value)
{
	uint16_t narrow = (uint16_t)value;

	if (size == sizeof(narrow))
		memcpy(to, &narrow, size);
	else
		memcpy(to, &value, sizeof(value));
}

static unsigned load(const void *from, size_t size)
{
	uint16_t narrow;
	unsigned value;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, from, size);
		return narrow;
	}
	memcpy(&value, from, sizeof(value));
	return value;
}

bool conf_word_set(void *to, enum word_list list, const char *text, char *why, size_t whylen)
{
	char all[256];

	for (unsigned i = 0; i < lists[list].n; i++) {
		unsigned value = lists[list].first + i;

		if (strcmp(text, lists[list].word(value)) == 0) {
			store(to, lists[list].size, value);
			return true;
		}
	}
	name_all(list, all, sizeof(all));
	snprintf(why, whylen, "knows %s, not \"%.40s\"", all, text);
	return false;
}

const char *conf_word_get(const void *from, enum word_list list)
{
	unsigned value = load(from, lists[list].size);
	unsigned at = value - lists[list].first;

	return at < lists[list].n ? lists[list].word(value) : "";
}

/* Times --------------------------------------------------------------------------------------- */

/* "+01:00" at the end: its seconds east of UTC, and where it begins; NULL when there is none. */
static const char *zone_at(const char *text, int64_t *east)
{
	size_t len = strlen(text);
	const char *z = len > 6 ? text + len - 6 : text;
	unsigned hours, minutes;

	if ((z[0] != '+' && z[0] != '-') || strspn(z + 1, "0123456789") != 2 || z[3] != ':' ||
	    strspn(z + 4, "0123456789") != 2)
		return NULL;
	hours = (unsigned)(z[1] - '0') * 10 + (unsigned)(z[2] - '0');
	minutes = (unsigned)(z[4] - '0') * 10 + (unsigned)(z[5] - '0');
	if (hours > 23 || minutes > 59)
		return NULL;
	*east = (int64_t)(hours * 3600 + minutes * 60) * (z[0] == '-' ? -1 : 1);
	return z;
}

/* A time of day is there, and the time is one that can be printed. */
static bool parse_time(const char *text, int64_t *out)
{
	char clock[UTC_TEXT_MAX], back[UTC_TEXT_MAX];
	int64_t east = 0, again;
	const char *zone = zone_at(text, &east);
	size_t len = zone ? (size_t)(zone - text) : strlen(text);

	if (len >= sizeof(clock) || !memchr(text, ':', len))
		return false;
	memcpy(clock, text, len);
	clock[len] = '\0';
	if ((zone && clock[len - 1] == 'Z') || !utc_parse(clock, out))
		return false;
	*out -= east;
	utc_text(*out, UTC_ISO, back);
	return utc_parse(back, &again) && again == *out;
}

bool conf_time_set(int64_t *to, const char *text, char *why, size_t whylen)
{
	size_t len = strlen(text);
	int64_t at, east;

	if (!parse_time(text, &at)) {
		snprintf(why, whylen, "needs a time such as 2026-11-22T22:00:00Z, not \"%.40s\"",
			 text);
		return false;
	}
	if (text[len - 1] != 'Z' && !zone_at(text, &east)) {
		snprintf(why, whylen, "needs a time with its zone: %sZ for UTC, %s+01:00", text,
			 text);
		return false;
	}
	*to = at;
	return true;
}
