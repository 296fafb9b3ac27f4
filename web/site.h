/* site.h - answers one path of the site from a state directory.
 *
 * The server and the static files are made of the same answers. The directory is opened for each
 * answer, so that one that is made, mended or moved while the server runs is seen.
 */
#ifndef MAILSEAL_SITE_H
#define MAILSEAL_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lines;
struct drawer;

struct site {
	const char *dir;
	struct lines *lines;   /* owned by the caller; what the session log says */
	struct drawer *drawer; /* owned by the caller; draws the graphs */
	bool still;            /* static files are made */
};

struct reply {
	unsigned status;  /* of HTTP: 200, 404, 503 */
	const char *type; /* media type; static */
	char *body;       /* owned; free() */
	size_t len;
};

/* path has no leading slash; now: seconds, UTC. Always fills out, if only with a page that says what
 * is wrong. */
void site_answer(struct site *s, const char *path, int64_t now, struct reply *out);

/* Every path that the site has now, for static files; pictures come behind the pages. False with a
 * sentence in err when the state directory cannot be read. The callback returns false to stop. */
typedef bool site_path_cb(void *ctx, const char *path);
bool site_paths(struct site *s, int64_t now, site_path_cb *cb, void *ctx, char *err, size_t errlen);

#endif
