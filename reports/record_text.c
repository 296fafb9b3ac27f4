/* record_text.c - addresses, times and evidence as words. */
#include "reports/record.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS 1000000000u

static bool is_v4(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

void address_text(const uint8_t addr[16], bool truncate, char *out, size_t outlen)
{
	bool v4 = is_v4(addr);
	size_t kept = v4 ? 12 + 2 : 6; /* IPv4 /16, IPv6 /48 */
	char text[INET6_ADDRSTRLEN];
	uint8_t copy[16];

	memcpy(copy, addr, sizeof(copy));
	if (truncate)
		memset(copy + kept, 0, sizeof(copy) - kept);
	if (inet_ntop(v4 ? AF_INET : AF_INET6, copy + (v4 ? 12 : 0), text, sizeof(text)) == NULL)
		text[0] = '\0';
	snprintf(out, outlen, "%s", text);
}

void time_text(uint64_t ns, unsigned digits, char *out, size_t outlen)
{
	time_t seconds = (time_t)(ns / NS);
	char day[sizeof("2554-07-21T23:34:33")];
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	if (digits == 0)
		snprintf(out, outlen, "%sZ", day);
	else
		snprintf(out, outlen, "%s.%06uZ", day, (unsigned)(ns % NS / 1000));
}

void step_text(int64_t step, char *out, size_t outlen)
{
	bool shown = step >= 0 && (uint64_t)step <= UINT64_MAX / NS;

	time_text(shown ? (uint64_t)step * NS : 0, 0, out, outlen);
}

#define MOMENT_FIRST -62167219200 /* 0000-01-01T00:00:00Z */
#define MOMENT_LAST  253402300799 /* 9999-12-31T23:59:59Z */

void moment_text(int64_t seconds, char out[MOMENT_MAX])
{
	int64_t kept = seconds < MOMENT_FIRST  ? MOMENT_FIRST
		       : seconds > MOMENT_LAST ? MOMENT_LAST
					       : seconds;
	time_t t = (time_t)kept;
	struct tm tm;
	char rest[16];

	memset(&tm, 0, sizeof(tm));
	gmtime_r(&t, &tm);
	strftime(rest, sizeof(rest), "-%m-%dT%H:%M:%S", &tm);
	snprintf(out, MOMENT_MAX, "%04u%sZ", (unsigned)(tm.tm_year + 1900) % 10000, rest);
}

bool moment_parse(const char *text, int64_t *seconds)
{
	char back[MOMENT_MAX];
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (!strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return false;
	*seconds = timegm(&tm);
	moment_text(*seconds, back);
	return strcmp(back, text) == 0;
}

const char *certificate_word(unsigned state)
{
	static const char *const words[CERTIFICATE_N] = {
		[CERTIFICATE_NOT_OBSERVABLE] = "not-observable",
		[CERTIFICATE_UNREADABLE] = "unreadable",
	};

	return state < CERTIFICATE_N ? words[state] : NULL;
}

void evidence_text(const struct session *s, char *out, size_t outlen)
{
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < s->evidence_len && at < outlen; i++) {
		const char *word = word_name(s->evidence[i]), *gap = i == 0 ? "" : " ";
		int n = word != NULL ? snprintf(out + at, outlen - at, "%s%s", gap, word)
				     : snprintf(out + at, outlen - at, "%s%u", gap,
						(unsigned)s->evidence[i]);

		at += n < 0 ? 0 : (size_t)n;
	}
}
