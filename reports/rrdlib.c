/* rrdlib.c - librrd. */
#include "reports/rrdlib.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rrd.h>

#define STEP_SECONDS 60

/* 60 s for 2 days, 5 min for 2 weeks, 1 h for 92 days, 1 day for 5 years. */
static const char *const archives[] = {
	"RRA:AVERAGE:0.5:1:2880",
	"RRA:AVERAGE:0.5:5:4032",
	"RRA:AVERAGE:0.5:60:2208",
	"RRA:AVERAGE:0.5:1440:1826",
};
#define ARCHIVES (sizeof(archives) / sizeof(archives[0]))

/* librrd keeps its last error for itself; it is taken over and cleared. */
static bool said(int rc, const char *path, char *err, size_t errlen)
{
	const char *text = rrd_get_error();
	size_t len = strlen(path);

	if (rc != 0) {
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
		rrd_args_add(&a, "%s", archives[i]);
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

bool rrdlib_last(const char *path, int64_t *last, char *err, size_t errlen)
{
	*last = rrd_last_r(path);
	return said(*last < 0 ? -1 : 0, path, err, errlen);
}

static void free_list(char **list, unsigned long n)
{
	for (unsigned long i = 0; list != NULL && i < n; i++)
		rrd_freemem(list[i]);
	rrd_freemem(list);
}

bool rrdlib_is_of(const char *path, const char *const *sources, unsigned n)
{
	unsigned long found = 0;
	char **names = NULL, **values = NULL;
	time_t last;
	bool same = rrd_lastupdate_r(path, &last, &found, &names, &values) == 0 && found == n;

	for (unsigned i = 0; same && i < n; i++)
		same = strcmp(names[i], sources[i]) == 0;
	rrd_clear_error();
	free_list(names, found);
	free_list(values, found);
	return same;
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
	while (info != NULL && (info->type != RD_I_BLO || strcmp(info->key, "image") != 0))
		info = info->next;
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
	while (info != NULL && (info->type != RD_I_CNT || strcmp(info->key, key) != 0))
		info = info->next;
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
