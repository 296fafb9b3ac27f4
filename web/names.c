/* names.c - a set of texts. */
#include "web/names.h"

#include <stdlib.h>
#include <string.h>

struct names {
	char **text;    /* as they came */
	char **by_text; /* the same, sorted */
	size_t n, room;
};

struct names *names_new(void)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		abort();
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++)
		free(n->text[i]);
	free(n->text);
	free(n->by_text);
	free(n);
}

/* Where a text stands among the sorted ones, or would. */
static size_t place_of(const struct names *n, const char *text)
{
	size_t low = 0, high = n->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(n->by_text[middle], text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool names_has(const struct names *n, const char *text)
{
	size_t at = place_of(n, text);

	return at < n->n && strcmp(n->by_text[at], text) == 0;
}

static void grow(struct names *n)
{
	n->room = n->room ? 2 * n->room : 64;
	n->text = reallocarray(n->text, n->room, sizeof(*n->text));
	n->by_text = reallocarray(n->by_text, n->room, sizeof(*n->by_text));
	if (!n->text || !n->by_text)
		abort();
}

bool names_add(struct names *n, const char *text)
{
	size_t at = place_of(n, text);

	if (at < n->n && strcmp(n->by_text[at], text) == 0)
		return false;
	if (n->n == n->room)
		grow(n);
	n->text[n->n] = strdup(text);
	if (!n->text[n->n])
		abort();
	memmove(&n->by_text[at + 1], &n->by_text[at], (n->n - at) * sizeof(*n->by_text));
	n->by_text[at] = n->text[n->n++];
	return true;
}

size_t names_count(const struct names *n)
{
	return n->n;
}

const char *names_at(const struct names *n, size_t i)
{
	return n->text[i];
}
