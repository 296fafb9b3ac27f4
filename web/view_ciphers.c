/* view_ciphers.c - with what the sessions of a pair were encrypted; a section of its page. */
#include "web/view.h"

#include "reports/matrix.h"
#include "web/page.h"
#include "web/view_lines.h"

#define CIPHERS_MAX 40u

struct ciphers {
	struct lines_extent extent;
	struct cipher_use uses[CIPHERS_MAX];
	size_t n;
	uint64_t sessions, others; /* others: of sessions, beyond the uses */
};

static void read_ciphers(const struct view *v, struct ciphers *c)
{
	lines_extent(v->lines, &c->extent);
	c->n = lines_ciphers(v->lines, v->route.service, v->route.client, v->route.server, c->uses,
			     CIPHERS_MAX, &c->sessions);
	c->others = c->sessions;
	for (size_t i = 0; i < c->n; i++)
		c->others -= c->uses[i].sessions;
}

static void put_numbers(struct html *h, uint64_t n, uint64_t all)
{
	char sessions[NUMBER_TEXT_MAX], share[16];

	number_text(n, sessions);
	percent_text(n, all, false, share, sizeof(share));
	html_put(h, "<td class=\"n\">%s</td><td class=\"n\">%s %%</td></tr>\n", sessions, share);
}

static void put_table(struct html *h, const struct ciphers *c)
{
	static const enum text heads[] = { T_COL_CIPHER, T_COL_TLS_VERSION, T_COL_SESSIONS,
					   T_COL_PART };

	page_table_begin(h, text_of(T_CIPHERS_HEADING), T_CIPHERS_CAPTION);
	page_heads(h, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < c->n; i++) {
		const struct cipher_use *u = &c->uses[i];

		html_put(h, "<tr><th scope=\"row\">%s</th><td>%s</td>",
			 u->cipher[0] ? u->cipher : text_of(T_NOT_SEEN),
			 u->version[0] ? u->version : text_of(T_NOT_SEEN));
		put_numbers(h, u->sessions, c->sessions);
	}
	if (c->others > 0) {
		html_put(h, "<tr><th scope=\"row\">%s</th><td></td>", text_of(T_CIPHERS_REST));
		put_numbers(h, c->others, c->sessions);
	}
	page_table_end(h);
}

static void write_json(const struct ciphers *c, struct json_out *j)
{
	json_object(j, "ciphers");
	view_lines_extent_json(j, &c->extent);
	json_uint(j, "encrypted", c->sessions);
	json_array(j, "list");
	for (size_t i = 0; i < c->n; i++) {
		const struct cipher_use *u = &c->uses[i];

		json_object(j, NULL);
		json_text(j, "tls_version", u->version[0] ? u->version : NULL);
		json_text(j, "cipher", u->cipher[0] ? u->cipher : NULL);
		json_uint(j, "sessions", u->sessions);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

void view_ciphers(struct view *v, struct html *h, struct json_out *j)
{
	struct ciphers c;

	read_ciphers(v, &c);
	if (!h) {
		write_json(&c, j);
		return;
	}
	html_element(h, "h2", T_CIPHERS_HEADING, NULL);
	view_lines_extent(h, &c.extent);
	if (c.n > 0)
		put_table(h, &c);
	else if (c.extent.lines > 0)
		html_element(h, "p", T_CIPHERS_NONE, NULL);
}
