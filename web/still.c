/* still.c - the site as static files in a folder. */
#include "web/still.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/names.h"
#include "web/route.h"
#include "web/still_dir.h"

struct still {
	struct site *site;
	int64_t now;
	struct names *paths; /* to make, in this order; grows on the way */
	struct still_dir *dir;
	const struct still_watch *watch;
	struct still_done *done;
};

static bool on_path(void *ctx, const char *path)
{
	struct still *s = ctx;

	names_add(s->paths, path);
	return true;
}

static void add_as(struct still *s, struct route *r, enum route_kind kind)
{
	char path[ROUTE_PATH_MAX];

	r->kind = kind;
	route_path(r, path);
	names_add(s->paths, path);
}

/* The value of an attribute: a link, perhaps, from the page of that root. */
static void take_link(struct still *s, const char *root, const char *value, size_t len)
{
	char text[ROUTE_PATH_MAX], path[ROUTE_PATH_MAX];
	size_t up = strlen(root);
	struct route r;

	if (len <= up || len - up >= sizeof(text) || strncmp(value, root, up) != 0)
		return;
	memcpy(text, value + up, len - up);
	text[len - up] = '\0';
	text[strcspn(text, "#?")] = '\0';
	if (text[0] == '\0' || !route_parse(text, &r))
		return;
	route_path(&r, path);
	if (strcmp(path, text) != 0)
		return;
	names_add(s->paths, path);
	if (r.kind == ROUTE_PAGE) {
		add_as(s, &r, ROUTE_JSON);
	} else if (r.kind == ROUTE_GRAPH) { /* the script asks for what it shows */
		r.dark = r.png = false;
		add_as(s, &r, ROUTE_SERIES);
	}
}

static void take_links(struct still *s, const char *path, const char *page)
{
	const char *root = route_root(path), *at = page;

	while ((at = strstr(at, "=\"")) != NULL) {
		size_t len = strcspn(at + 2, "\"");

		take_link(s, root, at + 2, len);
		at += 2 + len;
	}
}

/* The file that is there stays, because it is better than none. */
static void give_up(struct still *s, const char *path)
{
	s->done->failed++;
	s->watch->failed(s->watch->ctx, path);
	still_dir_keep(s->dir, path);
}

/* A path that is not found has become so since, or there is nothing to draw. */
static bool make(struct still *s, const char *path, char *err, size_t errlen)
{
	bool ok = true, written = false;
	struct reply r;

	site_answer(s->site, path, s->now, &r);
	if (r.status == 200) {
		ok = still_dir_put(s->dir, path, r.body, r.len, &written, err, errlen);
		s->done->files += ok;
		s->done->written += ok && written;
		if (strncmp(r.type, "text/html", 9) == 0)
			take_links(s, path, r.body);
	} else if (r.status != 404) {
		give_up(s, path);
	}
	free(r.body);
	return ok;
}

static bool make_all(struct still *s, char *err, size_t errlen)
{
	if (!site_paths(s->site, s->now, on_path, s, err, errlen))
		return false;
	for (size_t i = 0; i < names_count(s->paths); i++) {
		if (!make(s, names_at(s->paths, i), err, errlen))
			return false;
		s->watch->progress(s->watch->ctx, i + 1, names_count(s->paths));
	}
	return still_dir_finish(s->dir, &s->done->removed, err, errlen);
}

bool still_make(struct site *site, const char *folder, int64_t now, const struct still_watch *watch,
		struct still_done *done, char *err, size_t errlen)
{
	struct still s = { .site = site, .now = now, .watch = watch, .done = done };
	bool ok;

	*done = (struct still_done){ .files = 0 };
	site->still = true;
	s.dir = still_dir_open(folder, site->dir, err, errlen);
	if (!s.dir)
		return false;
	s.paths = names_new();
	ok = make_all(&s, err, errlen);
	names_free(s.paths);
	still_dir_close(s.dir);
	return ok;
}
