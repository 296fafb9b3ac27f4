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

/* A page that could not be made, and why. */
typedef void still_warn_cb(void *ctx, const char *path, const char *why);

/* Makes everything that site_paths() names, and everything that a page made links to. False with a
 * sentence in err: it could not go on, and what was not written is as it was. */
bool still_make(struct site *s, const char *folder, int64_t now, still_warn_cb *warn, void *ctx,
		struct still_done *done, char *err, size_t errlen);

#endif
