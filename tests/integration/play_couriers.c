/* play_couriers.c - a mailseald of which nothing is there but its lock and its couriers.
 *
 * play_couriers DIR NAME=taken|refused|never ...: until standard input ends, each target gives that
 * answer to whatever it is told; one that never answers hangs in its first attempt.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reports/deliveries.h"
#include "reports/statedir.h"

#define TARGETS 4

struct player {
	struct target target;
	struct deliveries *d;
	const char *answers; /* "taken" */
	bool hangs;
};

static char err[512];

static void must(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "play_couriers: %s\n", err);
	exit(1);
}

static void answer(struct player *p, const struct delivery *del)
{
	bool taken = strcmp(p->answers, "taken") == 0;
	enum delivery_state state;
	unsigned given_up;

	must(deliveries_record(p->d, del, taken ? SINK_TAKEN : SINK_REFUSED,
			       taken ? "HTTP 200" : "HTTP 404", time(NULL), &state, &given_up, err,
			       sizeof(err)));
}

/* True when there was something to tell. */
static bool play(struct player *p)
{
	struct delivery del;
	enum deliveries_next next = DELIVERIES_NONE;

	if (!p->hangs)
		next = deliveries_next(p->d, time(NULL), &del, err, sizeof(err));
	must(next != DELIVERIES_FAILED);
	if (next == DELIVERIES_NONE)
		return false;
	p->hangs = strcmp(p->answers, "never") == 0;
	if (!p->hangs)
		answer(p, &del);
	delivery_fini(&del);
	return true;
}

static void begin(struct player *p, const char *dir, char *word)
{
	char *answers = strchr(word, '=');

	must(answers != NULL);
	*answers = '\0';
	p->answers = answers + 1;
	target_init(&p->target, TARGET_WEBHOOK);
	snprintf(p->target.name, sizeof(p->target.name), "%s", word);
	p->hangs = false;
	p->d = deliveries_open(dir, &p->target, NULL, 0, err, sizeof(err));
	must(p->d != NULL);
	play(p); /* the target is known from then on */
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	struct player players[TARGETS];
	struct target targets[TARGETS];
	struct statedir *dir;
	int n = argc - 2;

	must(n > 0 && n <= TARGETS);
	dir = statedir_open(argv[1], err, sizeof(err));
	must(dir != NULL);
	for (int i = 0; i < n; i++) {
		begin(&players[i], argv[1], argv[2 + i]);
		targets[i] = players[i].target;
	}
	must(deliveries_targets(argv[1], targets, (size_t)n, err, sizeof(err)));
	puts("ready");
	fflush(stdout);
	while (poll(&in, 1, 20) == 0) {
		for (int i = 0; i < n; i++)
			play(&players[i]);
	}
	for (int i = 0; i < n; i++) {
		while (play(&players[i]))
			; /* what is due is told before the end */
		deliveries_close(players[i].d);
	}
	statedir_close(dir);
	return 0;
}
