/* view_method.c - what every number means, what it is a part of, and what it cannot see. Needs no
 * ledger. */
#include "web/view.h"

#include "web/page.h"
#include "web/terms.h"

static void put_contents(struct html *h)
{
	html_put(h, "<ul class=\"spans\">");
	for (unsigned g = 0; g < TERM_GROUPS; g++) {
		html_put(h, "<li><a href=\"#group-%u\">", g);
		html_say(h, term_heading((enum term_group)g), NULL);
		html_put(h, "</a></li>");
	}
	html_put(h, "<li><a href=\"#limits\">");
	html_say(h, T_METHOD_LIMITS, NULL);
	html_put(h, "</a></li><li><a href=\"#privacy\">");
	html_say(h, T_METHOD_PRIVACY, NULL);
	html_put(h, "</a></li></ul>\n");
}

static void put_group(struct html *h, enum term_group g)
{
	size_t n;
	const struct term *list = terms_of(g, &n);
	char anchor[TERM_ANCHOR_MAX];

	html_put(h, "<h2 id=\"group-%u\">", (unsigned)g);
	html_say(h, term_heading(g), NULL);
	html_put(h, "</h2>\n<dl class=\"terms\">\n");
	for (size_t i = 0; i < n; i++) {
		term_anchor(g, list[i].name, anchor);
		html_put(h, "<dt id=\"%s\">%s</dt>", anchor, list[i].name);
		html_element(h, "dd", list[i].words, NULL);
		html_put(h, "\n");
	}
	html_put(h, "</dl>\n");
}

static void put_list(struct html *h, const char *id, enum text heading, const enum text *list,
		     size_t n)
{
	html_put(h, "<h2 id=\"%s\">", id);
	html_say(h, heading, NULL);
	html_put(h, "</h2>\n<ul>\n");
	for (size_t i = 0; i < n; i++)
		html_element(h, "li", list[i], NULL);
	html_put(h, "</ul>\n");
}

static const enum text limits[] = { T_LIMIT_LOSS,    T_LIMIT_PATH,      T_LIMIT_CERTIFICATES,
				    T_LIMIT_INSIDE,  T_LIMIT_PREFIXES,  T_LIMIT_MESSAGES,
				    T_LIMIT_OUTAGES, T_LIMIT_EXCEPTIONS };
static const enum text privacy[] = { T_PRIVACY_PAYLOAD, T_PRIVACY_ADDRESSES, T_PRIVACY_PEERS,
				     T_PRIVACY_CODES };
#define LENGTH(list) (sizeof(list) / sizeof((list)[0]))

static void write_html(struct html *h)
{
	html_element(h, "p", T_METHOD_INTRO, NULL);
	html_element(h, "p", T_METHOD_SUMS, NULL);
	put_contents(h);
	for (unsigned g = 0; g < TERM_GROUPS; g++)
		put_group(h, (enum term_group)g);
	put_list(h, "limits", T_METHOD_LIMITS, limits, LENGTH(limits));
	put_list(h, "privacy", T_METHOD_PRIVACY, privacy, LENGTH(privacy));
}

static void json_list(struct json_out *j, const char *key, const enum text *list, size_t n)
{
	json_array(j, key);
	for (size_t i = 0; i < n; i++)
		json_text(j, NULL, text_of(list[i]));
	json_array_end(j);
}

static void write_json(struct json_out *j)
{
	char anchor[TERM_ANCHOR_MAX];

	json_array(j, "terms");
	for (unsigned g = 0; g < TERM_GROUPS; g++) {
		size_t n;
		const struct term *list = terms_of((enum term_group)g, &n);

		for (size_t i = 0; i < n; i++) {
			term_anchor((enum term_group)g, list[i].name, anchor);
			json_object(j, NULL);
			json_text(j, "name", list[i].name);
			json_text(j, "anchor", anchor);
			json_text(j, "meaning", text_of(list[i].words));
			json_object_end(j);
		}
	}
	json_array_end(j);
	json_list(j, "limits", limits, LENGTH(limits));
	json_list(j, "privacy", privacy, LENGTH(privacy));
}

enum answer view_method(struct view *v, struct html *h, struct json_out *j)
{
	(void)v;
	if (h)
		write_html(h);
	else
		write_json(j);
	return ANSWER_OK;
}
