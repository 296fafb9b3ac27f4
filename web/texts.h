/* texts.h - every word and sentence that pages and reports show, in one table.
 *
 * texts_en.def holds them in English; another language is another file with the same names. What is
 * a name elsewhere too (verdicts, rules, causes, counters) stays as it is in records and commands,
 * and is not translated.
 */
#ifndef MAILSEAL_TEXTS_H
#define MAILSEAL_TEXTS_H

#include <stddef.h>

#define TEXT(id, words) id,
enum text {
#include "web/texts_en.def"
	TEXT_N
};
#undef TEXT

/* Plain text in UTF-8, no markup; {1}, {2} ... stand for what is filled in. */
const char *text_of(enum text t);

/* Into a buffer: {1} ... filled with the texts that follow, which end with NULL; cut to len. */
__attribute__((sentinel)) void text_fill(char *out, size_t len, enum text t, ...);

/* "en", for the lang attribute. */
const char *text_language(void);

#endif
