/* still.h - the site as static files in a folder, for any web server. */
#ifndef MAILSEAL_STILL_H
#define MAILSEAL_STILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/site.h"

struct still_done {
	size_t files;   /* that are there now */
	size_t written; /* of these, new or changed */
	size_t removed;
	size_t failed; /* pages that could not be made; what was there of them stays */
};

/* What happens on the way; each is called with ctx. */
struct still_watch {
	void (*failed)(void *ctx, const char *path);          /* a page that could not be made */
	void (*progress)(void *ctx, size_t done, size_t all); /* files; all may grow */
	void *ctx;
};

/* Makes everything that site_paths() names, and everything that a page made links to. False with a
 * sentence in err: it could not go on, and what was not written is as it was. */
bool still_make(struct site *s, const char *folder, int64_t now, const struct still_watch *watch,
		struct still_done *done, char *err, size_t errlen);

#endif
