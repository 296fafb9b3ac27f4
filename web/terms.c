/* terms.c - what the names on the pages mean. */
#include "web/terms.h"

#include <stdio.h>
#include <string.h>

#include "web/page.h"

static const struct term numbers[] = {
	{ "promise", T_TERM_PROMISE },   { "session", T_TERM_SESSION },
	{ "ratio", T_TERM_RATIO },       { "bounds", T_TERM_BOUNDS },
	{ "coverage", T_TERM_COVERAGE }, { "step", T_TERM_STEP },
	{ "party", T_TERM_PARTY },       { "funnel", T_TERM_FUNNEL },
	{ "service", T_TERM_SERVICE },
};

static const struct term verdicts[] = {
	{ "encrypted-starttls", T_TERM_ENCRYPTED_STARTTLS },
	{ "encrypted-implicit", T_TERM_ENCRYPTED_IMPLICIT },
	{ "plaintext", T_TERM_PLAINTEXT },
	{ "tls-failed", T_TERM_TLS_FAILED },
	{ "no-transaction", T_TERM_NO_TRANSACTION },
	{ "indeterminate", T_TERM_INDETERMINATE },
};

static const struct term counts[] = {
	{ "refused", T_TERM_COUNT_REFUSED }, { "begun_before", T_TERM_BEGUN_BEFORE },
	{ "offered", T_TERM_OFFERED },       { "requested", T_TERM_REQUESTED },
	{ "accepted", T_TERM_ACCEPTED },     { "completed", T_TERM_COMPLETED },
	{ "stripped", T_TERM_STRIPPED },     { "messages_clear", T_TERM_MESSAGES_CLEAR },
	{ "auth_clear", T_TERM_AUTH_CLEAR }, { "excepted", T_TERM_EXCEPTED },
};

static const struct term exposures[] = {
	{ "content", T_TERM_CONTENT },          { "credentials", T_TERM_CREDENTIALS },
	{ "envelope", T_TERM_ENVELOPE },        { "refused", T_TERM_EXPOSURE_REFUSED },
	{ "unknown", T_TERM_EXPOSURE_UNKNOWN },
};

static const struct term causes[] = {
	{ "not-offered", T_TERM_NOT_OFFERED },
	{ "not-requested", T_TERM_NOT_REQUESTED },
	{ "refused", T_TERM_CAUSE_REFUSED },
	{ "handshake-failed", T_TERM_HANDSHAKE_FAILED },
	{ "suspected-stripping", T_TERM_SUSPECTED_STRIPPING },
	{ "unknown", T_TERM_CAUSE_UNKNOWN },
};

static const struct term strippeds[] = {
	{ "masked", T_TERM_MASKED },
	{ "refused", T_TERM_STRIPPED_REFUSED },
	{ "removed", T_TERM_REMOVED },
	{ "helo", T_TERM_HELO },
};

static const struct term rules[] = {
	{ "plaintext-between-signatories", T_RULE_PLAINTEXT },
	{ "starttls-stripped", T_RULE_STRIPPED },
	{ "downgrade-fallback", T_RULE_FALLBACK },
	{ "tls-too-old", T_RULE_TLS_TOO_OLD },
	{ "auth-in-clear", T_RULE_AUTH_IN_CLEAR },
	{ "ratio-below", T_RULE_RATIO_BELOW },
	{ "sensor-blind", T_RULE_SENSOR_BLIND },
	{ "sensor-lossy", T_RULE_SENSOR_LOSSY },
	{ "sensor-one-sided", T_RULE_SENSOR_ONE_SIDED },
};

static const struct term states[] = {
	{ "open", T_TERM_OPEN },
	{ "stale", T_TERM_STALE },
	{ "closed", T_TERM_CLOSED },
};

#define GROUP(id, list, prefix, heading) \
	[id] = { list, sizeof(list) / sizeof((list)[0]), prefix, heading }
static const struct group {
	const struct term *list;
	size_t n;
	const char *prefix;
	enum text heading;
} groups[TERM_GROUPS] = {
	GROUP(TERMS_NUMBER, numbers, "number", T_TERMS_NUMBERS),
	GROUP(TERMS_VERDICT, verdicts, "verdict", T_TERMS_VERDICTS),
	GROUP(TERMS_COUNT, counts, "count", T_TERMS_COUNTS),
	GROUP(TERMS_EXPOSURE, exposures, "exposure", T_TERMS_EXPOSURES),
	GROUP(TERMS_CAUSE, causes, "cause", T_TERMS_CAUSES),
	GROUP(TERMS_STRIPPED, strippeds, "stripped", T_TERMS_STRIPPEDS),
	GROUP(TERMS_RULE, rules, "rule", T_TERMS_RULES),
	GROUP(TERMS_STATE, states, "state", T_TERMS_STATES),
};

const struct term *terms_of(enum term_group g, size_t *n)
{
	*n = groups[g].n;
	return groups[g].list;
}

const struct term *term_find(enum term_group g, const char *name)
{
	for (size_t i = 0; i < groups[g].n; i++) {
		if (strcmp(groups[g].list[i].name, name) == 0)
			return &groups[g].list[i];
	}
	return NULL;
}

enum text term_heading(enum term_group g)
{
	return groups[g].heading;
}

void term_anchor(enum term_group g, const char *name, char out[TERM_ANCHOR_MAX])
{
	snprintf(out, TERM_ANCHOR_MAX, "%s-%s", groups[g].prefix, name);
}

void term_link(struct html *h, enum term_group g, const char *name, const char *text)
{
	struct route method = route_page(PAGE_METHOD);
	char path[ROUTE_PATH_MAX], anchor[TERM_ANCHOR_MAX];

	if (!term_find(g, name)) {
		html_text(h, text);
		return;
	}
	route_path(&method, path);
	term_anchor(g, name, anchor);
	html_put(h, "<a href=\"%s%s#%s\">%s</a>", h->root, path, anchor, text);
}
