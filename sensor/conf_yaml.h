/* conf_yaml.h - a YAML file as a small tree that knows its lines.
 *
 * The only place that knows libyaml. A configuration needs lists, maps and scalars: anchors,
 * aliases, tags and several documents are refused, and so is whatever could make a small file
 * large in memory. The text of a scalar is UTF-8 without control characters.
 */
#ifndef MAILSEAL_CONF_YAML_H
#define MAILSEAL_CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_BYTES_MAX (4u << 20)
#define YAML_DEPTH_MAX 8
#define YAML_NODES_MAX 400000

enum ynode_kind { YNODE_SCALAR, YNODE_LIST, YNODE_MAP };

/* A list has its items as children; a map has its keys, each with its value. */
struct ynode {
	enum ynode_kind kind;
	bool plain;    /* a scalar without quotes */
	unsigned line; /* 1 is the first */
	char *text;    /* of a scalar */
	struct ynode *first, *last, *next;
	struct ynode *value; /* of a key */
};

struct ydoc;

/* Reads a file. NULL with one line in err: "FILE:LINE: bad YAML: ...", or "FILE: ..." when it
 * cannot be read, is larger than YAML_BYTES_MAX or is not UTF-8. */
struct ydoc *ydoc_read(const char *path, char *err, size_t errlen);
void ydoc_free(struct ydoc *d);

/* The top of the tree; NULL when the file holds nothing but comments. */
const struct ynode *ydoc_root(const struct ydoc *d);

/* The value of a key in a map; NULL when it is not there. */
const struct ynode *ynode_get(const struct ynode *map, const char *key);

#endif
