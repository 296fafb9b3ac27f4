/* answers.c - the answers of the site, each kept for a moment. */
#include "web/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "web/route.h"

#define AGE_MAX_S 5
#define KEPT_MAX  512u
#define BYTES_MAX ((size_t)16 << 20)
#define PATH_ROOM 4096
/* The clock that stamps files stands still for some milliseconds: what was written just now may be
 * written again and look the same. */
#define SETTLED_NS INT64_C(100000000)

static const char *const databases[] = { "ledger.db", "ledger.db-wal", "incidents.db",
					 "incidents.db-wal" };
#define DATABASES (sizeof(databases) / sizeof(databases[0]))

/* What tells one content of a file from another; zeros when there is no file. */
struct stamp {
	struct {
		uint64_t device, inode;
		int64_t size, s, ns;
	} of[DATABASES];
};

struct kept {
	char path[ROUTE_PATH_MAX];
	struct document *document;
	int64_t made;
};

struct answers {
	struct site *site;
	struct stamp stamp; /* of all that is kept */
	struct kept kept[KEPT_MAX];
	size_t n, bytes;
};

struct answers *answers_new(struct site *s)
{
	struct answers *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->site = s;
	return a;
}

static void forget(struct answers *a)
{
	for (size_t i = 0; i < a->n; i++)
		document_release(a->kept[i].document);
	a->n = a->bytes = 0;
}

void answers_free(struct answers *a)
{
	if (!a)
		return;
	forget(a);
	free(a);
}

static bool is_settled(const struct stamp *stamp)
{
	struct timespec now;
	int64_t past;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < DATABASES; i++) {
		past = ((int64_t)now.tv_sec - stamp->of[i].s) * 1000000000 + now.tv_nsec -
		       stamp->of[i].ns;
		if (past < SETTLED_NS)
			return false;
	}
	return true;
}

static struct stamp stamp_of(const char *dir)
{
	struct stamp out;
	char path[PATH_ROOM];
	struct stat st;

	memset(&out, 0, sizeof(out));
	for (size_t i = 0; i < DATABASES; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dir, databases[i]) >= (int)sizeof(path) ||
		    stat(path, &st) != 0)
			continue;
		out.of[i].device = (uint64_t)st.st_dev;
		out.of[i].inode = (uint64_t)st.st_ino;
		out.of[i].size = (int64_t)st.st_size;
		out.of[i].s = (int64_t)st.st_mtim.tv_sec;
		out.of[i].ns = (int64_t)st.st_mtim.tv_nsec;
	}
	return out;
}

/* NULL when it is not there or has become too old, by a clock that may have been set back. */
static struct kept *find(struct answers *a, const char *path, int64_t now)
{
	for (size_t i = 0; i < a->n; i++) {
		struct kept *k = &a->kept[i];

		if (strcmp(k->path, path) != 0)
			continue;
		if (now >= k->made && now - k->made < AGE_MAX_S)
			return k;
		a->bytes -= k->document->len;
		document_release(k->document);
		*k = a->kept[--a->n];
		return NULL;
	}
	return NULL;
}

static void keep(struct answers *a, const char *path, int64_t now, struct document *d)
{
	struct kept *k;

	if (d->status != 200 || strlen(path) >= sizeof(k->path) || d->len > BYTES_MAX)
		return;
	if (a->n == KEPT_MAX || a->bytes > BYTES_MAX - d->len)
		forget(a);
	k = &a->kept[a->n++];
	snprintf(k->path, sizeof(k->path), "%s", path);
	k->document = document_keep(d);
	k->made = now;
	a->bytes += d->len;
}

static const char *cache_of(const char *path)
{
	struct route r;

	return route_parse(path, &r) && r.kind == ROUTE_ASSET ? "max-age=300" : "no-cache";
}

struct document *answers_get(struct answers *a, const char *path, int64_t now)
{
	struct stamp before = stamp_of(a->site->dir);
	struct document *d;
	struct kept *k;
	struct reply r;

	if (memcmp(&before, &a->stamp, sizeof(before)) != 0) {
		forget(a);
		a->stamp = before;
	}
	k = find(a, path, now);
	if (k)
		return document_keep(k->document);
	site_answer(a->site, path, now, &r);
	d = document_new(&r, cache_of(path));
	if (is_settled(&before))
		keep(a, path, now, d);
	return d;
}
