/* assets.h - the files that pages need beside them; they are part of the program. */
#ifndef MAILSEAL_ASSETS_H
#define MAILSEAL_ASSETS_H

struct asset {
	const char *name; /* "style.css" */
	const char *type; /* media type */
	const char *text;
};

/* NULL when there is none of that name. */
const struct asset *asset_find(const char *name);

#endif
