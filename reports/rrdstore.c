/* rrdstore.c - the list of RRD files, what is in them, and whom the totals are between. */
#include "reports/rrd_series.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
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

void rrd_add_values(uint64_t sum[PAIR_SOURCES], const struct counts *c)
{
	for (unsigned i = 0; i < PAIR_SOURCES; i++)
		sum[i] += c->n[drawn[i]];
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
	*s = (struct series){ .service = service, .file.last = -1 };
	snprintf(s->client, sizeof(s->client), "%s", client);
	snprintf(s->server, sizeof(s->server), "%s", server);
	return s;
}

/* Paths ----------------------------------------------------------------------------------- */

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
		make_dir(rrd_text("%s/rrd/%s", r->dir, service));
		make_dir(rrd_text("%s/rrd/%s/%s", r->dir, service, s->client));
	}
	return rrd_text("%s/rrd/%s/%s/%s.rrd", r->dir, service, s->client, s->server);
}

char *rrd_total_path(const struct rrdstore *r, enum service service, bool make)
{
	if (make)
		make_dir(rrd_text("%s/rrd/%s", r->dir, service_name(service)));
	return rrd_text("%s/rrd/%s/total.rrd", r->dir, service_name(service));
}

char *rrd_health_path(const struct rrdstore *r)
{
	return rrd_text("%s/rrd/health.rrd", r->dir);
}

/* The totals ------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool is_signatory(const struct rrdstore *r, const char *name)
{
	return r->signatories_n > 0 && bsearch(name, r->signatories, r->signatories_n,
					       sizeof(*r->signatories), by_name) != NULL;
}

bool rrd_in_total(const struct rrdstore *r, const struct ledger_row *row)
{
	return row->service != SERVICE_MTA ||
	       (strcmp(row->client, row->server) != 0 && is_signatory(r, row->client) &&
		is_signatory(r, row->server));
}

static bool on_peer(void *ctx, const char *name, bool signatory)
{
	struct rrdstore *r = ctx;

	if (!signatory)
		return true;
	r->signatories =
		reallocarray(r->signatories, r->signatories_n + 1, sizeof(*r->signatories));
	if (r->signatories == NULL)
		abort();
	snprintf(r->signatories[r->signatories_n++], sizeof(*r->signatories), "%s", name);
	return true;
}

bool rrdstore_read_peers(struct rrdstore *r, struct ledger *l, char *err, size_t errlen)
{
	r->signatories_n = 0;
	return ledger_peers(l, on_peer, r, err, errlen);
}

static bool exists(char *path)
{
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

const char *rrdstore_stale(const struct rrdstore *r, const struct peers *p)
{
	static const char totals[] = "totals are missing, or of other signatories";
	size_t same = 0, now = 0;

	if (!exists(rrd_health_path(r)))
		return NULL;
	for (unsigned s = 0; s < SERVICE_N; s++) {
		if (!exists(rrd_total_path(r, (enum service)s, false)))
			return totals;
	}
	for (size_t i = 0; i < peers_count(p); i++) {
		now += peers_signatory(p, (int)i);
		same += peers_signatory(p, (int)i) && is_signatory(r, peers_name(p, (int)i));
	}
	return same != now || now != r->signatories_n ? totals : NULL;
}

/* Opening --------------------------------------------------------------------------------- */

/* One file of a client's directory: a series, what a kill left of a file half made, or neither. */
static void found_file(struct rrdstore *r, enum service service, const char *client,
		       const char *dir, const char *name)
{
	const char *end = strstr(name, ".rrd");
	size_t len = end == NULL ? 0 : (size_t)(end - name);
	unsigned max = r->max_series;
	char server[PARTY_NAME_MAX + 1];

	if (end == NULL || len > PARTY_NAME_MAX)
		return;
	if (strncmp(end, ".rrd" RRD_FRESH, sizeof(".rrd" RRD_FRESH) - 1) == 0) {
		char *path = rrd_text("%s/%s", dir, name);

		unlink(path);
		free(path);
	}
	if (end[4] != '\0')
		return;
	memcpy(server, name, len);
	server[len] = '\0';
	r->max_series = UINT32_MAX; /* the bound is on creating, not on finding */
	rrd_series_add(r, service, client, server);
	r->max_series = max;
}

static void scan_client(struct rrdstore *r, enum service service, const char *client)
{
	char *path = rrd_text("%s/rrd/%s/%s", r->dir, service_name(service), client);
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		found_file(r, service, client, path, e->d_name);
	if (d != NULL)
		closedir(d);
	free(path);
}

static void sweep_total(const struct rrdstore *r, enum service service)
{
	char *path = rrd_text("%s/rrd/%s/total.rrd" RRD_FRESH, r->dir, service_name(service));

	unlink(path);
	free(path);
}

static void scan(struct rrdstore *r, enum service service)
{
	char *path = rrd_text("%s/rrd/%s", r->dir, service_name(service));
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
	char *path = rrd_text("%s/rrd", dir);
	bool ok;

	if (r == NULL)
		abort();
	r->dir = rrd_text("%s", dir);
	r->max_series = max_series;
	r->health.last = -1;
	for (unsigned i = 0; i < SERVICE_N; i++)
		r->totals[i].last = -1;
	ok = mkdir(path, 0750) == 0 || errno == EEXIST;
	if (!ok)
		snprintf(err, errlen, "cannot make %s: %s", path, strerror(errno));
	free(path);
	for (unsigned i = 0; ok && i < SERVICE_N; i++) {
		sweep_total(r, (enum service)i);
		scan(r, (enum service)i);
	}
	if (ok) {
		r->health.lost = r->n > 0 && !exists(rrd_health_path(r));
		return r;
	}
	rrdstore_close(r);
	return NULL;
}

void rrdstore_close(struct rrdstore *r)
{
	if (r == NULL)
		return;
	free(r->series);
	free(r->signatories);
	free(r->dir);
	free(r);
}
