/* rrdlib.c - librrd. */
#include "reports/rrdlib.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rrd.h>

#define STEP_SECONDS 60

/* 60 s for 2 days, 5 min for 2 weeks, 1 h for 92 days, 1 day for 5 years. */
static const struct archive {
	unsigned steps, rows;
} archives[] = { { 1, 2880 }, { 5, 4032 }, { 60, 2208 }, { 1440, 1826 } };
#define ARCHIVES (sizeof(archives) / sizeof(archives[0]))

/* librrd keeps its last error for itself; it is taken over and cleared. */
static bool said(int rc, const char *path, char *err, size_t errlen)
{
	const char *text = rrd_get_error();
	size_t len = strlen(path);

	if (rc != 0) {
		if (text[0] == '\0') /* as rrd_create_r() on a full disk */
			text = "librrd does not say why; the disk may be full";
		if (strncmp(text, path, len) == 0) /* some of its texts name the file */
			snprintf(err, errlen, "%s", text);
		else
			snprintf(err, errlen, "%s: %s", path, text);
	}
	rrd_clear_error();
	return rc == 0;
}

void rrd_args_add(struct rrd_args *a, const char *format, ...)
{
	va_list args;

	a->list = reallocarray(a->list, (size_t)a->n + 2, sizeof(*a->list));
	if (a->list == NULL)
		abort();
	va_start(args, format);
	if (vasprintf(&a->list[a->n], format, args) < 0)
		abort();
	va_end(args);
	a->list[++a->n] = NULL;
}

char *rrd_text(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	return text;
}

void rrd_args_free(struct rrd_args *a)
{
	for (unsigned i = 0; i < a->n; i++)
		free(a->list[i]);
	free(a->list);
}

bool rrdlib_create(const char *path, int64_t start, unsigned long heartbeat_s,
		   const char *const *sources, unsigned n, char *err, size_t errlen)
{
	struct rrd_args a = { .n = 0 };
	const char **list;
	int rc;

	for (unsigned i = 0; i < n; i++)
		rrd_args_add(&a, "DS:%s:ABSOLUTE:%lu:0:U", sources[i], heartbeat_s);
	for (unsigned i = 0; i < ARCHIVES; i++)
		rrd_args_add(&a, "RRA:AVERAGE:0.5:%u:%u", archives[i].steps, archives[i].rows);
	list = reallocarray(NULL, a.n, sizeof(*list));
	if (list == NULL)
		abort();
	for (unsigned i = 0; i < a.n; i++)
		list[i] = a.list[i];
	rc = rrd_create_r(path, STEP_SECONDS, start, (int)a.n, list);
	free(list);
	rrd_args_free(&a);
	return said(rc, path, err, errlen);
}

bool rrdlib_set_heartbeat(const char *path, unsigned long heartbeat_s, const char *const *sources,
			  unsigned n, char *err, size_t errlen)
{
	struct rrd_args a = { .n = 0 };
	int rc;

	rrd_args_add(&a, "tune");
	rrd_args_add(&a, "%s", path);
	for (unsigned i = 0; i < n; i++) {
		rrd_args_add(&a, "--heartbeat");
		rrd_args_add(&a, "%s:%lu", sources[i], heartbeat_s);
	}
	rc = rrd_tune((int)a.n, a.list);
	rrd_args_free(&a);
	return said(rc, path, err, errlen);
}

bool rrdlib_update(const char *path, const char **updates, unsigned n, char *err, size_t errlen)
{
	return said(rrd_update_r(path, NULL, (int)n, updates), path, err, errlen);
}

static void free_list(char **list, unsigned long n)
{
	for (unsigned long i = 0; list != NULL && i < n; i++)
		rrd_freemem(list[i]);
	rrd_freemem(list);
}

static const rrd_info_t *find(const rrd_info_t *info, const char *key, rrd_info_type_t type)
{
	while (info != NULL && (info->type != type || strcmp(info->key, key) != 0))
		info = info->next;
	return info;
}

/* -1 when there is no such number. */
__attribute__((format(printf, 2, 3))) static int64_t number(const rrd_info_t *info,
							    const char *format, ...)
{
	char key[64];
	va_list args;

	va_start(args, format);
	vsnprintf(key, sizeof(key), format, args);
	va_end(args);
	info = find(info, key, RD_I_CNT);
	return info == NULL ? -1 : (int64_t)info->value.u_cnt;
}

static bool has_text(const rrd_info_t *info, const char *key, const char *text)
{
	info = find(info, key, RD_I_STR);
	return info != NULL && strcmp(info->value.u_str, text) == 0;
}

static unsigned count_keys(const rrd_info_t *info, const char *begin, const char *end)
{
	unsigned n = 0;

	for (; info != NULL; info = info->next) {
		const char *dot = strrchr(info->key, '.');

		n += strncmp(info->key, begin, strlen(begin)) == 0 && dot != NULL &&
		     strcmp(dot, end) == 0;
	}
	return n;
}

static bool same_sources(const rrd_info_t *info, const char *const *sources, unsigned n)
{
	bool same = count_keys(info, "ds[", ".index") == n;
	char type[64];

	for (unsigned i = 0; same && i < n; i++) {
		snprintf(type, sizeof(type), "ds[%s].type", sources[i]);
		same = number(info, "ds[%s].index", sources[i]) == i &&
		       has_text(info, type, "ABSOLUTE");
	}
	return same;
}

static bool same_archives(const rrd_info_t *info)
{
	bool same = count_keys(info, "rra[", ".rows") == ARCHIVES;
	char cf[32];

	for (unsigned i = 0; same && i < ARCHIVES; i++) {
		snprintf(cf, sizeof(cf), "rra[%u].cf", i);
		same = has_text(info, cf, "AVERAGE") &&
		       number(info, "rra[%u].pdp_per_row", i) == archives[i].steps &&
		       number(info, "rra[%u].rows", i) == archives[i].rows;
	}
	return same;
}

/* librrd would write to wherever this says. */
static bool rows_are_within(const rrd_info_t *info)
{
	bool within = true;

	for (unsigned i = 0; within && i < ARCHIVES; i++) {
		int64_t row = number(info, "rra[%u].cur_row", i);

		within = row >= 0 && row < archives[i].rows;
	}
	return within;
}

bool rrdlib_is_ours(const char *path, const char *const *sources, unsigned n, int64_t *last,
		    char *err, size_t errlen)
{
	rrd_info_t *info = rrd_info_r(path);
	const char *why = NULL;

	if (info == NULL) {
		snprintf(err, errlen, "%s", rrd_get_error());
		rrd_clear_error();
		return false;
	}
	*last = number(info, "last_update");
	if (number(info, "step") != STEP_SECONDS)
		why = "its step is not 60 s";
	else if (!same_sources(info, sources, n))
		why = "its sources are others";
	else if (!same_archives(info))
		why = "its archives are others";
	else if (*last < 0 || !rows_are_within(info))
		why = "it points outside of itself";
	rrd_info_free(info);
	if (why != NULL)
		snprintf(err, errlen, "%s", why);
	return why == NULL;
}

bool rrdlib_fetch(const char *path, int64_t from, int64_t to, unsigned resolution_s,
		  rrdlib_point_cb *cb, void *ctx, char *err, size_t errlen)
{
	unsigned long step = resolution_s == 0 ? 1 : resolution_s, sources = 0;
	time_t start = from, end = to;
	char **names = NULL;
	rrd_value_t *data = NULL;
	const char **list;
	int rc = rrd_fetch_r(path, "AVERAGE", &start, &end, &step, &sources, &names, &data);

	if (rc != 0)
		return said(rc, path, err, errlen);
	list = reallocarray(NULL, sources + 1, sizeof(*list));
	if (list == NULL)
		abort();
	for (unsigned long i = 0; i < sources; i++)
		list[i] = names[i];
	for (size_t row = 0; row < (size_t)(end - start) / step; row++)
		cb(ctx, list, data + row * sources, (unsigned)sources);
	free(list);
	free_list(names, sources);
	rrd_freemem(data);
	return true;
}

/* Into memory: "-" is no file. */
static rrd_info_t *graph(const struct rrd_args *args)
{
	struct rrd_args a = { .n = 0 };
	rrd_info_t *info;

	rrd_args_add(&a, "graph");
	rrd_args_add(&a, "-");
	for (unsigned i = 0; i < args->n; i++)
		rrd_args_add(&a, "%s", args->list[i]);
	info = rrd_graph_v((int)a.n, a.list);
	rrd_args_free(&a);
	return info;
}

static bool copy_image(const rrd_info_t *info, size_t max, struct rrd_image *out)
{
	info = find(info, "image", RD_I_BLO);
	if (info == NULL || info->value.u_blo.size == 0 || info->value.u_blo.size > max)
		return false;
	out->len = info->value.u_blo.size;
	out->bytes = malloc(out->len);
	if (out->bytes == NULL)
		abort();
	memcpy(out->bytes, info->value.u_blo.ptr, out->len);
	return true;
}

static double pixels(const rrd_info_t *info, const char *key)
{
	info = find(info, key, RD_I_CNT);
	return info == NULL ? 0 : (double)info->value.u_cnt;
}

static struct rrd_plot plot_of(const rrd_info_t *info)
{
	double width = pixels(info, "image_width"), height = pixels(info, "image_height");

	if (width < 1 || height < 1)
		return (struct rrd_plot){ 0, 0, 0, 0 };
	return (struct rrd_plot){ pixels(info, "graph_left") / width,
				  pixels(info, "graph_top") / height,
				  pixels(info, "graph_width") / width,
				  pixels(info, "graph_height") / height };
}

bool rrdlib_graph(const char *what, const struct rrd_args *args, size_t max, struct rrd_image *out,
		  char *err, size_t errlen)
{
	rrd_info_t *info = graph(args);
	bool drawn = info != NULL && !rrd_test_error(), ok = drawn;

	if (drawn && !copy_image(info, max, out)) {
		snprintf(err, errlen, "%s: the picture is larger than %zu bytes", what, max);
		ok = false;
	}
	out->plot = plot_of(info);
	if (info != NULL)
		rrd_info_free(info);
	return said(drawn ? 0 : -1, what, err, errlen) && ok;
}
