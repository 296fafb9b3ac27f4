/* rrdlib.h - librrd, as little of it as the files and pictures need.
 *
 * The only place that knows rrd.h. Every source is ABSOLUTE: a value is what happened since the
 * update before. Paths need no escaping. Errors are librrd's words behind the name of the file.
 */
#ifndef MAILSEAL_RRDLIB_H
#define MAILSEAL_RRDLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of texts that is built and freed as one; starts all zero. */
struct rrd_args {
	char **list; /* ends with NULL */
	unsigned n;
};
__attribute__((format(printf, 2, 3))) void rrd_args_add(struct rrd_args *a, const char *format,
							...);
void rrd_args_free(struct rrd_args *a);
/* One such text alone, owned by the caller. */
__attribute__((format(printf, 1, 2))) char *rrd_text(const char *format, ...);

/* Creates a file with steps of 60 s and the archives of doc/metrics.md, or replaces it. Its
 * first update comes behind start. */
bool rrdlib_create(const char *path, int64_t start, unsigned long heartbeat_s,
		   const char *const *sources, unsigned n, char *err, size_t errlen);
bool rrdlib_set_heartbeat(const char *path, unsigned long heartbeat_s, const char *const *sources,
			  unsigned n, char *err, size_t errlen);

/* Applies updates ("1795305660:1:0:U") in their order. */
bool rrdlib_update(const char *path, const char **updates, unsigned n, char *err, size_t errlen);
/* Whether it is a file as rrdlib_create() makes it with these sources, and one that librrd may be let
 * at. *last receives its last update; else err says why not, without its name. */
bool rrdlib_is_ours(const char *path, const char *const *sources, unsigned n, int64_t *last,
		    char *err, size_t errlen);

/* Hands out the averages (per second, NaN where unknown) of a period, one call per point, in
 * about the resolution asked for; names are those of the sources. */
typedef void rrdlib_point_cb(void *ctx, const char *const *names, const double *values, unsigned n);
bool rrdlib_fetch(const char *path, int64_t from, int64_t to, unsigned resolution_s,
		  rrdlib_point_cb *cb, void *ctx, char *err, size_t errlen);

/* A picture in memory, freed with free(bytes), and where the plot lies in it: shares of its width and
 * height, all zero for a bare one. */
struct rrd_image {
	unsigned char *bytes;
	size_t len;
	struct rrd_plot {
		double left, top, width, height;
	} plot;
};

/* Draws; args are those of "rrdtool graph" behind the name of the picture, what is said of in an
 * error. A picture of more than max bytes is an error. */
bool rrdlib_graph(const char *what, const struct rrd_args *args, size_t max, struct rrd_image *out,
		  char *err, size_t errlen);

#endif
