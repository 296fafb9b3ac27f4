/* main.c - mailseald: reads options and configuration, and parts into two processes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/capture_process.h"
#include "sensor/channel.h"
#include "sensor/memory.h"
#include "sensor/recorder_process.h"
#include "sensor/self_test.h"

#define CHANNEL_BYTES (1u << 20)

/* Parting ------------------------------------------------------------------------------------ */

static bool make_pipes(struct run *r)
{
	int ready[2], order[2];

	if (!channel_open(&r->channel_read, &r->channel_write, CHANNEL_BYTES) ||
	    pipe2(ready, O_CLOEXEC) != 0 || pipe2(order, O_CLOEXEC) != 0)
		return false;
	r->ready_read = ready[0];
	r->ready_write = ready[1];
	r->order_read = order[0];
	r->order_write = order[1];
	return true;
}

static int part(struct run *r)
{
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN); /* until the recorder can answer them */
	if (r->o->conf)
		signal(SIGHUP, SIG_IGN);
	if (!make_pipes(r) || (pid = fork()) < 0)
		return process_say(EXIT_FAILED, strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* until it has opened everything */
		signal(SIGINT, SIG_IGN);          /* the recorder tells when to stop */
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		close(r->channel_read);
		close(r->ready_read);
		close(r->order_write);
		return capture_process(r);
	}
	close(r->channel_write);
	close(r->ready_write);
	close(r->order_read);
	return recorder_process(r, pid);
}

/* Interfaces of the configuration stand in for -i. */
static void default_inputs(struct options *o, const struct conf *c)
{
	if (o->inputs_n > 0)
		return;
	o->live = true;
	for (unsigned i = 0; i < c->interfaces_n; i++)
		o->inputs[o->inputs_n++] = c->interfaces[i];
}

/* Of a file; "-" is the descriptor. */
static bool file_of(const char *name, int dash, struct stat *out)
{
	return (strcmp(name, "-") == 0 ? fstat(dash, out) : stat(name, out)) == 0 &&
	       S_ISREG(out->st_mode);
}

/* What is read and would be written over by --sessions; NULL: nothing. */
static const char *written_over(const struct options *o)
{
	struct stat out, in;

	if (!o->sessions || !file_of(o->sessions, STDOUT_FILENO, &out))
		return NULL;
	for (unsigned i = 0; i <= o->inputs_n; i++) {
		const char *name = i == o->inputs_n ? o->conf : o->live ? NULL : o->inputs[i];

		if (name && file_of(name, STDIN_FILENO, &in) && in.st_dev == out.st_dev &&
		    in.st_ino == out.st_ino)
			return name;
	}
	return NULL;
}

static int nothing_to_read(const struct options *o)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "nothing to read: name interfaces as capture.interfaces in %.800s, or with -i, or "
		 "files with -r",
		 o->conf ? o->conf : "a configuration (-c)");
	return process_say(EXIT_USAGE, text);
}

static int run(struct options *o, struct conf *c, struct self_test *t)
{
	struct run r = { .o = o, .conf = c, .self_test = t };
	enum capture_mode mode = o->mode != MODE_DEFAULT ? o->mode : c->mode;
	const char *over;
	char err[1024];

	default_inputs(o, c);
	if (o->inputs_n == 0)
		return nothing_to_read(o);
	over = written_over(o);
	if (over) {
		snprintf(err, sizeof(err), "--sessions would write over %s, which is read", over);
		return process_say(EXIT_USAGE, err);
	}
	if (!o->filter && c->filter[0])
		o->filter = c->filter;
	r.any = mode == MODE_ANY || (mode == MODE_DEFAULT && !o->live);
	r.progress = !o->live && !o->quiet && isatty(STDERR_FILENO);
	return part(&r);
}

/* As any file, of peers that it knows, and told in one line. */
static int self_test(struct options *o)
{
	char err[256];
	struct self_test *t = self_test_new(err, sizeof(err));
	struct conf *c;
	int code;

	if (!t)
		return process_say(EXIT_FAILED, err);
	c = self_test_conf();
	o->inputs[o->inputs_n++] = self_test_input(t);
	o->quiet = true;
	code = run(o, c, t);
	conf_free(c);
	self_test_free(t);
	return code;
}

/* As it would run without -r. */
static void print_check(const struct options *o, const struct conf *c)
{
	unsigned interfaces = o->inputs_n ? o->inputs_n : c->interfaces_n;
	struct memory m = memory_most(c, o->workers ? o->workers : c->workers,
				      interfaces ? interfaces : 1, true);
	unsigned long capture = memory_mib(m.capture), recorder = memory_mib(m.recorder);

	printf("%s: ok\n", o->conf ? o->conf : "built-in defaults");
	printf("memory at most %lu MiB: capture %lu MiB, recorder %lu MiB\n", capture + recorder,
	       capture, recorder);
	if (!interfaces)
		puts("capture.interfaces is empty: to capture, it or -i has to name one");
}

static int act(struct options *o)
{
	char err[1024];
	struct conf *c = o->conf ? conf_read(o->conf, err, sizeof(err)) : conf_default();
	int code = EXIT_DONE;

	if (!c)
		return process_say(EXIT_USAGE, o->conf ? err : "out of memory");
	if (o->action == ACTION_PRINT)
		conf_print(c, false, stdout);
	else if (o->action == ACTION_CHECK)
		print_check(o, c);
	else
		code = run(o, c, NULL);
	conf_free(c);
	return code;
}

int main(int argc, char **argv)
{
	struct options o;
	char err[512];

	if (!options_read(argc, argv, &o, err, sizeof(err)))
		return process_say(EXIT_USAGE, err);
	if (o.action == ACTION_HELP)
		return fputs(options_help, stdout) < 0;
	if (o.action == ACTION_VERSION)
		return printf("mailseald %s\n", PACKAGE_VERSION) < 0;
	if (o.action == ACTION_SELF_TEST)
		return self_test(&o);
	return act(&o);
}
