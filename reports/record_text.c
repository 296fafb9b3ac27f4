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

/* So many digits, with zeroes in front. */
static char *put_digits(char *to, unsigned value, unsigned n)
{
	for (unsigned i = n; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + n;
}

/* What there is room for. */
static void copy_text(const char *text, char *out, size_t outlen)
{
	size_t n = strlen(text);

	if (outlen == 0)
		return;
	n = n < outlen ? n : outlen - 1;
	memcpy(out, text, n);
	out[n] = '\0';
}

static void v4_text(const uint8_t addr[4], char *to)
{
	for (unsigned i = 0; i < 4; i++) {
		to = put_digits(to, addr[i], addr[i] > 99 ? 3 : addr[i] > 9 ? 2 : 1);
		*to++ = i < 3 ? '.' : '\0';
	}
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
	if (v4)
		v4_text(copy + 12, text);
	else if (inet_ntop(AF_INET6, copy, text, sizeof(text)) == NULL)
		text[0] = '\0';
	copy_text(text, out, outlen);
}

static char *put_part(char *to, unsigned value, unsigned digits, char behind)
{
	to = put_digits(to, value, digits);
	*to++ = behind;
	return to;
}

static char *put_moment(char *to, time_t seconds, char behind)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	gmtime_r(&seconds, &tm);
	to = put_part(to, (unsigned)(tm.tm_year + 1900), 4, '-');
	to = put_part(to, (unsigned)tm.tm_mon + 1, 2, '-');
	to = put_part(to, (unsigned)tm.tm_mday, 2, 'T');
	to = put_part(to, (unsigned)tm.tm_hour, 2, ':');
	to = put_part(to, (unsigned)tm.tm_min, 2, ':');
	return put_part(to, (unsigned)tm.tm_sec, 2, behind);
}

void time_text(uint64_t ns, unsigned digits, char *out, size_t outlen)
{
	char text[sizeof("2554-07-21T23:34:33.709551Z")];
	char *at = put_moment(text, (time_t)(ns / NS), digits == 0 ? 'Z' : '.');

	if (digits > 0)
		at = put_part(at, (unsigned)(ns % NS / 1000), 6, 'Z');
	*at = '\0';
	copy_text(text, out, outlen);
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

	put_moment(out, (time_t)kept, 'Z')[0] = '\0';
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
	char code[] = "999", *end = out + outlen;

	out[0] = '\0';
	for (unsigned i = 0; i < s->evidence_len && out < end; i++) {
		const char *word = word_name(s->evidence[i]);

		if (word == NULL) {
			put_digits(code, s->evidence[i], 3);
			word = code;
		}
		if (i > 0) {
			copy_text(" ", out, (size_t)(end - out));
			out += out[0] != '\0';
		}
		copy_text(word, out, (size_t)(end - out));
		out += strlen(out);
	}
}
