/* cmd_test_alert.c - mailseal test-alert: does every target take an alert? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reports/deadline.h"
#include "reports/deliveries.h"
#include "reports/json_out.h"
#include "reports/statedir.h"
#include "reports/text.h"
#include "reports/tool.h"

#define TIMEOUT_DEFAULT_S 30
#define TIMEOUT_MAX_S     3600
#define POLL_MS           100

enum { O_TARGET, O_TIMEOUT, O_JSON, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_TARGET] = { "target", "NAME", "test this target only" },
	[O_TIMEOUT] = { "timeout", "SECONDS", "wait so long for the answers (default 30)" },
	[O_JSON] = { "json", NULL, "print JSON" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "test-alert",
	.synopsis = "[--target NAME] [--timeout SECONDS] [--json] [--state DIR]",
	.brief = "send a test to every target, and say what each answered",
	.summary =
		"Has the mailseald that runs on the state directory send an alert that is marked "
		"as a test to every target, and prints what each answered. Exit status 0 means "
		"that all of them took it.",
	.opts = opts,
	.n = O_N,
};

struct asked {
	const char *dir, *target; /* target NULL: all */
	int64_t timeout_s;
	bool json;
};

/* A target and what became of the test there. */
struct outcome {
	char name[TARGET_NAME_MAX + 1];
	bool known; /* there is a delivery */
	enum delivery_state state;
	char answer[SINK_ANSWER_MAX + 1];
};

struct outcomes {
	const char *only; /* the target, or NULL for all */
	struct outcome *list;
	size_t n;
};

/* -1, or the exit code. */
static int read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	int what;

	while ((what = opts_next(&o)) != OPTS_END) {
		if (what == O_TARGET)
			a->target = o.value;
		else if (what == O_JSON)
			a->json = true;
		else if (what == O_STATE)
			a->dir = o.value;
		else if (what != O_TIMEOUT)
			return tool_stop(&o, what);
		else if (!tool_number(o.value, 4, &a->timeout_s) || a->timeout_s > TIMEOUT_MAX_S)
			return tool_usage(&usage, "--timeout is a number of seconds, 1 to 3600");
	}
	return -1;
}

/* Targets ------------------------------------------------------------------------------------- */

static bool on_target(void *ctx, const char *name, int64_t last_event)
{
	struct outcomes *all = ctx;

	(void)last_event;
	if (all->only && strcmp(all->only, name) != 0)
		return true;
	all->list = reallocarray(all->list, all->n + 1, sizeof(*all->list));
	if (!all->list)
		abort();
	all->list[all->n] = (struct outcome){ 0 };
	snprintf(all->list[all->n].name, sizeof(all->list[0].name), "%s", name);
	all->n++;
	return true;
}

static bool on_delivery(void *ctx, const struct delivery_row *row)
{
	struct outcomes *all = ctx;

	for (size_t i = 0; i < all->n; i++) {
		struct outcome *o = &all->list[i];

		if (strcmp(o->name, row->target) != 0)
			continue;
		o->known = true;
		o->state = row->state;
		memcpy(o->answer, row->answer, sizeof(o->answer));
	}
	return true;
}

static bool is_over(const struct outcome *o)
{
	return o->known && o->state != DELIVERY_WAITING;
}

static size_t count(const struct outcomes *all, bool (*is)(const struct outcome *))
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += is(&all->list[i]);
	return n;
}

static bool is_taken(const struct outcome *o)
{
	return o->known && o->state == DELIVERY_SENT;
}

/* Waiting ------------------------------------------------------------------------------------- */

/* Until every target has an outcome, or the time is over. */
static bool wait_for(const struct asked *a, int64_t event, struct outcomes *all, char *err,
		     size_t errlen)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	int64_t end = steady_ms() + a->timeout_s * 1000;

	for (;;) {
		if (!deliveries_list(a->dir, 0, event, on_delivery, all, err, errlen))
			return false;
		if (count(all, is_over) == all->n || steady_ms() >= end)
			return true;
		nanosleep(&pause, NULL);
	}
}

/* Printing ------------------------------------------------------------------------------------ */

static void print_lines(const struct outcomes *all, int64_t timeout_s)
{
	struct screen s = screen_of(stdout);
	int width = 0;

	for (size_t i = 0; i < all->n; i++) {
		if ((int)strlen(all->list[i].name) > width)
			width = (int)strlen(all->list[i].name);
	}
	for (size_t i = 0; i < all->n; i++) {
		const struct outcome *o = &all->list[i];
		enum tone tone = is_taken(o) ? TONE_GOOD : TONE_BAD;
		char name[4 * sizeof(o->name)], answer[4 * sizeof(o->answer)], late[48];

		text_safe(o->name, s.utf8, name, sizeof(name));
		text_safe(o->answer, s.utf8, answer, sizeof(answer));
		snprintf(late, sizeof(late), "no outcome within %d s", (int)timeout_s);
		printf("%-*s  %s%s%s%s%s\n", width, name, tone_on(&s, tone),
		       is_over(o) ? delivery_state_name(o->state) : late, tone_off(&s, tone),
		       answer[0] ? ": " : "", answer);
	}
}

static void print_json(const struct outcomes *all, int64_t event)
{
	struct json_out j;

	json_init(&j, stdout);
	json_object(&j, NULL);
	json_uint(&j, "version", 1);
	json_uint(&j, "event", (uint64_t)event);
	json_array(&j, "targets");
	for (size_t i = 0; i < all->n; i++) {
		const struct outcome *o = &all->list[i];

		json_object(&j, NULL);
		json_text(&j, "target", o->name);
		json_text(&j, "state", o->known ? delivery_state_name(o->state) : NULL);
		json_text(&j, "answer", o->answer[0] ? o->answer : NULL);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
}

/* The command --------------------------------------------------------------------------------- */

static bool ask(const struct asked *a, struct outcomes *all, int64_t *event, char *err,
		size_t errlen)
{
	if (!statedir_in_use(a->dir)) {
		snprintf(err, errlen,
			 "no mailseald runs on this state directory: nobody would send a test");
		return false;
	}
	return incident_test_request(a->dir, a->target, time(NULL), event, err, errlen) &&
	       deliveries_each_target(a->dir, on_target, all, err, errlen) &&
	       wait_for(a, *event, all, err, errlen);
}

static int answer(const struct asked *a, const struct outcomes *all, int64_t event)
{
	size_t missing = all->n - count(all, is_taken);
	int code;

	if (a->json)
		print_json(all, event);
	else
		print_lines(all, a->timeout_s);
	code = tool_flush(usage.command);
	if (missing == 0)
		return code;
	tool_error(usage.command, "%zu of %zu targets did not take it%s", missing, all->n,
		   statedir_in_use(a->dir) ? "" : ": mailseald has ended");
	return TOOL_FAILED;
}

static int run(int argc, char **argv)
{
	struct asked a = { .dir = TOOL_STATE_DIR, .timeout_s = TIMEOUT_DEFAULT_S };
	int code = read_options(&a, argc, argv);
	struct outcomes all = { 0 };
	char err[TOOL_ERR_MAX] = "";
	int64_t event = 0;

	if (code >= 0)
		return code;
	if (!tool_has_incidents(usage.command, a.dir))
		return TOOL_FAILED;
	all.only = a.target;
	if (ask(&a, &all, &event, err, sizeof(err))) {
		code = answer(&a, &all, event);
	} else {
		tool_error(usage.command, "%.200s: %s", a.dir, err);
		code = TOOL_FAILED;
	}
	free(all.list);
	return code;
}

const struct tool_command cmd_test_alert = { &usage, run };
