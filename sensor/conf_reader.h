/* conf_reader.h - what the parts of the reader of mailseal.yaml share: errors and shapes.
 *
 * Only conf*.c includes this. Every function that returns false has written the error: one line,
 * whatever the file held.
 */
#ifndef MAILSEAL_CONF_READER_H
#define MAILSEAL_CONF_READER_H

#include "sensor/conf_table.h"
#include "sensor/conf_yaml.h"

#define CONF_KEY_MAX 128
#define CONF_WHY_MAX 512

struct conf_reader {
	const char *path;
	char *err;
	size_t errlen;
	struct conf *conf;
};

/* Writes "FILE:LINE: KEY: what is wrong"; false, for the caller to return. */
bool conf_fail(struct conf_reader *r, unsigned line, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* "section.word" */
void conf_key_join(char out[CONF_KEY_MAX], const char *section, const char *word);

bool conf_expect(struct conf_reader *r, const struct ynode *n, enum ynode_kind kind,
		 const char *key);
/* A value that is there: "key:" alone and "key: ~" are not. */
bool conf_expect_value(struct conf_reader *r, const struct ynode *n, const char *key);
/* A section of which everything is commented out. */
bool conf_is_empty(const struct ynode *n);

/* Every key of a map is one of ours, and there once. */
bool conf_check_keys(struct conf_reader *r, const struct ynode *map, const char *section);

/* A single value, for the field of the option in base. */
bool conf_read_single(struct conf_reader *r, void *base, const struct conf_option *o,
		      const struct ynode *n);

/* Each item of a list of maps whose keys lie below key. */
typedef bool conf_read_item(struct conf_reader *r, const struct ynode *item);
bool conf_read_items(struct conf_reader *r, const struct ynode *n, const char *key,
		     conf_read_item *item);

#endif
