/* still_dir.h - a folder of files that are made again and again.
 *
 * .mailseal-html in it lists what was put there. Only what it lists, and what has the shape of an
 * address of the site, is ever removed; a folder that has other things and no list is refused. A
 * file is written beside and renamed, so that a reader sees the old one or the new one, and one that
 * would be the same is left alone. Nothing is followed out of the folder by a symbolic link.
 */
#ifndef MAILSEAL_STILL_DIR_H
#define MAILSEAL_STILL_DIR_H

#include <stdbool.h>
#include <stddef.h>

struct still_dir;

/* Makes the folder when it is missing (its parent must be there), and locks it. not: a directory that
 * it must not be. NULL with a sentence in err. */
struct still_dir *still_dir_open(const char *path, const char * not, char *err, size_t errlen);
void still_dir_close(struct still_dir *d); /* NULL is allowed */

/* path is an address of the site. False with a sentence in err, which names the path; then the file
 * is as it was. *written: it was not the same already. */
bool still_dir_put(struct still_dir *d, const char *path, const void *body, size_t len,
		   bool *written, char *err, size_t errlen);
/* The file that is there stays, if there is one. */
void still_dir_keep(struct still_dir *d, const char *path);

/* Removes what was there before and was neither put nor kept since; *removed receives how many.
 * False with err. */
bool still_dir_finish(struct still_dir *d, size_t *removed, char *err, size_t errlen);

#endif
