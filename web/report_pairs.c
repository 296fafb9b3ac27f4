/* report_pairs.c - chapters of the report: what is promised between each two signatories, what users
 * are offered. */
#include "web/report_parts.h"

#include <stdio.h>
#include <string.h>

static const struct counts *pair(const struct report *r, size_t client, size_t server)
{
	return &r->now.pairs[client * r->signatories_n + server];
}

static bool idle(const struct counts *c)
{
	return counts_sessions(c) == 0 && c->n[COUNT_EXCEPTED] == 0;
}

/* Between each two signatories --------------------------------------------------------------- */

static const enum count beside[] = {
	COUNT_TLS10,          COUNT_TLS11,         COUNT_TLS12,        COUNT_TLS13,
	COUNT_TLS_FAILED,     COUNT_REFUSED,       COUNT_STRIPPED,     COUNT_MESSAGES_CLEAR,
	COUNT_NO_TRANSACTION, COUNT_INDETERMINATE, COUNT_BEGUN_BEFORE, COUNT_EXCEPTED
};
#define BESIDE (sizeof(beside) / sizeof(beside[0]))

static void put_beside(struct sheet *s, const struct counts *c)
{
	for (size_t i = 0; i < BESIDE; i++)
		sheet_number(s, c->n[beside[i]]);
}

static void put_pair(struct sheet *s, size_t client, size_t server, bool shares)
{
	const struct report *r = s->r;
	const struct counts *c = pair(r, client, server);

	sheet_row(s, false);
	sheet_head(s, r->signatories[client]);
	sheet_head(s, r->signatories[server]);
	if (report_withholds(r, c))
		sheet_withheld(s, shares ? SHARE_CELLS : (unsigned)BESIDE);
	else if (shares)
		sheet_share(s, c, 0);
	else
		put_beside(s, c);
	html_put(&s->h, "</tr>\n");
}

static void put_pairs(struct sheet *s, bool shares)
{
	const struct report *r = s->r;

	for (size_t client = 0; client < r->signatories_n; client++) {
		for (size_t server = 0; server < r->signatories_n; server++) {
			if (client != server && !idle(pair(r, client, server)))
				put_pair(s, client, server, shares);
		}
	}
	sheet_row(s, true);
	html_element(&s->h, "th scope=\"row\" colspan=\"2\"", T_R_TOTAL, NULL);
	if (shares)
		sheet_share(s, &r->now.promised, r->now.health.n[HEALTH_LOST]);
	else
		put_beside(s, &r->now.promised);
	html_put(&s->h, "</tr>\n");
	sheet_table_end(s);
}

/* "free, laposte": to whom nothing came from the client; false when there is nobody. */
static bool idle_servers(const struct report *r, size_t client, char *out, size_t outlen)
{
	size_t at = 0;

	for (size_t server = 0; server < r->signatories_n; server++) {
		if (client == server || !idle(pair(r, client, server)) || at >= outlen)
			continue;
		at += (size_t)snprintf(out + at, outlen - at, "%s%s", at ? ", " : "",
				       r->signatories[server]);
	}
	return at > 0;
}

static void put_idle(struct sheet *s)
{
	char servers[REPORT_SIGNATORIES * (PARTY_NAME_MAX + 3)];
	bool any = false;

	for (size_t client = 0; client < s->r->signatories_n; client++) {
		if (!idle_servers(s->r, client, servers, sizeof(servers)))
			continue;
		if (!any) {
			html_element(&s->h, "p", T_R_IDLE, NULL);
			html_put(&s->h, "<ul class=\"idle\">\n");
		}
		any = true;
		html_element(&s->h, "li", T_R_IDLE_FROM, s->r->signatories[client], servers, NULL);
		html_put(&s->h, "\n");
	}
	if (any)
		html_put(&s->h, "</ul>\n");
	else
		html_element(&s->h, "p", T_R_NONE_IDLE, NULL);
}

void report_chapter_pairs(struct sheet *s)
{
	size_t n = s->r->signatories_n, rows = n > 0 ? n * (n - 1) : 0;
	static const struct column shares[] = { { T_FROM, false }, { T_TO, false }, SHARE_COLUMNS };
	static const struct column others[] = {
		{ T_FROM, false },    { T_TO, false },        { T_R_TLS10, true },
		{ T_R_TLS11, true },  { T_R_TLS12, true },    { T_R_TLS13, true },
		{ T_R_FAILED, true }, { T_R_REFUSED, true },  { T_R_STRIPPED, true },
		{ T_R_MAILS, true },  { T_R_EMPTY, true },    { T_R_INDETERMINATE, true },
		{ T_R_BEGUN, true },  { T_R_EXCEPTED, true },
	};

	html_element(&s->h, "h2", T_MTA_HEADING, NULL);
	if (s->r->signatories_n < 2) {
		html_element(&s->h, "p", T_NO_SIGNATORIES, NULL);
		return;
	}
	sheet_table(s, sheet_classes(false, rows), shares, sizeof(shares) / sizeof(shares[0]),
		    T_R_PAIRS_CAPTION, NULL);
	put_pairs(s, true);
	put_idle(s);
	sheet_table(s, sheet_classes(true, rows), others, sizeof(others) / sizeof(others[0]),
		    T_R_BESIDE_CAPTION, NULL);
	put_pairs(s, false);
}

/* Users' access -------------------------------------------------------------------------------- */

static const enum count used[] = { COUNT_OFFERED,      COUNT_REQUESTED,  COUNT_ENC_IMPLICIT,
				   COUNT_ENC_STARTTLS, COUNT_TLS_FAILED, COUNT_REFUSED,
				   COUNT_AUTH_CLEAR };
#define USED (sizeof(used) / sizeof(used[0]))

static void put_user_cells(struct sheet *s, const struct counts *c, uint64_t lost)
{
	sheet_share(s, c, lost);
	for (size_t i = 0; i < USED; i++)
		sheet_number(s, c->n[used[i]]);
}

static void put_users(struct sheet *s, enum report_side side, enum text caption)
{
	static const struct column columns[] = {
		{ T_PEER, false },        SHARE_COLUMNS,
		{ T_R_OFFERED, true },    { T_R_REQUESTED, true },
		{ T_R_FIRST_BYTE, true }, { T_R_BY_STARTTLS, true },
		{ T_R_FAILED, true },     { T_R_REFUSED, true },
		{ T_R_LOGINS, true },
	};
	const struct report_month *m = &s->r->now;

	sheet_table(s, sheet_classes(true, s->r->signatories_n), columns,
		    sizeof(columns) / sizeof(columns[0]), caption, NULL);
	for (size_t i = 0; i < s->r->signatories_n; i++) {
		sheet_row(s, false);
		sheet_head(s, s->r->signatories[i]);
		if (report_withholds(s->r, &m->sides[side][i]))
			sheet_withheld(s, SHARE_CELLS + (unsigned)USED);
		else
			put_user_cells(s, &m->sides[side][i], 0);
		html_put(&s->h, "</tr>\n");
	}
	sheet_row(s, true);
	html_element(&s->h, "th scope=\"row\"", T_R_TOTAL, NULL);
	put_user_cells(s, &m->side[side], m->health.n[HEALTH_LOST]);
	html_put(&s->h, "</tr>\n");
	sheet_table_end(s);
}

void report_chapter_users(struct sheet *s)
{
	html_element(&s->h, "h2", T_R_USERS, NULL);
	html_element(&s->h, "p", T_R_USERS_INTRO, NULL);
	put_users(s, SIDE_SUBMISSION, T_R_SUBMISSION_CAPTION);
	put_users(s, SIDE_ACCESS, T_R_ACCESS_CAPTION);
}
