/* texts.c - the table of texts. */
#include "web/texts.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#define FILLERS_MAX 9

#define TEXT(id, words) [id] = (words),
static const char *const texts[TEXT_N] = {
#include "web/texts_en.def"
};
#undef TEXT

const char *text_of(enum text t)
{
	return texts[t];
}

static void append(char *out, size_t len, size_t *at, const char *text, size_t n)
{
	if (n >= len - *at)
		n = len - *at - 1;
	memcpy(out + *at, text, n);
	*at += n;
}

void text_fill(char *out, size_t len, enum text t, ...)
{
	const char *fillers[FILLERS_MAX], *sentence = texts[t];
	size_t n = 0, at = 0;
	va_list args;

	va_start(args, t);
	while (n < FILLERS_MAX && (fillers[n] = va_arg(args, const char *)) != NULL)
		n++;
	va_end(args);
	while (*sentence) {
		size_t plain = strcspn(sentence, "{");

		append(out, len, &at, sentence, plain);
		sentence += plain;
		if (!*sentence)
			break;
		assert(sentence[1] >= '1' && (size_t)(sentence[1] - '1') < n && sentence[2] == '}');
		append(out, len, &at, fillers[sentence[1] - '1'],
		       strlen(fillers[sentence[1] - '1']));
		sentence += 3;
	}
	out[at] = '\0';
}

const char *text_language(void)
{
	return "en";
}
