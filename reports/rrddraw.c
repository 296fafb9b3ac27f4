/* rrddraw.c - the picture of one pair. */
#include "reports/rrdfile.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/rrdlib.h"

/* Colours that stay apart for colour-blind eyes (Okabe and Ito). */
#define BLUE       "#0072B2"
#define SKY        "#56B4E9"
#define VERMILLION "#D55E00"
#define ORANGE     "#E69F00"
#define GREY       "#999999"
#define BLACK      "#000000"

/* What is read from the file; the names are used in the expressions below. */
static const char *const sources[] = { "enc_starttls", "enc_implicit", "plaintext",
				       "refused",      "tls_failed",   "indeterminate" };
#define SOURCES (sizeof(sources) / sizeof(sources[0]))

/* Text inside of an argument, which a colon would end. Other backslashes librrd leaves alone. */
static char *escaped(const char *text)
{
	char *out = malloc(2 * strlen(text) + 1), *to = out;

	if (out == NULL)
		abort();
	for (; *text != '\0'; text++) {
		if (*text == ':')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
	return out;
}

/* The scale ------------------------------------------------------------------------------- */

static void on_point(void *ctx, const char *const *names, const double *values, unsigned n)
{
	double sum = 0, *highest = ctx;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < SOURCES; k++) {
			bool stacked = strcmp(sources[k], "refused") != 0;

			if (stacked && strcmp(names[i], sources[k]) == 0 && !isnan(values[i]))
				sum += values[i] * 60;
		}
	}
	if (sum > *highest)
		*highest = sum;
}

/* Both axes need to know the top of the picture beforehand: 1, 2 or 5 times a power of ten, in
 * millionths, because a decimal point is a comma in some locales. */
static uint64_t top_millionths(double highest)
{
	static const unsigned steps[] = { 2, 5, 10 };
	uint64_t decade = 10000, top = decade;

	if (highest <= 0)
		return 1000000;
	while ((double)top < highest * 1e6 && decade < UINT64_MAX / 1000) {
		for (unsigned i = 0; i < 3 && (double)top < highest * 1e6; i++)
			top = decade * steps[i];
		if ((double)top < highest * 1e6)
			decade *= 10;
	}
	return top;
}

/* Arguments ------------------------------------------------------------------------------- */

static void add_frame(struct rrd_args *a, const struct rrd_picture *p, uint64_t top)
{
	uint64_t scale = 100 * (uint64_t)1000000000000 / top; /* percent per session, millionths */

	rrd_args_add(a, "--imgformat=%s", p->svg ? "SVG" : "PNG");
	rrd_args_add(a, "--start=%" PRId64, p->from);
	rrd_args_add(a, "--end=%" PRId64, p->to);
	rrd_args_add(a, "--width=%u", p->width);
	rrd_args_add(a, "--height=%u", p->height);
	rrd_args_add(a, "--title=%s", p->title);
	rrd_args_add(a, "--vertical-label=sessions per minute");
	rrd_args_add(a, "--lower-limit=0");
	rrd_args_add(a, "--upper-limit=%" PRIu64 ".%06" PRIu64, top / 1000000, top % 1000000);
	rrd_args_add(a, "--rigid");
	rrd_args_add(a, "--right-axis=%" PRIu64 ".%06" PRIu64 ":0", scale / 1000000,
		     scale % 1000000);
	rrd_args_add(a, "--right-axis-label=encrypted, percent");
	rrd_args_add(a, "--right-axis-format=%%3.0lf");
}

static void add_data(struct rrd_args *a, const char *path, uint64_t top)
{
	char *file = escaped(path);

	for (unsigned i = 0; i < SOURCES; i++)
		rrd_args_add(a, "DEF:%s=%s:%s:AVERAGE", sources[i], file, sources[i]);
	free(file);
	rrd_args_add(a, "CDEF:starttls=enc_starttls,60,*");
	rrd_args_add(a, "CDEF:implicit=enc_implicit,60,*");
	rrd_args_add(a, "CDEF:clear=plaintext,refused,-,0,MAX,60,*");
	rrd_args_add(a, "CDEF:failed=tls_failed,60,*");
	rrd_args_add(a, "CDEF:unclear=indeterminate,60,*");
	/* A share of nothing is nothing: the line has a hole where no session was decided. */
	rrd_args_add(a, "CDEF:share=starttls,implicit,+,clear,+,0,GT,"
			"starttls,implicit,+,starttls,implicit,+,clear,+,/,UNKN,IF");
	rrd_args_add(a, "CDEF:line=share,%" PRIu64 ".%06" PRIu64 ",*", top / 1000000,
		     top % 1000000);
}

static void add_drawing(struct rrd_args *a, const char *const *legend)
{
	rrd_args_add(a, "AREA:starttls" BLUE ":encrypted, STARTTLS");
	rrd_args_add(a, "AREA:implicit" SKY ":encrypted, implicit TLS:STACK");
	rrd_args_add(a, "AREA:clear" VERMILLION ":plaintext\\l:STACK");
	rrd_args_add(a, "AREA:failed" ORANGE ":TLS failed:STACK");
	rrd_args_add(a, "AREA:unclear" GREY ":indeterminate:STACK");
	rrd_args_add(a, "LINE2:line" BLACK ":encrypted share (right axis)\\l");
	for (; legend != NULL && *legend != NULL; legend++) {
		char *text = escaped(*legend);

		rrd_args_add(a, "COMMENT:%s\\l", text);
		free(text);
	}
}

static bool name_ok(const char *name)
{
	return name[0] != '\0' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool draw(const char *path, const struct rrd_picture *p, char *err, size_t errlen)
{
	unsigned resolution = (unsigned)((p->to - p->from) / p->width);
	struct rrd_args a = { .n = 0 };
	double highest = 0;
	uint64_t top;
	bool ok;

	if (!rrdlib_fetch(path, p->from, p->to, resolution, on_point, &highest, err, errlen))
		return false;
	top = top_millionths(highest);
	add_frame(&a, p, top);
	add_data(&a, path, top);
	add_drawing(&a, p->legend);
	ok = rrdlib_graph(p->out, &a, err, errlen);
	rrd_args_free(&a);
	return ok;
}

bool rrd_draw(const char *dir, const struct rrd_picture *p, char *err, size_t errlen)
{
	char *path;
	bool ok = false;

	if (!name_ok(p->client) || !name_ok(p->server)) {
		snprintf(err, errlen, "there is no pair of that name");
		return false;
	}
	if (p->width == 0 || p->from < 0 || p->from >= p->to ||
	    (p->to - p->from) / p->width > UINT32_MAX) {
		snprintf(err, errlen, "there is nothing to draw in that period");
		return false;
	}
	if (asprintf(&path, "%s/rrd/%s/%s/%s.rrd", dir, service_name(p->service), p->client,
		     p->server) < 0)
		abort();
	if (access(path, R_OK) != 0)
		snprintf(err, errlen,
			 "there is no RRD file for %s to %s, service %s; \"mailseal rebuild-rrd\" "
			 "draws it when the ledger knows the pair",
			 p->client, p->server, service_name(p->service));
	else
		ok = draw(path, p, err, errlen);
	free(path);
	return ok;
}
