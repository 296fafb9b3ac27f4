/* rrddraw.c - a picture as arguments for librrd. */
#include "reports/rrddraw.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reports/rrd_layers.h"
#include "reports/rrdfile.h"
#include "reports/rrdlib.h"
#include "reports/text.h"

#define DAY_S 86400

/* The legend is in letters of 7.4 pixels, below plot and axes. */
#define COLUMNS_OF(p) (((p)->width + 130) * 10 / 74)
#define WIDE          540u /* pixels: two layers fit into a line of the legend */
#define NARROW        180u /* one and its total does not */
#define LEGEND_MAX    128

/* Text inside of an argument, which a colon would end. Other backslashes librrd leaves alone. Cut
 * where it does not fit. */
static const char *escaped(const char *text, char *out, size_t outlen)
{
	size_t n = 0;

	for (; *text != '\0' && n + 2 < outlen; text++) {
		if (*text == ':')
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
	return out;
}

#define WORDS_MAX (8 * RRD_TEXT_MAX)

/* The frame ------------------------------------------------------------------------------- */

/* How a rate is told: per minute when minutes can be seen, then per hour, per day. */
struct rate {
	unsigned seconds;
	const char *word;
};

static struct rate rate_of(const struct rrd_picture *p)
{
	enum rrd_unit unit = rrd_layers[p->kind].unit;
	int64_t length = p->to - p->from;

	if (unit == UNIT_SECOND)
		return (struct rate){ 1, "second" };
	if (length <= 2 * DAY_S)
		return (struct rate){ 60, "minute" };
	if (length <= 31 * DAY_S)
		return (struct rate){ 3600, "hour" };
	return (struct rate){ DAY_S, "day" };
}

static void add_colours(struct rrd_args *a, const struct rrd_picture *p)
{
	static const char *const colours[2] = { "ffffff", "12171d" };
	static const char *const rest[][3] = {
		{ "FONT", "1a1a1a", "e6e9ec" },     { "AXIS", "555555", "9aa4ae" },
		{ "FRAME", "555555", "9aa4ae" },    { "ARROW", "555555", "9aa4ae" },
		{ "GRID", "00000018", "ffffff18" }, { "MGRID", "00000038", "ffffff38" },
	};
	bool dark = p->theme == RRD_DARK;
	const char *back = p->background[0] != '\0' ? p->background : colours[dark];

	rrd_args_add(a, "--color=BACK#%s", back);
	rrd_args_add(a, "--color=CANVAS#%s", back);
	rrd_args_add(a, "--color=SHADEA#00000000");
	rrd_args_add(a, "--color=SHADEB#00000000");
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		rrd_args_add(a, "--color=%s#%s", rest[i][0], rest[i][1 + dark]);
}

static void add_axis(struct rrd_args *a, const struct rrd_picture *p)
{
	const struct rrd_layers *l = &rrd_layers[p->kind];

	rrd_args_add(a, "--lower-limit=0");
	rrd_args_add(a, "--right-axis=1:0"); /* the same; and the last time has room */
	if (l->unit == UNIT_PERCENT) {
		rrd_args_add(a, "--upper-limit=104"); /* a line at 100 is whole */
		rrd_args_add(a, "--rigid");
		rrd_args_add(a, "--y-grid=10:2");
		rrd_args_add(a, "--vertical-label=%s", l->what);
	} else {
		rrd_args_add(a, "--upper-limit=1"); /* no thousandths on the axis */
		rrd_args_add(a, "--vertical-label=%s per %s", l->what, rate_of(p).word);
	}
}

static void add_frame(struct rrd_args *a, const struct rrd_picture *p)
{
	char safe[4 * RRD_TEXT_MAX];

	text_safe(p->title, true, safe, sizeof(safe));
	rrd_args_add(a, "--imgformat=%s", p->svg ? "SVG" : "PNG");
	rrd_args_add(a, "--start=%" PRId64, p->from);
	rrd_args_add(a, "--end=%" PRId64, p->to);
	rrd_args_add(a, "--width=%u", p->width);
	rrd_args_add(a, "--height=%u", p->height);
	rrd_args_add(a, "--border=0");
	rrd_args_add(a, "--disable-rrdtool-tag");
	rrd_args_add(a, "--font=DEFAULT:9:DejaVu Sans");
	rrd_args_add(a, "--font=TITLE:12:DejaVu Sans");
	rrd_args_add(a, "--font=LEGEND:9:DejaVu Sans Mono");
	if (p->bare)
		rrd_args_add(a, "--only-graph");
	else
		rrd_args_add(a, "--title=%s", safe);
	add_colours(a, p);
	add_axis(a, p);
}

/* The data -------------------------------------------------------------------------------- */

static const char *source_name(const struct rrd_layers *l, unsigned source)
{
	return l->sensor ? health_name((enum health_counter)source)
			 : count_name((enum count)source);
}

/* "ran" is known where the sensor ran; a pair is known from its first session on only. */
static void add_sources(struct rrd_args *a, const struct rrd_picture *p, const char *path,
			const char *health)
{
	const struct rrd_layers *l = &rrd_layers[p->kind];
	size_t room = 2 * strlen(path) + 2 * strlen(health) + 3;
	char *file = malloc(room);

	if (file == NULL)
		abort();
	escaped(path, file, room);
	for (unsigned i = 0; i < l->sources_n; i++) {
		const char *name = source_name(l, l->sources[i]);

		rrd_args_add(a, "DEF:%s=%s:%s:AVERAGE", name, file, name);
	}
	if (access(health, R_OK) == 0)
		rrd_args_add(a, "DEF:ran=%s:packets:AVERAGE", escaped(health, file, room));
	else
		rrd_args_add(a, "CDEF:ran=%s", source_name(l, l->sources[0]));
	free(file);
}

static void add_values(struct rrd_args *a, const struct rrd_picture *p)
{
	const struct rrd_layers *l = &rrd_layers[p->kind];
	unsigned scale = rate_of(p).seconds;

	for (unsigned i = 0; i < l->n; i++) {
		const struct rrd_layer *y = &l->layers[i];

		if (y->expr != NULL)
			rrd_args_add(a, "CDEF:layer%u=%s", i, y->expr);
		else if (y->minus != RRD_NONE)
			rrd_args_add(a, "CDEF:layer%u=%s,%s,-,0,MAX,%u,*", i,
				     source_name(l, y->plus), source_name(l, y->minus), scale);
		else
			rrd_args_add(a, "CDEF:layer%u=%s,%u,*", i, source_name(l, y->plus), scale);
	}
}

/* Drawing --------------------------------------------------------------------------------- */

/* Pale bands, below everything else. */
static void add_bands(struct rrd_args *a, const struct rrd_picture *p)
{
	rrd_args_add(a, "CDEF:gap=ran,UN,INF,UNKN,IF");
	rrd_args_add(a, "AREA:gap%s", p->theme == RRD_DARK ? "#ffffff14" : "#00000010");
	for (unsigned i = 0; i < p->marks_n; i++) {
		const struct rrd_mark *m = &p->marks[i];

		rrd_args_add(a,
			     "CDEF:mark%u=ran,POP,TIME,%" PRId64 ",GE,TIME,%" PRId64
			     ",LT,*,INF,UNKN,IF",
			     i, m->from, m->to);
		rrd_args_add(a, "AREA:mark%u%s30", i,
			     rrd_paint(m->critical ? PAINT_VERMILLION : PAINT_ORANGE, p->theme));
	}
}

/* Stripes that are as wide as three pixels, or as a point of data. */
static void add_gap(struct rrd_args *a, const struct rrd_picture *p)
{
	int64_t pixel = (p->to - p->from) / p->width;
	int64_t period = (6 * pixel / 120 + 1) * 120;

	rrd_args_add(a, "CDEF:stripe=ran,UN,TIME,%" PRId64 ",%%,%" PRId64 ",LT,*,INF,UNKN,IF",
		     period, period / 2);
	rrd_args_add(a, "AREA:stripe%s:no data%s\\l",
		     p->theme == RRD_DARK ? "#ffffff30" : "#0000002a",
		     p->width < WIDE ? "" : " (the sensor did not run)");
}

static uint64_t total_of(const struct rrd_picture *p, const struct rrd_layer *y)
{
	const uint64_t *n = rrd_layers[p->kind].sensor ? p->health.n : p->counts.n;
	uint64_t minus = y->minus == RRD_NONE ? 0 : n[y->minus];

	return n[y->plus] > minus ? n[y->plus] - minus : 0;
}

/* Two in a line where they fit, each with its total. */
static void legend_of(const struct rrd_picture *p, unsigned i, char out[LEGEND_MAX])
{
	const struct rrd_layers *l = &rrd_layers[p->kind];
	const struct rrd_layer *y = &l->layers[i];
	bool last = p->width < WIDE || i % 2 == 1 || i + 1 == l->n;
	char words_of[LEGEND_MAX / 2], total[32] = "";

	if (p->totals && y->expr == NULL)
		snprintf(total, sizeof(total), "%*" PRIu64, p->width < NARROW ? 7 : 12,
			 total_of(p, y));
	escaped(y->legend, words_of, sizeof(words_of));
	snprintf(out, LEGEND_MAX, "%-*s %s%s", p->width < NARROW ? 0 : 28, words_of, total,
		 last ? "\\l" : "");
}

static void add_layer(struct rrd_args *a, const struct rrd_picture *p, unsigned i)
{
	const struct rrd_layer *y = &rrd_layers[p->kind].layers[i];
	const char *paint = rrd_paint(y->paint, p->theme);
	char legend[LEGEND_MAX];
	size_t width;

	legend_of(p, i, legend);
	switch (y->shape) {
	case RRD_AREA: rrd_args_add(a, "AREA:layer%u%s:%s", i, paint, legend); break;
	case RRD_STACK: rrd_args_add(a, "AREA:layer%u%s:%s:STACK", i, paint, legend); break;
	case RRD_LINE:
		width = strcspn(y->style, ":");
		rrd_args_add(a, "LINE%.*s:layer%u%s:%s%s", (int)width, y->style, i, paint, legend,
			     y->style + width);
		break;
	}
}

/* How much of a text fits below the picture, cut between words. */
static size_t fitting(const struct rrd_picture *p, const char *text)
{
	size_t columns = COLUMNS_OF(p), len = strlen(text);

	if (len <= columns)
		return len;
	while (columns > 0 && text[columns] != ' ')
		columns--;
	return columns > 0 ? columns : len;
}

/* In as many lines as it takes. */
static void add_text(struct rrd_args *a, const struct rrd_picture *p, const char *safe)
{
	char piece[4 * RRD_TEXT_MAX], text[WORDS_MAX];

	while (*safe != '\0') {
		size_t len = fitting(p, safe);

		snprintf(piece, sizeof(piece), "%.*s", (int)len, safe);
		rrd_args_add(a, "COMMENT:%s\\l", escaped(piece, text, sizeof(text)));
		safe += len;
		safe += strspn(safe, " ");
	}
}

static void add_line(struct rrd_args *a, const struct rrd_picture *p, const char *line)
{
	char safe[4 * RRD_TEXT_MAX];

	text_safe(line, true, safe, sizeof(safe));
	add_text(a, p, safe);
}

/* A rule where it begins and a strip along the top as long as it lasts, dashed and thin for a
 * warning. The label stands beside a box of the rule's colour, when it begins in the picture. */
static void add_mark(struct rrd_args *a, const struct rrd_picture *p, unsigned i)
{
	const struct rrd_mark *m = &p->marks[i];
	const char *ink = rrd_paint(PAINT_INK, p->theme);
	char safe[4 * RRD_TEXT_MAX], piece[4 * RRD_TEXT_MAX], text[WORDS_MAX];
	size_t len;

	rrd_args_add(a, "TICK:mark%u%s:%s", i, ink, m->critical ? "-0.03" : "-0.012");
	if (m->from < p->from) {
		add_line(a, p, m->label);
		return;
	}
	text_safe(m->label, true, safe, sizeof(safe));
	len = fitting(p, safe);
	snprintf(piece, sizeof(piece), "%.*s", (int)len, safe);
	rrd_args_add(a, "VRULE:%" PRId64 "%s:%s%s%s", m->from, ink,
		     escaped(piece, text, sizeof(text)), len > 0 ? "\\l" : "",
		     m->critical ? "" : ":dashes=3,3");
	add_text(a, p, safe + len);
}

static void add_drawing(struct rrd_args *a, const struct rrd_picture *p)
{
	add_bands(a, p);
	for (unsigned i = 0; i < rrd_layers[p->kind].n; i++)
		add_layer(a, p, i);
	add_gap(a, p);
	for (unsigned i = 0; i < p->marks_n; i++)
		add_mark(a, p, i);
	for (unsigned i = 0; i < p->lines_n; i++)
		add_line(a, p, p->lines[i]);
}

/* The picture ----------------------------------------------------------------------------- */

static char *path_of(const char *dir, const struct rrd_picture *p)
{
	const char *service = service_name(p->service);

	if (rrd_layers[p->kind].sensor)
		return rrd_text("%s/rrd/health.rrd", dir);
	if (p->client[0] == '\0')
		return rrd_text("%s/rrd/%s/total.rrd", dir, service);
	return rrd_text("%s/rrd/%s/%s/%s.rrd", dir, service, p->client, p->server);
}

static void set_zone(const char *zone)
{
	setenv("TZ", zone[0] != '\0' ? zone : "UTC", 1);
	tzset();
}

static void prepare(struct rrd_args *a, const char *dir, const struct rrd_picture *p,
		    const char *path)
{
	char *health = rrd_text("%s/rrd/health.rrd", dir);

	add_frame(a, p);
	add_sources(a, p, path, health);
	add_values(a, p);
	add_drawing(a, p);
	free(health);
}

/* There is no file to draw from: why, and what can be done about it. */
static void say_missing(const struct rrd_picture *p, const char *path, char *err, size_t errlen)
{
	if (errno != ENOENT)
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
	else if (p->to <= RRD_EPOCH)
		snprintf(
			err, errlen,
			"there are no pictures of what was before 1980; the ledger has the counts");
	else
		snprintf(err, errlen,
			 "%s is missing: \"mailseal rebuild-rrd\" draws it from the ledger", path);
}

bool rrd_draw(const char *dir, const struct rrd_picture *p, struct rrd_image *out, char *err,
	      size_t errlen)
{
	struct rrd_args a = { .n = 0 };
	bool ok = false;
	char *path;

	if (!rrd_picture_check(p, err, errlen))
		return false;
	path = path_of(dir, p);
	if (access(path, R_OK) == 0) {
		set_zone(p->zone);
		prepare(&a, dir, p, path);
		ok = rrdlib_graph(path, &a, RRD_IMAGE_MAX, out, err, errlen);
	} else {
		say_missing(p, path, err, errlen);
	}
	rrd_args_free(&a);
	free(path);
	return ok;
}
