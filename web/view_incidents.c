/* view_incidents.c - what fires, the gravest first, and what has closed. */
#include "web/view.h"

#include <stdlib.h>

#include "web/page.h"

#define FIRING_MAX 1000u
#define CLOSED_MAX 200u

struct incidents_page {
	struct incident *firing, *closed;
	size_t firing_n, firing_all, closed_n, closed_all;
};

static void read_all(struct view *v, struct incidents_page *p)
{
	struct incidents_asked asked = { .which = INCIDENTS_FIRING };

	p->firing = view_incidents_of(v, &asked, FIRING_MAX, &p->firing_n, &p->firing_all);
	asked.which = INCIDENTS_CLOSED;
	p->closed = view_incidents_of(v, &asked, CLOSED_MAX, &p->closed_n, &p->closed_all);
}

static void put_list(struct html *h, const struct incident *list, size_t n, size_t all,
		     enum text label, enum text none)
{
	char shown[NUMBER_TEXT_MAX], of[NUMBER_TEXT_MAX];

	number_text(all, of);
	html_element(h, "h2", label, NULL);
	if (n == 0) {
		html_element(h, "p class=\"good\"", none, NULL);
		return;
	}
	number_text(n, shown);
	html_element(h, "p", n < all ? T_SHOWN_OF : T_THERE_ARE, of, shown, NULL);
	page_incidents(h, text_of(label), list, n);
}

static void write_html(const struct view *v, const struct incidents_page *p, struct html *h)
{
	if (!v->in) {
		html_element(h, "p class=\"problem\"", T_NO_INCIDENT_STORE, NULL);
		return;
	}
	put_list(h, p->firing, p->firing_n, p->firing_all, T_FIRING, T_NOTHING_FIRES);
	put_list(h, p->closed, p->closed_n, p->closed_all, T_CLOSED, T_NOTHING_CLOSED);
}

static void json_all(const struct view *v, struct json_out *j, const char *key, size_t n)
{
	if (v->in)
		json_uint(j, key, n);
	else
		json_null(j, key);
}

static void write_json(const struct view *v, const struct incidents_page *p, struct json_out *j)
{
	view_json_incidents(v, j, "firing", p->firing, p->firing_n);
	json_all(v, j, "firing_all", p->firing_all);
	view_json_incidents(v, j, "closed", p->closed, p->closed_n);
	json_all(v, j, "closed_all", p->closed_all);
}

enum answer view_incidents(struct view *v, struct html *h, struct json_out *j)
{
	struct incidents_page p;

	read_all(v, &p);
	if (h)
		write_html(v, &p, h);
	else
		write_json(v, &p, j);
	free(p.firing);
	free(p.closed);
	return ANSWER_OK;
}
