/* html.h - writes HTML to a stream: markup that is ours, and everything else escaped.
 *
 * Markup is a literal in the source. Whatever is put into it is text: the five characters of markup
 * become entities, and what must not reach a screen (control characters, broken UTF-8, characters
 * that change the order of others) shows as \xNN. So text is safe between tags and in attributes in
 * double quotes, which are the only ones used. Write errors are left in the stream.
 */
#ifndef MAILSEAL_HTML_H
#define MAILSEAL_HTML_H

#include <stdint.h>
#include <stdio.h>

#include "web/texts.h"

struct html {
	FILE *out;
	const char *root; /* from this page to the root of the site: "", "../", "../../" ... */
};

/* format is markup; %s takes text, %lu (PRIu64), %ld (PRId64) and %u take numbers, %% is a percent
 * sign. There is nothing else. */
__attribute__((format(printf, 2, 3))) void html_put(struct html *h, const char *format, ...);

/* Text of any length. */
void html_text(struct html *h, const char *text);

/* A sentence of the table, its {1}, {2} ... filled with the texts that follow, which end with
 * NULL. The sentence is text, too, not markup. */
__attribute__((sentinel)) void html_say(struct html *h, enum text t, ...);

/* The same between tags: html_element(h, "p", T_X, NULL). tag may have attributes:
 * "th scope=\"col\"". */
__attribute__((sentinel)) void html_element(struct html *h, const char *tag, enum text t, ...);

#endif
