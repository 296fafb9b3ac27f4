/* cmd_graph.c - mailseal graph: a pair, a service or the sensor over time, as a picture. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/graph.h"
#include "reports/timezone.h"
#include "reports/tool.h"

#define WIDTH_DEFAULT  700u
#define HEIGHT_DEFAULT 250u
#define SIZE_MIN       100u
#define OUT_MAX        1024

enum {
	O_KIND,
	O_PAIR,
	O_TOTAL,
	O_SERVICE,
	O_LAST,
	O_FROM,
	O_TO,
	O_OUT,
	O_WIDTH,
	O_HEIGHT,
	O_THEME,
	O_ZONE,
	O_STATE,
	O_N
};

static const struct opt opts[O_N] = {
	[O_KIND] = { "kind", "NAME",
		     "of a pair or the total: sessions (default), ratio, tls, funnel; of the "
		     "sensor: packets, loss, flows" },
	[O_PAIR] = { "pair", "CLIENT:SERVER", "the two peers, as the matrix names them" },
	[O_TOTAL] = { "total", NULL,
		      "the whole service; for mta, between two different signatories" },
	[O_SERVICE] = { "service", "NAME", "mta (default), submission or access" },
	[O_LAST] = { "last", "TIME",
		     "30m, 24h (default), 7d, 2w: counted back from the last step in the ledger" },
	[O_FROM] = { "from", "TIME", "begin in UTC, as 2026-11-22T10:00" },
	[O_TO] = { "to", "TIME", "end in UTC (default: the end of the ledger)" },
	[O_OUT] = { "out", "FILE",
		    "the picture; its name ends in .png or .svg (default "
		    "CLIENT-SERVER-SERVICE.png, total-SERVICE.png or sensor-KIND.png)" },
	[O_WIDTH] = { "width", "N", "width of the plot in pixels (default 700)" },
	[O_HEIGHT] = { "height", "N", "height of the plot in pixels (default 250)" },
	[O_THEME] = { "theme", "NAME", "light (default) or dark" },
	[O_ZONE] = { "timezone", "NAME", "of the time axis, as Europe/Paris (default UTC)" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "graph",
	.synopsis = "(--pair CLIENT:SERVER | --total) [--kind NAME]\n"
		    "                      [--service NAME] [--last TIME | --from TIME --to TIME]\n"
		    "                      [--out FILE] [--width N] [--height N] [--theme NAME]\n"
		    "                      [--timezone NAME] [--state DIR]\n"
		    "       mailseal graph --kind packets|loss|flows [...]",
	.brief = "a pair, a service or the sensor over time as a picture",
	.summary = "Draws the sessions of a pair or of a whole service over time: by verdict, the "
		   "sealed share with its coverage, versions of TLS, or how far STARTTLS came; or "
		   "what the sensor read and lost. Times that the sensor did not see are hatched, "
		   "incidents are marked. The totals below the picture come from the ledger and "
		   "are exact.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir;
	struct rrd_picture picture;
	struct period_words words;
	struct period_asked period;
	char out[OUT_MAX];
};

/* Options as they stand on the command line; read_options() makes sense of them. */
struct given {
	const char *value[O_N];
};

/* Both ends: what tool_pair() takes for anybody is no pair. */
static bool read_pair(struct rrd_picture *p, const char *pair)
{
	return tool_pair(pair, p->client, p->server) && p->client[0] && p->server[0];
}

/* What the picture is of; a sentence when it does not say. */
static const char *read_subject(struct rrd_picture *p, const struct given *g)
{
	const char *pair = g->value[O_PAIR], *kind = g->value[O_KIND];
	bool total = g->value[O_TOTAL] != NULL;

	if (kind && !rrd_kind_by_name(kind, &p->kind))
		return "--kind is one of sessions, ratio, tls, funnel, packets, loss, flows";
	if (rrd_kind_of_sensor(p->kind))
		return pair || total || g->value[O_SERVICE] ? "packets, loss and flows are of the "
							      "sensor: without --pair, --total "
							      "and --service"
							    : NULL;
	if (pair && total)
		return "--pair or --total, not both";
	if (!total && (!pair || !read_pair(p, pair)))
		return "which pair? --pair CLIENT:SERVER, as in --pair orange:free, or --total";
	return NULL;
}

static bool read_theme(struct rrd_picture *p, const char *theme)
{
	if (theme && strcmp(theme, "dark") == 0)
		p->theme = RRD_DARK;
	return !theme || p->theme == RRD_DARK || strcmp(theme, "light") == 0;
}

static bool read_zone(struct rrd_picture *p, const char *zone)
{
	if (!zone)
		return true;
	if (strlen(zone) >= sizeof(p->zone) || !timezone_known(zone))
		return false;
	snprintf(p->zone, sizeof(p->zone), "%s", zone);
	return true;
}

static bool read_size(const char *text, unsigned *out)
{
	int64_t n;

	if (!text)
		return true;
	if (!tool_number(text, 4, &n) || n < SIZE_MIN || n > RRD_SIZE_MAX)
		return false;
	*out = (unsigned)n;
	return true;
}

/* Its name says what it is of; sessions, the default, go without saying. */
static void default_out(struct asked *a)
{
	const struct rrd_picture *p = &a->picture;
	bool said = p->kind == RRD_SESSIONS;
	const char *kind = rrd_kind_name(p->kind), *service = service_name(p->service);

	if (rrd_kind_of_sensor(p->kind))
		snprintf(a->out, sizeof(a->out), "sensor-%s.png", kind);
	else if (!p->client[0])
		snprintf(a->out, sizeof(a->out), "total-%s%s%s.png", service, said ? "" : "-",
			 said ? "" : kind);
	else
		snprintf(a->out, sizeof(a->out), "%s-%s-%s%s%s.png", p->client, p->server, service,
			 said ? "" : "-", said ? "" : kind);
}

static bool read_out(struct asked *a, const char *out)
{
	size_t len;

	if (!out)
		default_out(a);
	else if (strlen(out) >= sizeof(a->out))
		return false;
	else
		snprintf(a->out, sizeof(a->out), "%s", out);
	len = strlen(a->out);
	a->picture.svg = len > 4 && strcmp(a->out + len - 4, ".svg") == 0;
	return a->picture.svg || (len > 4 && strcmp(a->out + len - 4, ".png") == 0);
}

/* -1, or the exit code. */
static int read_values(struct asked *a, const struct given *g)
{
	const char *service = g->value[O_SERVICE] ? g->value[O_SERVICE] : "mta", *why;
	struct rrd_picture *p = &a->picture;
	char err[TOOL_ERR_MAX];

	if (g->value[O_STATE])
		a->dir = g->value[O_STATE];
	why = read_subject(p, g);
	if (why)
		return tool_usage(&usage, why);
	if (!service_by_name(service, &p->service))
		return tool_usage(&usage, "--service is one of mta, submission, access");
	a->words = (struct period_words){ g->value[O_LAST], g->value[O_FROM], g->value[O_TO] };
	if (!period_read(&a->words, &a->period, err, sizeof(err)))
		return tool_usage(&usage, err);
	if (!read_size(g->value[O_WIDTH], &p->width) || !read_size(g->value[O_HEIGHT], &p->height))
		return tool_usage(&usage, "--width and --height are between 100 and 4000");
	if (!read_theme(p, g->value[O_THEME]))
		return tool_usage(&usage, "--theme is light or dark");
	if (!read_zone(p, g->value[O_ZONE]))
		return tool_usage(&usage, "--timezone: the system's tzdata knows no such name (as "
					  "in --timezone Europe/Paris)");
	if (!read_out(a, g->value[O_OUT]))
		return tool_usage(&usage, "--out needs a file name that ends in .png or .svg");
	return -1;
}

static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	struct given g = { { NULL } };
	int what;

	while ((what = opts_next(&o)) >= 0)
		g.value[what] = opts[what].arg ? o.value : "";
	if (what != OPTS_END)
		return tool_stop(&o, what);
	return read_values(a, &g);
}

static bool write_bytes(int fd, const struct rrd_image *i)
{
	FILE *f = fdopen(fd, "w");
	bool ok;

	if (!f) {
		close(fd);
		return false;
	}
	ok = fwrite(i->bytes, 1, i->len, f) == i->len;
	return fclose(f) == 0 && ok;
}

/* Beside the picture, and then in its place: a failure leaves no half of one. */
static bool save(const char *out, const struct rrd_image *i)
{
	char beside[OUT_MAX + 8];
	int fd = tool_beside(out, beside, sizeof(beside)), error;

	if (fd < 0)
		return false;
	if (write_bytes(fd, i) && rename(beside, out) == 0)
		return true;
	error = errno;
	unlink(beside);
	errno = error;
	return false;
}

static bool draw(const struct asked *a)
{
	struct rrd_image image = { .bytes = NULL };
	char err[TOOL_ERR_MAX] = "";
	bool ok;

	if (!rrd_draw(a->dir, &a->picture, &image, err, sizeof(err))) {
		tool_error(usage.command, "%s", err);
		return false;
	}
	ok = save(a->out, &image);
	if (!ok)
		tool_error(usage.command, "%.300s: %s", a->out, strerror(errno));
	free(image.bytes);
	return ok;
}

static bool graph(struct asked *a, struct ledger *l)
{
	char err[TOOL_ERR_MAX] = "";
	struct matrix *m = matrix_new(l, a->picture.service, true, &a->period, err, sizeof(err));
	bool ok = m && graph_fill(&a->picture, m, a->dir, err, sizeof(err));

	matrix_free(m);
	if (!ok)
		tool_error(usage.command, "%.200s: %s", a->dir, err);
	return ok && draw(a);
}

static int run(int argc, char **argv)
{
	struct asked a = { .dir = TOOL_STATE_DIR,
			   .picture = { .width = WIDTH_DEFAULT, .height = HEIGHT_DEFAULT } };
	struct screen s = screen_of(stdout);
	int code = read_options(&a, argc, argv);
	char safe[4 * OUT_MAX];
	struct ledger *l;
	bool ok;

	if (code >= 0)
		return code;
	l = tool_ledger(usage.command, a.dir, LEDGER_READ);
	if (!l)
		return TOOL_FAILED;
	ok = graph(&a, l);
	ledger_close(l);
	if (!ok)
		return TOOL_FAILED;
	text_safe(a.out, s.utf8, safe, sizeof(safe));
	puts(safe);
	return tool_flush(usage.command);
}

const struct tool_command cmd_graph = { &usage, run };
