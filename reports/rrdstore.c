/* rrdstore.c - the list of RRD files, and what a closed step adds to each. */
#include "reports/rrd_series.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/rrdlib.h"

static const enum count drawn[PAIR_SOURCES] = {
	COUNT_ENC_STARTTLS,   COUNT_ENC_IMPLICIT,  COUNT_PLAINTEXT, COUNT_TLS_FAILED,
	COUNT_NO_TRANSACTION, COUNT_INDETERMINATE, COUNT_REFUSED,   COUNT_OFFERED,
	COUNT_REQUESTED,      COUNT_ACCEPTED,      COUNT_STRIPPED,  COUNT_TLS10,
	COUNT_TLS11,          COUNT_TLS12,         COUNT_TLS13,     COUNT_MESSAGES_CLEAR,
	COUNT_AUTH_CLEAR,
};

const char *const rrd_pair_sources[PAIR_SOURCES] = {
	"enc_starttls",   "enc_implicit", "plaintext", "tls_failed", "no_transaction",
	"indeterminate",  "refused",      "offered",   "requested",  "accepted",
	"stripped",       "tls10",        "tls11",     "tls12",      "tls13",
	"messages_clear", "auth_clear",
};

#define HEALTH_SOURCE(id, name, unit, text) [id] = name,
const char *const rrd_health_sources[HEALTH_N] = { HEALTH_TABLE(HEALTH_SOURCE) };

bool rrd_pair_values(const struct counts *c, uint64_t values[PAIR_SOURCES])
{
	bool any = false;

	for (unsigned i = 0; i < PAIR_SOURCES; i++) {
		values[i] = c->n[drawn[i]];
		any |= values[i] != 0;
	}
	return any;
}

void rrd_update_text(int64_t time, const uint64_t *values, unsigned n, char out[UPDATE_MAX])
{
	size_t at = (size_t)snprintf(out, UPDATE_MAX, "%" PRId64, time);

	for (unsigned i = 0; i < n; i++) {
		size_t room = UPDATE_MAX - at;
		int len = values == NULL ? snprintf(out + at, room, ":U")
					 : snprintf(out + at, room, ":%" PRIu64, values[i]);

		assert(len > 0 && (size_t)len < room);
		at += (size_t)len;
	}
}

/* The list -------------------------------------------------------------------------------- */

static int compare(enum service service, const char *client, const char *server,
		   const struct series *s)
{
	int order = (service > s->service) - (service < s->service);

	if (order == 0)
		order = strcmp(client, s->client);
	return order != 0 ? order : strcmp(server, s->server);
}

/* Where the series is, or where it would have to stand. */
static size_t place_of(const struct rrdstore *r, enum service service, const char *client,
		       const char *server, bool *found)
{
	size_t low = 0, high = r->n;

	*found = false;
	while (low < high && !*found) {
		size_t middle = low + (high - low) / 2;
		int order = compare(service, client, server, &r->series[middle]);

		if (order > 0)
			low = middle + 1;
		else
			high = middle;
		if (order == 0) {
			*found = true;
			low = middle;
		}
	}
	return low;
}

struct series *rrd_series_find(struct rrdstore *r, enum service service, const char *client,
			       const char *server)
{
	bool found;
	size_t at = place_of(r, service, client, server, &found);

	return found ? &r->series[at] : NULL;
}

/* Names come from the configuration, which checks them; a path is worth a second look. */
static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PARTY_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool room_for(const struct rrdstore *r, const char *client, const char *server)
{
	if (!name_ok(client) || !name_ok(server))
		return false;
	return r->n < r->max_series ||
	       (strcmp(client, "other") == 0 && strcmp(server, "other") == 0);
}

bool rrdstore_has_room(struct rrdstore *r, enum service service, const char *client,
		       const char *server)
{
	return rrd_series_find(r, service, client, server) != NULL || room_for(r, client, server);
}

struct series *rrd_series_add(struct rrdstore *r, enum service service, const char *client,
			      const char *server)
{
	bool found;
	size_t at = place_of(r, service, client, server, &found);
	struct series *s;

	if (found)
		return &r->series[at];
	if (!room_for(r, client, server))
		return NULL;
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 64 : r->cap * 2;
		r->series = reallocarray(r->series, r->cap, sizeof(*r->series));
		if (r->series == NULL)
			abort();
	}
	s = &r->series[at];
	memmove(s + 1, s, (r->n - at) * sizeof(*s));
	r->n++;
	*s = (struct series){ .service = service, .last = -1 };
	snprintf(s->client, sizeof(s->client), "%s", client);
	snprintf(s->server, sizeof(s->server), "%s", server);
	return s;
}

/* Paths ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	return text;
}

/* An update that fails says what a directory that could not be made would have said. */
static void make_dir(char *path)
{
	mkdir(path, 0750);
	free(path);
}

char *rrd_series_path(const struct rrdstore *r, const struct series *s, bool make)
{
	const char *service = service_name(s->service);

	if (make) {
		make_dir(text_of("%s/rrd/%s", r->dir, service));
		make_dir(text_of("%s/rrd/%s/%s", r->dir, service, s->client));
	}
	return text_of("%s/rrd/%s/%s/%s.rrd", r->dir, service, s->client, s->server);
}

char *rrd_health_path(const struct rrdstore *r)
{
	return text_of("%s/rrd/health.rrd", r->dir);
}

/* Opening --------------------------------------------------------------------------------- */

/* One file of a client's directory: a series, or what a kill left of a file half made. */
static void found_file(struct rrdstore *r, enum service service, const char *client,
		       const char *dir, const char *name)
{
	const char *end = strstr(name, ".rrd");
	size_t len = end == NULL ? 0 : (size_t)(end - name);
	unsigned max = r->max_series;
	char server[PARTY_NAME_MAX + 1];

	if (end == NULL || len > PARTY_NAME_MAX)
		return;
	if (end[4] != '\0') {
		char *path = text_of("%s/%s", dir, name);

		unlink(path);
		free(path);
		return;
	}
	memcpy(server, name, len);
	server[len] = '\0';
	r->max_series = UINT32_MAX; /* the bound is on creating, not on finding */
	rrd_series_add(r, service, client, server);
	r->max_series = max;
}

static void scan_client(struct rrdstore *r, enum service service, const char *client)
{
	char *path = text_of("%s/rrd/%s/%s", r->dir, service_name(service), client);
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		found_file(r, service, client, path, e->d_name);
	if (d != NULL)
		closedir(d);
	free(path);
}

static void scan(struct rrdstore *r, enum service service)
{
	char *path = text_of("%s/rrd/%s", r->dir, service_name(service));
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (name_ok(e->d_name))
			scan_client(r, service, e->d_name);
	}
	if (d != NULL)
		closedir(d);
	free(path);
}

struct rrdstore *rrdstore_open(const char *dir, unsigned max_series, char *err, size_t errlen)
{
	struct rrdstore *r = calloc(1, sizeof(*r));
	char *path = text_of("%s/rrd", dir);
	bool ok;

	if (r == NULL)
		abort();
	r->dir = text_of("%s", dir);
	r->max_series = max_series;
	r->health_last = -1;
	ok = mkdir(path, 0750) == 0 || errno == EEXIST;
	if (!ok)
		snprintf(err, errlen, "cannot make %s: %s", path, strerror(errno));
	free(path);
	for (unsigned i = 0; ok && i < SERVICE_N; i++)
		scan(r, (enum service)i);
	if (ok)
		return r;
	rrdstore_close(r);
	return NULL;
}

void rrdstore_close(struct rrdstore *r)
{
	if (r == NULL)
		return;
	free(r->series);
	free(r->dir);
	free(r);
}

/* Steps ----------------------------------------------------------------------------------- */

/* A file, as far as writing a step goes. */
struct target {
	const char *path;
	int64_t *last;
	const char *const *sources;
	unsigned n;
};

static bool create(const struct target *t, int64_t step, char *err, size_t errlen)
{
	char *fresh = text_of("%s.new", t->path);
	bool ok = rrdlib_create(fresh, step, RRD_HEARTBEAT_S, t->sources, t->n, err, errlen);

	if (ok && rename(fresh, t->path) != 0) {
		snprintf(err, errlen, "cannot rename %s: %s", fresh, strerror(errno));
		ok = false;
	}
	if (!ok)
		unlink(fresh);
	free(fresh);
	*t->last = ok ? step : -1;
	return ok;
}

/* The window since the last update is unknown when the file does not end where the step begins:
 * without that mark librrd would drop the step with the gap. */
static bool write_step(const struct target *t, int64_t step, const uint64_t *values, char *err,
		       size_t errlen)
{
	char gap[UPDATE_MAX], now[UPDATE_MAX];
	const char *updates[] = { gap, now };
	bool has_gap;

	if (*t->last < 0 && access(t->path, F_OK) != 0 && errno == ENOENT &&
	    !create(t, step, err, errlen))
		return false;
	if (*t->last < 0 && !rrdlib_last(t->path, t->last, err, errlen)) {
		*t->last = -1;
		return false;
	}
	if (*t->last == step + STEP_S)
		return true;
	if (*t->last > step) {
		snprintf(err, errlen, "%s is ahead of the ledger", t->path);
		*t->last = -1;
		return false;
	}
	has_gap = *t->last < step;
	rrd_update_text(step, NULL, t->n, gap);
	rrd_update_text(step + STEP_S, values, t->n, now);
	if (rrdlib_update(t->path, has_gap ? updates : updates + 1, has_gap ? 2 : 1, err, errlen)) {
		*t->last = step + STEP_S;
		return true;
	}
	*t->last = -1;
	return false;
}

/* Counts a failure; the first one is the one that is told. */
struct failures {
	unsigned n;
	char *err;
	size_t errlen;
};

static void note_failure(struct failures *f, const char *why)
{
	if (f->n++ == 0)
		snprintf(f->err, f->errlen, "%s", why);
}

static void write_series(struct rrdstore *r, struct series *s, int64_t step, struct failures *f)
{
	char *path = rrd_series_path(r, s, s->last < 0);
	struct target t = { path, &s->last, rrd_pair_sources, PAIR_SOURCES };
	uint64_t values[PAIR_SOURCES] = { 0 };
	char err[512];

	if (s->row != NULL)
		rrd_pair_values(&s->row->counts, values);
	if (!write_step(&t, step, values, err, sizeof(err)))
		note_failure(f, err);
	free(path);
}

static void write_health(struct rrdstore *r, int64_t step, const struct health *h,
			 struct failures *f)
{
	char *path = rrd_health_path(r), err[512];
	struct target t = { path, &r->health_last, rrd_health_sources, HEALTH_N };

	if (!write_step(&t, step, h->n, err, sizeof(err)))
		note_failure(f, err);
	free(path);
}

/* New pairs first: adding one moves the others. A row of excepted sessions draws nothing. */
static void add_new(struct rrdstore *r, const struct ledger_row *rows, size_t n, struct failures *f)
{
	uint64_t values[PAIR_SOURCES];

	for (size_t i = 0; i < n; i++) {
		if (rrd_pair_values(&rows[i].counts, values) &&
		    rrd_series_add(r, rows[i].service, rows[i].client, rows[i].server) == NULL)
			note_failure(f, "no room for one more RRD file, or a name that cannot be "
					"part of its path");
	}
}

bool rrdstore_step(struct rrdstore *r, int64_t step, const struct ledger_row *rows, size_t n,
		   const struct health *health, unsigned *failed, char *err, size_t errlen)
{
	struct failures f = { .err = err, .errlen = errlen };

	*failed = 0;
	if (step < RRD_EPOCH)
		return true;
	add_new(r, rows, n, &f);
	for (size_t i = 0; i < r->n; i++)
		r->series[i].row = NULL;
	for (size_t i = 0; i < n; i++) {
		struct series *s =
			rrd_series_find(r, rows[i].service, rows[i].client, rows[i].server);

		if (s != NULL)
			s->row = &rows[i];
	}
	for (size_t i = 0; i < r->n; i++)
		write_series(r, &r->series[i], step, &f);
	write_health(r, step, health, &f);
	*failed = f.n;
	return f.n == 0;
}
