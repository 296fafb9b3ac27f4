/* export_series.c - what `mailseal export` can give. */
#include "reports/export_series.h"

#include <string.h>

#include "reports/text.h"

#define LIST_WIDTH  80u
#define LIST_INDENT 30u

/* Made of counts, in the order in which series_of_counts() gives them. */
static const struct series_about made[] = {
	{ "sessions", "sessions", "all with a verdict" },
	{ "E", "sessions", "encrypted: enc_starttls + enc_implicit" },
	{ "P", "sessions", "in clear: plaintext - refused" },
	{ "U", "sessions", "unknown: indeterminate - begun_before" },
	{ "ratio", "1", "E / (E + P); nothing when E + P = 0" },
	{ "lowest", "1", "E / (E + P + U), the lower bound of the ratio" },
	{ "highest", "1", "(E + U) / (E + P + U), the upper bound of the ratio" },
	{ "coverage", "1",
	  "(E + P + tls_failed) / (E + P + tls_failed + U), the share that could be decided" },
};
#define MADE_N (sizeof(made) / sizeof(made[0]))

_Static_assert(MADE_N + COUNT_N <= SERIES_MAX && HEALTH_N + 1 <= SERIES_MAX, "room for all");

size_t series_count(enum series_of of)
{
	return of == SERIES_OF_PAIR ? MADE_N + COUNT_N : HEALTH_N + 1;
}

struct series_about series_about(enum series_of of, size_t i)
{
	if (of == SERIES_OF_PAIR && i < MADE_N)
		return made[i];
	if (of == SERIES_OF_PAIR) {
		enum count c = (enum count)(i - MADE_N);

		return (struct series_about){ count_name(c), count_unit(c), count_text(c) };
	}
	if (i == HEALTH_N)
		return (struct series_about){ "alive", "connections",
					      "in the flow table at the end" };
	return (struct series_about){ health_name((enum health_counter)i),
				      health_unit((enum health_counter)i),
				      health_text((enum health_counter)i) };
}

/* The number of the series; that of all when there is none. */
static size_t find(enum series_of of, const char *name, size_t len)
{
	size_t i = 0, n = series_count(of);

	while (i < n && (strlen(series_about(of, i).name) != len ||
			 strncmp(series_about(of, i).name, name, len) != 0))
		i++;
	return i;
}

static void want(struct series_wanted *w, size_t i)
{
	if (!memchr(w->at, (int)i, w->n))
		w->at[w->n++] = (unsigned char)i;
}

bool series_read(enum series_of of, const char *names, struct series_wanted *out, char *err,
		 size_t errlen)
{
	out->n = 0;
	for (size_t i = 0; !names && i < series_count(of); i++)
		want(out, i);
	while (names) {
		size_t len = strcspn(names, ","), i = find(of, names, len);

		if (i == series_count(of)) {
			snprintf(err, errlen, "there is no series \"%.*s\" of %s",
				 (int)(len < 60 ? len : 60), names,
				 of == SERIES_OF_PAIR ? "pairs" : "the sensor");
			return false;
		}
		want(out, i);
		names = names[len] ? names + len + 1 : NULL;
	}
	return true;
}

static struct series_value whole(uint64_t n)
{
	return (struct series_value){ .known = true, .n = n };
}

static struct series_value share(bool known, double value)
{
	return (struct series_value){ .is_share = true, .known = known, .share = value };
}

void series_of_counts(const struct counts *c, struct series_value out[SERIES_MAX])
{
	struct ratio r = counts_ratio(c, 0);
	bool bounded = r.encrypted + r.plaintext + r.unknown > 0;

	*out++ = whole(counts_sessions(c));
	*out++ = whole(r.encrypted);
	*out++ = whole(r.plaintext);
	*out++ = whole(r.unknown);
	*out++ = share(r.known, r.ratio);
	*out++ = share(bounded, r.lowest);
	*out++ = share(bounded, r.highest);
	*out++ = share(r.covered, r.coverage);
	for (unsigned i = 0; i < COUNT_N; i++)
		*out++ = whole(c->n[i]);
}

void series_of_health(const struct health *h, struct series_value out[SERIES_MAX])
{
	for (unsigned i = 0; i < HEALTH_N; i++)
		out[i] = whole(h->n[i]);
	out[HEALTH_N] = whole(h->alive);
}

void series_list(FILE *out)
{
	static const char *const heads[SERIES_OF_N] = {
		[SERIES_OF_PAIR] = "Of a pair, or of a sum of pairs:",
		[SERIES_OF_SENSOR] = "Of the sensor (--sensor):",
	};
	char head[64];

	for (unsigned of = 0; of < SERIES_OF_N; of++) {
		fprintf(out, "%s%s\n", of ? "\n" : "", heads[of]);
		for (size_t i = 0; i < series_count((enum series_of)of); i++) {
			struct series_about a = series_about((enum series_of)of, i);

			snprintf(head, sizeof(head), "  %-15s %-11s", a.name, a.unit);
			text_wrap(out, LIST_WIDTH, LIST_INDENT, head, a.text);
		}
	}
}
