/* test_answers.c - answers that are kept for a moment, and who still holds them. */
#include "tests/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "web/answers.h"

struct place {
	char dir[64], file[128];
	struct site site;
	struct answers *a;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->dir, "/tmp/mailseal-answers-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/incidents.db-wal", p->dir);
	p->site.dir = p->dir;
	p->a = answers_new(&p->site);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	answers_free(p->a);
	unlink(p->file);
	rmdir(p->dir);
	free(p);
	return 0;
}

/* Whether the answer is the document that was given before, which is released. */
static bool same_again(struct place *p, const char *path, int64_t now, struct document *before)
{
	struct document *d = answers_get(p->a, path, now);
	bool same = d == before;

	document_release(d);
	document_release(before);
	return same;
}

static void an_answer_is_kept_for_seconds(void **state)
{
	struct place *p = *state;

	assert_true(same_again(p, "style.css", 1000, answers_get(p->a, "style.css", 1000)));
	assert_true(same_again(p, "style.css", 1004, answers_get(p->a, "style.css", 1000)));
	assert_false(same_again(p, "style.css", 1005, answers_get(p->a, "style.css", 1000)));
	assert_false(same_again(p, "style.css", 999, answers_get(p->a, "style.css", 1005)));
	assert_false(same_again(p, "page.js", 999, answers_get(p->a, "style.css", 999)));
}

static void what_is_not_found_is_not_kept(void **state)
{
	struct place *p = *state;
	struct document *d = answers_get(p->a, "nope.html", 1000);

	assert_int_equal(d->status, 404);
	assert_string_equal(d->etag, "");
	assert_false(same_again(p, "nope.html", 1000, d));
	d = answers_get(p->a, "index.html", 1000);
	assert_int_equal(d->status, 503);
	assert_false(same_again(p, "index.html", 1000, d));
}

/* A database that is younger than the clock can tell apart keeps nothing. */
static void a_database_that_changes_is_seen(void **state)
{
	struct place *p = *state;
	struct timespec times[2] = { { .tv_sec = 500 }, { .tv_sec = 500 } };
	struct document *d = answers_get(p->a, "style.css", 1000);
	FILE *f = fopen(p->file, "w");

	assert_non_null(f);
	fclose(f);
	assert_int_equal(utimensat(AT_FDCWD, p->file, times, 0), 0);
	assert_false(same_again(p, "style.css", 1000, d));
	assert_true(same_again(p, "style.css", 1000, answers_get(p->a, "style.css", 1000)));
	d = answers_get(p->a, "style.css", 1000);
	times[1].tv_nsec = 1;
	assert_int_equal(utimensat(AT_FDCWD, p->file, times, 0), 0);
	assert_false(same_again(p, "style.css", 1000, d));
	times[1].tv_sec = INT32_MAX; /* yet to come */
	assert_int_equal(utimensat(AT_FDCWD, p->file, times, 0), 0);
	assert_false(same_again(p, "style.css", 1000, answers_get(p->a, "style.css", 1000)));
}

/* A reader that is slow has its page still when all are forgotten. */
static void a_document_outlives_the_answers(void **state)
{
	struct place *p = *state;
	struct document *d = answers_get(p->a, "style.css", 1000);

	answers_free(p->a);
	p->a = NULL;
	assert_int_equal(strlen(d->body), d->len);
	assert_int_equal(d->refs, 1);
	document_release(d);
}

static void etags(void **state)
{
	struct reply r = { .status = 200, .type = "text/plain" };
	char list[128];
	struct document *d, *other;

	(void)state;
	r.body = strdup("one");
	r.len = 3;
	d = document_new(&r, "no-cache");
	assert_null(r.body);
	r.body = strdup("two");
	other = document_new(&r, "no-cache");
	assert_string_not_equal(d->etag, other->etag);
	snprintf(list, sizeof(list), "\"x\" ,W/%s", d->etag);
	assert_true(document_is_known(d, d->etag));
	assert_true(document_is_known(d, list));
	assert_true(document_is_known(d, "*"));
	assert_false(document_is_known(d, NULL));
	assert_false(document_is_known(d, ""));
	assert_false(document_is_known(d, ", ,\"x\""));
	assert_false(document_is_known(d, other->etag));
	document_release(other);
	document_release(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_is_kept_for_seconds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_found_is_not_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_database_that_changes_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_document_outlives_the_answers, set_up, tear_down),
		cmocka_unit_test(etags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
