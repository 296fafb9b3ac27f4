/* view_unknown.c - the networks behind "other" and "<peer>-net", so that lists of prefixes can be
 * completed. */
#include "web/view.h"

#include <stdlib.h>

#include "web/page.h"
#include "web/view_lines.h"

#define HOSTS_MAX 100u

struct unknown {
	struct lines_extent extent;
	struct unknown_host *hosts;
	size_t n, all;
};

static void put_advice(struct html *h)
{
	html_element(h, "p", T_UNKNOWN_WHAT, NULL);
	html_element(h, "p", T_UNKNOWN_CUT, NULL);
	html_element(h, "h2", T_UNKNOWN_DO_HEADING, NULL);
	html_put(h, "<ol>");
	html_element(h, "li", T_UNKNOWN_FIND, NULL);
	html_element(h, "li", T_UNKNOWN_ADD, NULL);
	html_element(h, "li", T_UNKNOWN_CHECK, NULL);
	html_put(h, "</ol>\n");
}

static void put_count(struct html *h, uint64_t n)
{
	char text[NUMBER_TEXT_MAX];

	number_text(n, text);
	html_put(h, "<td class=\"n\">%s</td>", text);
}

static void put_host(struct html *h, const struct unknown_host *u)
{
	html_put(h, "<tr><th scope=\"row\">%s</th><td>", u->network);
	page_party(h, u->party);
	html_put(h, "</td>");
	put_count(h, u->as_client);
	put_count(h, u->as_server);
	put_count(h, u->encrypted);
	put_count(h, u->plaintext);
	html_put(h, "<td>");
	page_party(h, u->with);
	html_put(h, "</td><td>%s</td><td>", u->name);
	page_time(h, u->last);
	html_put(h, "</td></tr>\n");
}

static void put_table(struct html *h, const struct unknown *u)
{
	static const enum text heads[] = { T_COL_NETWORK,   T_COL_COUNTED_AS, T_COL_AS_CLIENT,
					   T_COL_AS_SERVER, T_COL_ENCRYPTED,  T_COL_PLAINTEXT,
					   T_COL_MOST_WITH, T_COL_ASKED_FOR,  T_LAST_SEEN };
	char shown[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];

	number_text(u->n, shown);
	number_text(u->all, all);
	html_put(h,
		 "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>\n",
		 text_of(T_UNKNOWN_LIST_HEADING));
	html_element(h, "caption", T_UNKNOWN_CAPTION, shown, all, NULL);
	html_put(h, "<thead><tr>");
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		html_element(h, "th scope=\"col\"", heads[i], NULL);
	html_put(h, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < u->n; i++)
		put_host(h, &u->hosts[i]);
	html_put(h, "</tbody></table></div>\n");
}

static void write_html(const struct unknown *u, struct html *h)
{
	put_advice(h);
	html_element(h, "h2", T_UNKNOWN_LIST_HEADING, NULL);
	view_lines_extent(h, &u->extent);
	if (u->n > 0)
		put_table(h, u);
	else if (u->extent.lines > 0)
		html_element(h, "p", T_UNKNOWN_NONE, NULL);
}

static void write_json(const struct unknown *u, struct json_out *j)
{
	char last[UTC_TEXT_MAX];

	view_lines_extent_json(j, &u->extent);
	json_uint(j, "networks_all", u->all);
	json_array(j, "networks");
	for (size_t i = 0; i < u->n; i++) {
		const struct unknown_host *host = &u->hosts[i];

		json_object(j, NULL);
		json_text(j, "network", host->network);
		json_text(j, "party", host->party);
		json_uint(j, "as_client", host->as_client);
		json_uint(j, "as_server", host->as_server);
		json_uint(j, "encrypted", host->encrypted);
		json_uint(j, "plaintext", host->plaintext);
		json_text(j, "most_with", host->with);
		json_text(j, "asked_for", host->name[0] ? host->name : NULL);
		utc_text(host->last, UTC_ISO, last);
		json_text(j, "last_seen", last);
		json_object_end(j);
	}
	json_array_end(j);
}

enum answer view_unknown(struct view *v, struct html *h, struct json_out *j)
{
	struct unknown u = { .hosts = calloc(HOSTS_MAX, sizeof(*u.hosts)) };

	if (!u.hosts)
		abort();
	lines_extent(v->lines, &u.extent);
	u.n = lines_unknown(v->lines, u.hosts, HOSTS_MAX, &u.all);
	if (h)
		write_html(&u, h);
	else
		write_json(&u, j);
	free(u.hosts);
	return ANSWER_OK;
}
