/* Tests reports/rrddraw.c, rrd_picture.c, rrd_layers.c and what rrdlib.c draws. */
#include "tests/reports/rrd_sample.h"

#include <time.h>
#include <unistd.h>

#define DAY 86400

static char err[512];

static struct rrd_image drawn(const struct rrd_picture *p)
{
	struct rrd_image i = { .bytes = NULL };

	if (!rrd_draw(sample_dir, p, &i, err, sizeof(err)))
		fail_msg("%s", err);
	return i;
}

/* Whether two pictures are the same to the byte. */
static bool same(const struct rrd_picture *a, const struct rrd_picture *b)
{
	struct rrd_image x = drawn(a), y = drawn(b);
	bool equal = x.len == y.len && memcmp(x.bytes, y.bytes, x.len) == 0;

	free(x.bytes);
	free(y.bytes);
	return equal;
}

static unsigned be32(const unsigned char *at)
{
	return (unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3];
}

static void kinds_have_names(void **state)
{
	enum rrd_kind k;

	(void)state;
	for (unsigned i = 0; i < RRD_KINDS; i++) {
		assert_true(rrd_kind_by_name(rrd_kind_name((enum rrd_kind)i), &k));
		assert_int_equal(k, i);
	}
	assert_false(rrd_kind_by_name("pie", &k));
	assert_false(rrd_kind_of_sensor(RRD_FUNNEL));
	assert_true(rrd_kind_of_sensor(RRD_LOSS));
}

static void every_kind_is_drawn(void **state)
{
	(void)state;
	for (unsigned k = 0; k < RRD_KINDS; k++) {
		struct rrd_picture p = sample_picture((enum rrd_kind)k);
		struct rrd_image png = drawn(&p), svg;

		p.svg = true;
		p.theme = RRD_DARK;
		svg = drawn(&p);
		assert_true(is_png(&png));
		assert_true(is_svg(&svg));
		free(png.bytes);
		free(svg.bytes);
	}
}

static void kinds_differ(void **state)
{
	(void)state;
	for (unsigned k = 1; k < RRD_KINDS; k++) {
		struct rrd_picture a = sample_picture((enum rrd_kind)(k - 1));
		struct rrd_picture b = sample_picture((enum rrd_kind)k);

		a.bare = b.bare = true; /* what is drawn, not what is written */
		assert_false(same(&a, &b));
	}
}

static void a_picture_is_the_same_each_time(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);

	(void)state;
	assert_true(same(&p, &p));
}

static void a_bare_picture_is_as_large_as_asked(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i;

	(void)state;
	p.bare = true;
	p.width = 120;
	p.height = 40;
	i = drawn(&p);
	assert_int_equal(be32(i.bytes + 16), 120);
	assert_int_equal(be32(i.bytes + 20), 40);
	free(i.bytes);
}

/* The minutes of the gap and those before it: a gap is not drawn as minutes without sessions. */
static void a_gap_is_not_zero(void **state)
{
	struct rrd_picture gap = sample_picture(RRD_TLS), zero = sample_picture(RRD_LOSS);

	(void)state;
	gap.bare = zero.bare = true;
	gap.from = T0 + 20 * 60;
	gap.to = T0 + 25 * 60;
	zero.from = T0 + 2 * 60; /* nothing was lost */
	zero.to = T0 + 7 * 60;
	assert_false(same(&gap, &zero));
	zero.from = gap.from;
	zero.to = gap.to;
	assert_true(same(&gap, &zero));
}

/* A pair without sessions before its first one was seen with none; the sensor ran. */
static void before_the_first_session_there_is_no_gap(void **state)
{
	struct ledger_row row = { .service = SERVICE_MTA, .client = "beta", .server = "alpha" };
	struct rrd_picture late = sample_picture(RRD_SESSIONS), lossless = sample_picture(RRD_LOSS);
	struct rrdstore *r = rrdstore_open(sample_dir, 10, err, sizeof(err));
	struct health h = { .alive = 0 };
	unsigned failed;

	(void)state;
	assert_non_null(r);
	row.counts.n[COUNT_ENC_STARTTLS] = 1;
	assert_true(rrdstore_step(r, T0 + 2400, &row, 1, &h, &failed, err, sizeof(err)));
	rrdstore_close(r);
	strcpy(late.client, "beta");
	strcpy(late.server, "alpha");
	late.bare = lossless.bare = true;
	late.from = lossless.from = T0 + 120;
	late.to = lossless.to = T0 + 600;
	assert_true(same(&late, &lossless));
}

static void every_part_shows(void **state)
{
	struct rrd_picture plain = sample_picture(RRD_SESSIONS), other = plain;

	(void)state;
	other.marks_n = 1;
	other.marks[0] = (struct rrd_mark){ T0 + 1800, T0 + 2400, true, "" };
	assert_false(same(&plain, &other));
	plain = other;
	other.marks[0].critical = false;
	assert_false(same(&plain, &other));
	strcpy(other.marks[0].label, "10:30 a rule: critical");
	assert_false(same(&plain, &other));
	other = plain;
	other.theme = RRD_DARK;
	assert_false(same(&plain, &other));
	other = plain;
	strcpy(other.background, "00000000");
	assert_false(same(&plain, &other));
	other = plain;
	other.counts.n[COUNT_PLAINTEXT] = 77;
	assert_false(same(&plain, &other));
	other = plain;
	other.lines_n = 1;
	assert_false(same(&plain, &other));
	other = plain;
	strcpy(other.title, "another");
	assert_false(same(&plain, &other));
}

static void the_axis_is_in_the_zone_asked_for(void **state)
{
	struct rrd_picture utc = sample_picture(RRD_SESSIONS), other = utc;

	(void)state;
	if (access("/usr/share/zoneinfo/Asia/Kolkata", R_OK) != 0)
		skip();
	setenv("TZ", "Asia/Kolkata", 1);
	strcpy(other.zone, "UTC");
	assert_true(same(&utc, &other));
	strcpy(other.zone, "Asia/Kolkata"); /* half an hour away from whole ones */
	assert_false(same(&utc, &other));
	assert_true(same(&utc, &utc)); /* and back */
}

static void any_text_is_drawn(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i;

	(void)state;
	strcpy(p.title, "\x1b[31m a:b%s <b>&\xff\xfe\\l");
	memset(p.lines[0], 'x', RRD_TEXT_MAX - 1); /* no place to cut it */
	strcpy(p.lines[1], "\\l:\n\t%n \\");
	p.marks_n = RRD_MARKS_MAX;
	for (unsigned m = 0; m < p.marks_n; m++) {
		p.marks[m] = (struct rrd_mark){ T0 + 60 * m, INT64_MAX, m % 2, "" };
		snprintf(p.marks[m].label, RRD_LABEL_MAX, "%u:\\:%%:\xc3", m);
	}
	p.svg = true;
	i = drawn(&p);
	assert_true(is_svg(&i));
	free(i.bytes);
}

static void times_without_a_file_are_drawn(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i;

	(void)state;
	p.from = T0 - 30 * DAY; /* long before the first session */
	p.to = T0 - 20 * DAY;
	i = drawn(&p);
	free(i.bytes);
	p.from = T0 - 3 * 366 * DAY;
	p.to = T0 + 60;
	i = drawn(&p);
	free(i.bytes);
}

/* A change to a picture that must not be drawn. */
#define REFUSED(change, why)                                                      \
	do {                                                                      \
		struct rrd_picture p = sample_picture(RRD_SESSIONS);              \
		struct rrd_image image = { .bytes = NULL };                       \
		change;                                                           \
		err[0] = '\0';                                                    \
		assert_false(rrd_draw(sample_dir, &p, &image, err, sizeof(err))); \
		assert_null(image.bytes);                                         \
		if (strstr(err, why) == NULL)                                     \
			fail_msg("\"%s\" says nothing of \"%s\"", err, why);      \
	} while (0)

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	REFUSED(strcpy(p.client, "../alpha"), "no pair");
	REFUSED(p.client[0] = '\0', "no pair");
	REFUSED(strcpy(p.server, "Beta"), "no pair");
	REFUSED(strcpy(p.client, "gamma"), "gamma/beta.rrd is missing");
	REFUSED((strcpy(p.client, "gamma"), p.from = 0, p.to = 315532800), "before 1980");
	REFUSED((strcpy(p.client, "gamma"), p.from = 0, p.to = 315532860), "is missing");
	REFUSED(p.to = p.from, "nothing to draw");
	REFUSED(p.from = -1, "nothing to draw");
	REFUSED(p.to = INT64_MAX, "nothing to draw");
	REFUSED(p.width = 4001, "4000");
	REFUSED(p.height = 0, "4000");
	REFUSED(p.kind = RRD_KINDS, "kind");
	REFUSED(p.service = SERVICE_N, "kind");
	REFUSED(memset(p.title, 'a', sizeof(p.title)), "too long");
	REFUSED(memset(p.lines, 'a', sizeof(p.lines)), "too long");
	REFUSED(p.lines_n = RRD_LINES_MAX + 1, "too long");
	REFUSED(p.marks_n = RRD_MARKS_MAX + 1, "too long");
	REFUSED(memset(p.client, 'a', sizeof(p.client)), "too long");
	REFUSED(strcpy(p.background, "red"), "rrggbb");
	REFUSED(strcpy(p.zone, "Europe/Atlantis"), "time zone");
	REFUSED(strcpy(p.zone, "../../../etc/passwd"), "time zone");
}

static void a_bad_file_is_named(void **state)
{
	struct rrd_picture p = sample_picture(RRD_SESSIONS);
	struct rrd_image i = { .bytes = NULL };
	char path[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/rrd/mta/alpha/beta.rrd", sample_dir);
	assert_int_equal(truncate(path, 5000), 0);
	assert_false(rrd_draw(sample_dir, &p, &i, err, sizeof(err)));
	assert_non_null(strstr(err, "alpha/beta.rrd: "));
	assert_null(i.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_make, sample_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_have_names),
		TEST(every_kind_is_drawn),
		TEST(kinds_differ),
		TEST(a_picture_is_the_same_each_time),
		TEST(a_bare_picture_is_as_large_as_asked),
		TEST(a_gap_is_not_zero),
		TEST(before_the_first_session_there_is_no_gap),
		TEST(every_part_shows),
		TEST(the_axis_is_in_the_zone_asked_for),
		TEST(any_text_is_drawn),
		TEST(times_without_a_file_are_drawn),
		TEST(what_makes_no_sense_is_refused),
		TEST(a_bad_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
