/* Tests the counting of what interfaces drop, over a folder that looks like that of sysfs. */
#include "tests/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sensor/interfaces.h"

static const char *const two[] = { "left", "right" };

static int set_up(void **state)
{
	static char top[64];

	snprintf(top, sizeof(top), "/tmp/mailseal-interfaces-XXXXXX");
	*state = top;
	return mkdtemp(top) ? 0 : 1;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", (const char *)*state);
	return system(command);
}

static void show(const char *top, const char *name, const char *file, uint64_t value)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/statistics", top, name);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/statistics/%s", top, name, file);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%" PRIu64 "\n", value);
	fclose(f);
}

static void show_all(const char *top, const char *name, uint64_t dropped, uint64_t missed,
		     uint64_t fifo)
{
	show(top, name, "rx_dropped", dropped);
	show(top, name, "rx_missed_errors", missed);
	show(top, name, "rx_fifo_errors", fifo);
}

static void hide(const char *top, const char *name)
{
	char from[256], to[256];

	snprintf(from, sizeof(from), "%s/%s", top, name);
	snprintf(to, sizeof(to), "%s/gone", top);
	assert_int_equal(rename(from, to), 0);
}

static void what_was_before_is_not_counted(void **state)
{
	const char *top = *state;
	struct interfaces *s;

	show_all(top, "left", 1000, 200, 30);
	s = interfaces_new(top, two, 1);
	assert_int_equal(interfaces_dropped(s), 0);
	show_all(top, "left", 1007, 200, 30);
	assert_int_equal(interfaces_dropped(s), 7);
	assert_int_equal(interfaces_dropped(s), 7);
	interfaces_free(s);
}

static void the_same_packets_count_once(void **state)
{
	static const struct {
		uint64_t dropped, missed, fifo, all;
	} cases[] = {
		{ 1, 0, 0, 1 },
		{ 0, 2, 0, 2 },
		{ 0, 0, 3, 3 },
		{ 10, 5, 0, 15 },
		{ 10, 5, 5, 15 },
		{ 10, 5, 7, 17 },
		{ 1ull << 40, 1, 0, (1ull << 40) + 1 },
	};
	const char *top = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct interfaces *s;

		show_all(top, "left", 100, 100, 100);
		s = interfaces_new(top, two, 1);
		show_all(top, "left", 100 + cases[i].dropped, 100 + cases[i].missed,
			 100 + cases[i].fifo);
		assert_int_equal(interfaces_dropped(s), cases[i].all);
		interfaces_free(s);
	}
}

static void several_are_added_up(void **state)
{
	const char *top = *state;
	struct interfaces *s;

	show_all(top, "left", 5, 0, 0);
	show_all(top, "right", 50, 0, 9);
	s = interfaces_new(top, two, 2);
	show_all(top, "left", 6, 0, 0);
	show_all(top, "right", 50, 4, 11);
	assert_int_equal(interfaces_dropped(s), 1 + 4);
	interfaces_free(s);
}

static void a_counter_that_went_back_began_anew(void **state)
{
	const char *top = *state;
	struct interfaces *s;

	show_all(top, "left", 1000, 0, 0);
	s = interfaces_new(top, two, 1);
	show_all(top, "left", 1010, 0, 0);
	assert_int_equal(interfaces_dropped(s), 10);
	show_all(top, "left", 3, 0, 0);
	assert_int_equal(interfaces_dropped(s), 13);
	show_all(top, "left", 4, 0, 0);
	assert_int_equal(interfaces_dropped(s), 14);
	interfaces_free(s);
}

static void one_that_is_gone_keeps_what_it_had(void **state)
{
	const char *top = *state;
	struct interfaces *s;

	show_all(top, "left", 0, 0, 0);
	show_all(top, "right", 0, 0, 0);
	s = interfaces_new(top, two, 2);
	show_all(top, "left", 4, 0, 0);
	assert_int_equal(interfaces_dropped(s), 4);
	hide(top, "left");
	show_all(top, "right", 2, 0, 0);
	assert_int_equal(interfaces_dropped(s), 6);
	show_all(top, "left", 1, 0, 0); /* it is back, and counts from nothing */
	assert_int_equal(interfaces_dropped(s), 7);
	interfaces_free(s);
}

static void one_without_counters_adds_nothing(void **state)
{
	const char *top = *state;
	struct interfaces *s = interfaces_new(top, two, 2);

	assert_int_equal(interfaces_dropped(s), 0);
	show(top, "left", "rx_dropped", 7); /* what it shows first is where it begins */
	assert_int_equal(interfaces_dropped(s), 0);
	show(top, "left", "rx_dropped", 9);
	assert_int_equal(interfaces_dropped(s), 2);
	interfaces_free(s);
}

static void note_link(void *ctx, const char *name, bool up)
{
	char *said = ctx;
	size_t n = strlen(said);

	snprintf(said + n, 256 - n, "%s %s;", name, up ? "up" : "down");
}

/* The kernel refuses to read the file of one that is down; a folder cannot be read either. */
static void set_link(const char *top, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/carrier", top, name);
	remove(path);
	if (!text) {
		assert_int_equal(mkdir(path, 0700), 0);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char *links_of(struct interfaces *s)
{
	static char said[256];

	said[0] = '\0';
	interfaces_links(s, note_link, said);
	return said;
}

static void a_link_is_told_when_it_changes(void **state)
{
	struct interfaces *s = interfaces_new(*state, two, 2);

	assert_string_equal(links_of(s), ""); /* nobody knows */
	set_link(*state, "left", "1\n");
	set_link(*state, "right", "0\n");
	assert_string_equal(links_of(s), "right down;");
	assert_string_equal(links_of(s), "");
	set_link(*state, "left", NULL);
	set_link(*state, "right", "1\n");
	assert_string_equal(links_of(s), "left down;right up;");
	set_link(*state, "left", "1\n");
	hide(*state, "right");
	assert_string_equal(links_of(s), "left up;");
	interfaces_free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_before_is_not_counted),
		TEST(the_same_packets_count_once),
		TEST(several_are_added_up),
		TEST(a_counter_that_went_back_began_anew),
		TEST(one_that_is_gone_keeps_what_it_had),
		TEST(one_without_counters_adds_nothing),
		TEST(a_link_is_told_when_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
