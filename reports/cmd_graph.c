/* cmd_graph.c - mailseal graph: one pair over time as a picture, with exact totals below it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/matrix.h"
#include "reports/rrdfile.h"
#include "reports/tool.h"

#define WIDTH_DEFAULT  700u
#define HEIGHT_DEFAULT 250u
#define SIZE_MIN       100u
#define SIZE_MAX_PX    4000u
#define OUT_MAX        1024
#define LEGEND_LINES   5u

enum { O_PAIR, O_SERVICE, O_LAST, O_FROM, O_TO, O_OUT, O_WIDTH, O_HEIGHT, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_PAIR] = { "pair", "CLIENT:SERVER", "the two peers, as the matrix names them" },
	[O_SERVICE] = { "service", "NAME", "mta (default), submission or access" },
	[O_LAST] = { "last", "TIME",
		     "30m, 24h (default), 7d, 2w: counted back from the last step in the ledger" },
	[O_FROM] = { "from", "TIME", "begin in UTC, as 2026-11-22T10:00" },
	[O_TO] = { "to", "TIME", "end in UTC (default: the end of the ledger)" },
	[O_OUT] = { "out", "FILE",
		    "the picture; its name ends in .png or .svg (default "
		    "CLIENT-SERVER-SERVICE.png)" },
	[O_WIDTH] = { "width", "N", "width of the plot in pixels (default 700)" },
	[O_HEIGHT] = { "height", "N", "height of the plot in pixels (default 250)" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "graph",
	.synopsis = "--pair CLIENT:SERVER [--service NAME]\n"
		    "                      [--last TIME | --from TIME --to TIME]\n"
		    "                      [--out FILE] [--width N] [--height N] [--state DIR]",
	.brief = "one pair over time as a picture",
	.summary = "Draws the encrypted and the plaintext sessions of one pair and their ratio "
		   "over time. "
		   "The totals below the picture come from the ledger and are exact.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir, *pair;
	char client[PARTY_NAME_MAX + 1], server[PARTY_NAME_MAX + 1];
	enum service service;
	struct period_words words;
	struct period_asked period;
	char out[OUT_MAX];
	bool svg;
	unsigned width, height;
};

/* Options as they stand on the command line; read_options() makes sense of them. */
struct given {
	const char *value[O_N];
};

static bool read_pair(struct asked *a, const char *pair)
{
	return pair && tool_pair(pair, a->client, a->server) && a->client[0] && a->server[0];
}

static bool read_size(const char *text, unsigned *out)
{
	int64_t n;

	if (!text)
		return true;
	if (!tool_number(text, 4, &n) || n < SIZE_MIN || n > SIZE_MAX_PX)
		return false;
	*out = (unsigned)n;
	return true;
}

static bool read_out(struct asked *a, const char *out)
{
	size_t len;

	if (!out)
		snprintf(a->out, sizeof(a->out), "%s-%s-%s.png", a->client, a->server,
			 service_name(a->service));
	else if (strlen(out) >= sizeof(a->out))
		return false;
	else
		snprintf(a->out, sizeof(a->out), "%s", out);
	len = strlen(a->out);
	a->svg = len > 4 && strcmp(a->out + len - 4, ".svg") == 0;
	return a->svg || (len > 4 && strcmp(a->out + len - 4, ".png") == 0);
}

/* -1, or the exit code. */
static int read_values(struct asked *a, const struct given *g)
{
	const char *service = g->value[O_SERVICE] ? g->value[O_SERVICE] : "mta";
	char err[TOOL_ERR_MAX];

	if (g->value[O_STATE])
		a->dir = g->value[O_STATE];
	if (!read_pair(a, g->value[O_PAIR]))
		return tool_usage(&usage,
				  "which pair? --pair CLIENT:SERVER, as in --pair orange:free");
	if (!service_by_name(service, &a->service))
		return tool_usage(&usage, "--service is one of mta, submission, access");
	a->words = (struct period_words){ g->value[O_LAST], g->value[O_FROM], g->value[O_TO] };
	if (!period_read(&a->words, &a->period, err, sizeof(err)))
		return tool_usage(&usage, err);
	if (!read_size(g->value[O_WIDTH], &a->width) || !read_size(g->value[O_HEIGHT], &a->height))
		return tool_usage(&usage, "--width and --height are between 100 and 4000");
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
		g.value[what] = o.value;
	if (what != OPTS_END)
		return tool_stop(&o, what);
	return read_values(a, &g);
}

static bool known_party(const struct matrix *m, const char *name)
{
	for (size_t i = 0; i < m->parties_n; i++) {
		if (strcmp(m->parties[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The cell of the pair, or NULL with a sentence in err. */
static const struct matrix_cell *find_cell(const struct matrix *m, const struct asked *a, char *err,
					   size_t errlen)
{
	char from[UTC_TEXT_MAX], to[UTC_TEXT_MAX];

	for (size_t i = 0; i < m->cells_n; i++) {
		if (strcmp(m->parties[m->cells[i].client].name, a->client) == 0 &&
		    strcmp(m->parties[m->cells[i].server].name, a->server) == 0)
			return &m->cells[i];
	}
	utc_text(m->period.from, UTC_SHORT, from);
	utc_text(m->period.to, UTC_SHORT, to);
	if (!known_party(m, a->client) || !known_party(m, a->server))
		snprintf(err, errlen,
			 "the ledger knows no peer \"%s\" (mailseal matrix --all shows whom it "
			 "knows)",
			 known_party(m, a->client) ? a->server : a->client);
	else
		snprintf(err, errlen, "no session from %s to %s (%s) between %s and %s UTC",
			 a->client, a->server, service_name(a->service), from, to);
	return NULL;
}

/* The lines below the picture: exact counts, from the ledger. */
struct legend {
	char line[LEGEND_LINES][160];
	const char *lines[LEGEND_LINES + 1];
};

static void fill_legend(struct legend *l, const struct matrix *m, const struct counts *c)
{
	struct ratio r = counts_ratio(c, 0);
	char from[UTC_TEXT_MAX], to[UTC_TEXT_MAX], ratio[16], bounds[32], coverage[16];

	utc_text(m->period.from, UTC_SHORT, from);
	utc_text(m->period.to, UTC_SHORT, to);
	ratio_text(&r, ratio, sizeof(ratio));
	bounds_text(&r, bounds, sizeof(bounds));
	coverage_text(&r, coverage, sizeof(coverage));
	snprintf(l->line[0], sizeof(l->line[0]), "%s to %s UTC, exact counts:", from, to);
	snprintf(l->line[1], sizeof(l->line[1]),
		 "encrypted %" PRIu64 " (STARTTLS %" PRIu64 ", implicit TLS %" PRIu64 ")",
		 r.encrypted, c->n[COUNT_ENC_STARTTLS], c->n[COUNT_ENC_IMPLICIT]);
	snprintf(l->line[2], sizeof(l->line[2]),
		 "in clear %" PRIu64 " (beside them %" PRIu64
		 " of which the server accepted nothing)",
		 r.plaintext, c->n[COUNT_REFUSED]);
	snprintf(l->line[3], sizeof(l->line[3]),
		 "TLS failed %" PRIu64 ", without a mail %" PRIu64 ", undecided %" PRIu64, r.failed,
		 c->n[COUNT_NO_TRANSACTION], r.unknown);
	snprintf(l->line[4], sizeof(l->line[4]), "ratio %s (%s), sessions %" PRIu64 ", coverage %s",
		 ratio, bounds, counts_sessions(c), coverage);
	for (size_t i = 0; i < LEGEND_LINES; i++)
		l->lines[i] = l->line[i];
	l->lines[LEGEND_LINES] = NULL;
}

static bool draw(const struct asked *a, const struct matrix *m, const struct counts *c)
{
	char title[160], beside[OUT_MAX + 8], err[TOOL_ERR_MAX] = "";
	struct legend legend;
	struct rrd_picture p = {
		.service = a->service,
		.client = a->client,
		.server = a->server,
		.from = m->period.from,
		.to = m->period.to,
		.title = title,
		.legend = legend.lines,
		.width = a->width,
		.height = a->height,
		.svg = a->svg,
		.out = beside,
	};
	int fd;

	setenv("TZ", "UTC", 1); /* of the time axis: librrd knows no other way */
	snprintf(title, sizeof(title), "Mail from %s to %s (%s)", a->client, a->server,
		 service_name(a->service));
	fill_legend(&legend, m, c);
	fd = tool_beside(a->out, beside, sizeof(beside));
	if (fd < 0 || close(fd) != 0) {
		tool_error(usage.command, "%.300s: %s", a->out, strerror(errno));
		return false;
	}
	if (!rrd_draw(a->dir, &p, err, sizeof(err)))
		tool_error(usage.command, "%s", err);
	else if (rename(beside, a->out) != 0)
		tool_error(usage.command, "%.300s: %s", a->out, strerror(errno));
	else
		return true;
	unlink(beside);
	return false;
}

/* The file that the picture is drawn from; the ledger has the pair, so it can be drawn anew. */
static bool check_rrd(const struct asked *a)
{
	char name[3 * PARTY_NAME_MAX + 32];

	snprintf(name, sizeof(name), "rrd/%s/%s/%s.rrd", service_name(a->service), a->client,
		 a->server);
	if (tool_state_has(a->dir, name))
		return true;
	tool_error(usage.command,
		   "%.300s/%s is missing: mailseal rebuild-rrd draws it from the ledger", a->dir,
		   name);
	return false;
}

static bool graph(const struct asked *a, struct ledger *l)
{
	char err[TOOL_ERR_MAX] = "";
	struct matrix *m = matrix_new(l, a->service, true, &a->period, err, sizeof(err));
	const struct matrix_cell *c = m ? find_cell(m, a, err, sizeof(err)) : NULL;
	bool ok = false;

	if (!c)
		tool_error(usage.command, "%.200s: %s", a->dir, err);
	else
		ok = check_rrd(a) && draw(a, m, &c->counts);
	matrix_free(m);
	return ok;
}

static int run(int argc, char **argv)
{
	struct asked a = { .dir = TOOL_STATE_DIR,
			   .width = WIDTH_DEFAULT,
			   .height = HEIGHT_DEFAULT };
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
