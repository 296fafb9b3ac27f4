/* reload.c - the configuration file is read anew while the sensor runs. */
#include "sensor/reload.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sensor/log.h"

#define ERR_MAX 1024

/* It stands in quotes in the log, and must not end them. */
static void without_quotes(char *text)
{
	for (; *text; text++) {
		if (*text == '"')
			*text = '\'';
	}
}

static void say_failed(const char *path, char *err)
{
	bool hidden = access(path, R_OK) != 0 && errno == EACCES;

	without_quotes(err);
	log_event(LOG_LEVEL_ERROR,
		  "event=reload-failed why=\"%s%s; the configuration stays as it was\"", err,
		  hidden ? " (as the user that the sensor runs as)" : "");
}

static bool has_peer(const struct peers *p, const char *name)
{
	for (int i = 0; (size_t)i < peers_count(p); i++) {
		if (strcmp(peers_name(p, i), name) == 0)
			return true;
	}
	return false;
}

/* Peers of one that the other has not. */
static unsigned missing(const struct peers *one, const struct peers *other)
{
	unsigned n = 0;

	for (int i = 0; (size_t)i < peers_count(one); i++)
		n += !has_peer(other, peers_name(one, i));
	return n;
}

struct change {
	unsigned new, gone; /* peers */
};

static void say_done(const struct conf *c, const struct change *change, unsigned left,
		     const char *keys)
{
	log_event(LOG_LEVEL_INFO,
		  "event=reloaded peers=%zu new=%u gone=%u rules=%zu targets=%zu maintenance=%zu",
		  peers_count(c->peers), change->new, change->gone, c->rules_n, c->targets_n,
		  c->maintenance_n);
	if (left > 0)
		log_event(LOG_LEVEL_WARNING,
			  "event=not-reloaded keys=\"%s\" why=\"takes effect with the next start\"",
			  keys);
}

void reload(const char *path, const struct conf *first, struct recorder *r, struct couriers *co)
{
	char err[ERR_MAX], keys[ERR_MAX];
	const struct peers *before = recorder_conf(r)->peers;
	struct conf *next = conf_read(path, err, sizeof(err));
	struct change change;
	unsigned left;

	if (!next) {
		say_failed(path, err);
		return;
	}
	left = conf_take(first, next, keys, sizeof(keys));
	change = (struct change){ missing(next->peers, before), missing(before, next->peers) };
	if (!recorder_reload(r, next, err, sizeof(err))) {
		say_failed(path, err);
		conf_free(next);
		return;
	}
	couriers_reload(co, next);
	say_done(next, &change, left, keys);
}
