/* capture_process.c - the process that reads packets. */
#include "sensor/capture_process.h"

#include <stdio.h>
#include <unistd.h>

#include "reports/privileges.h"
#include "sensor/capture.h"
#include "sensor/channel.h"
#include "sensor/confine.h"
#include "sensor/workers.h"

static bool drop_capture_privileges(const struct run *r, char *err, size_t errlen)
{
	uid_t uid = 0;
	gid_t gid = 0;
	bool root = geteuid() == 0;

	if (root && !privileges_find_user(r->conf->user, "nobody", &uid, &gid)) {
		snprintf(err, errlen, "there is neither a user %s nor nobody to run as",
			 r->conf->user);
		return false;
	}
	return privileges_drop(root, uid, gid, GROUPS_NONE, err, errlen);
}

static bool wait_for_go(const struct run *r)
{
	char byte;

	return read(r->order_read, &byte, 1) == 1;
}

/* From here on there is nothing but the channel to write to. */
static void close_output(void)
{
	close(STDOUT_FILENO);
#if !defined(WITH_SANITIZERS) && !defined(WITHOUT_CONFINEMENT) /* these have something to say */
	close(STDERR_FILENO);
#endif
}

/* Opens the inputs once for each worker. What may keep us waiting can be read only once: *n is 1 then.
 * EXIT_DONE, or the exit code with one line in err. */
static int open_captures(const struct run *r, const struct conf *conf, struct capture **captures,
			 unsigned *n, char *err, size_t errlen)
{
	const struct capture_options options = {
		.names = r->o->inputs,
		.names_n = r->o->inputs_n,
		.live = r->o->live,
		.shared = *n > 1,
		.kernel_filter = !r->any,
		.filter = r->o->filter,
		.conf = conf,
	};
	int code;

	for (unsigned i = 0; i < *n; i++) {
		captures[i] = capture_open(&options, &code, err, errlen);
		if (!captures[i])
			return code;
		if (!r->o->live && capture_may_wait(captures[i]))
			*n = 1;
	}
	if (r->o->live && *n > 1 && !capture_share(captures, *n, err, errlen))
		return EXIT_FAILED;
	return EXIT_DONE;
}

/* Drops its privileges, then makes its threads, which have none either, and confines all of them. */
static bool start_confined(const struct run *r, struct workers *workers, char *err, size_t errlen)
{
	return drop_capture_privileges(r, err, errlen) && workers_start(workers, err, errlen) &&
	       confine_capture(r->channel_write, err, errlen);
}

int capture_process(const struct run *r)
{
	struct channel channel = { .fd = r->channel_write, .wait = !r->o->live };
	struct capture *captures[CONF_WORKERS_MAX];
	struct workers_options options = {
		.n = r->o->workers ? r->o->workers : r->conf->workers,
		.captures = captures,
		.channel = &channel,
		.live = r->o->live,
		.any = r->any,
		.progress = r->progress,
	};
	struct conf conf;
	struct workers *workers;
	char err[1024];
	int code;

	workers_divide(r->conf, options.n, r->o->live, &conf);
	code = open_captures(r, &conf, captures, &options.n, err, sizeof(err));
	if (code != EXIT_DONE)
		return process_say(code, err);
	if (options.n == 1)
		conf = *r->conf;
	options.conf = &conf;
	workers = workers_new(&options);
	if (!workers)
		return process_say(EXIT_FAILED,
				   "no memory for the flow table; see capture.max_flows");
	if (write(r->ready_write, "r", 1) != 1 || !wait_for_go(r))
		return EXIT_FAILED;
	close(r->ready_write);
	if (!start_confined(r, workers, err, sizeof(err)))
		return process_say(EXIT_FAILED, err);
	close_output();
	/* What it holds goes with the process, which is quicker and asks the filter for nothing. */
	return workers_run(workers, r->order_read) ? EXIT_DONE : EXIT_FAILED;
}
