/* conf_yaml.c - a YAML file as a small tree that knows its lines. */
#include "sensor/conf_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <yaml.h>

struct ydoc {
	struct ynode *root;
};

/* A list or map whose end has not come yet. */
struct level {
	struct ynode *node;
	struct ynode *key; /* of a map: waits for its value */
};

struct builder {
	const char *path;
	const char *text; /* the file */
	char *err;
	size_t errlen;
	struct ynode *root;
	struct level stack[YAML_DEPTH_MAX];
	unsigned depth;
	unsigned nodes;
	unsigned documents;
	bool ended;
};

/* Files -------------------------------------------------------------------------------------- */

static bool read_stream(FILE *f, const char *path, char *buf, size_t *len, char *err, size_t errlen)
{
	struct stat st;

	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		snprintf(err, errlen, "%s: is a directory", path);
		return false;
	}
	*len = fread(buf, 1, YAML_BYTES_MAX + 1, f);
	if (ferror(f)) {
		snprintf(err, errlen, "%s: cannot read: %s", path, strerror(errno));
		return false;
	}
	if (*len > YAML_BYTES_MAX) {
		snprintf(err, errlen, "%s: larger than %u bytes", path, YAML_BYTES_MAX);
		return false;
	}
	return true;
}

static char *read_file(const char *path, size_t *len, char *err, size_t errlen)
{
	FILE *f = fopen(path, "re");
	char *buf;

	if (!f) {
		snprintf(err, errlen, "%s: cannot open: %s", path, strerror(errno));
		return NULL;
	}
	buf = malloc(YAML_BYTES_MAX + 1);
	if (!buf)
		abort();
	if (!read_stream(f, path, buf, len, err, errlen)) {
		free(buf);
		buf = NULL;
	}
	fclose(f);
	return buf;
}

/* UTF-8 (RFC 3629) --------------------------------------------------------------------------- */

/* One character; returns its length in bytes, or 0 when it is malformed. */
static size_t utf8_char(const uint8_t *at, size_t len, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	uint32_t c = n < 2 ? at[0] : at[0] & (0xffu >> (n + 1));

	if (n == 0 || at[0] > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (at[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

static bool utf8_check(const char *path, const char *buf, size_t len, char *err, size_t errlen)
{
	unsigned line = 1;
	uint32_t c;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_char((const uint8_t *)buf + i, len - i, &c);
		if (n == 0) {
			snprintf(err, errlen, "%s:%u: not UTF-8", path, line);
			return false;
		}
		line += c == '\n';
	}
	return true;
}

/* Control characters, and what YAML takes for a line break. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfffe ||
	       c == 0xffff;
}

static bool text_is_clean(const char *text, size_t len)
{
	uint32_t c;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_char((const uint8_t *)text + i, len - i, &c);
		if (n == 0 || is_control(c))
			return false;
	}
	return true;
}

/* Tree --------------------------------------------------------------------------------------- */

static void ynode_free(struct ynode *n)
{
	while (n) { /* goes down at most YAML_DEPTH_MAX levels */
		struct ynode *next = n->next;

		ynode_free(n->first);
		ynode_free(n->value);
		free(n->text);
		free(n);
		n = next;
	}
}

static bool build_fail(struct builder *b, unsigned line, const char *what)
{
	snprintf(b->err, b->errlen, "%s:%u: bad YAML: %s", b->path, line, what);
	return false;
}

static void append(struct ynode *parent, struct ynode *child)
{
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

static bool attach(struct builder *b, struct ynode *n)
{
	struct level *top;

	if (b->depth == 0) {
		b->root = n;
		return true;
	}
	top = &b->stack[b->depth - 1];
	if (top->node->kind == YNODE_LIST) {
		append(top->node, n);
	} else if (top->key) {
		top->key->value = n;
		top->key = NULL;
	} else {
		append(top->node, n);
		top->key = n;
		if (n->kind != YNODE_SCALAR)
			return build_fail(b, n->line, "a key must be a word");
	}
	return true;
}

static struct ynode *add_node(struct builder *b, enum ynode_kind kind, unsigned line)
{
	struct ynode *n;

	if (++b->nodes > YAML_NODES_MAX) {
		build_fail(b, line, "too many values");
		return NULL;
	}
	n = calloc(1, sizeof(*n));
	if (!n)
		abort();
	n->kind = kind;
	n->line = line;
	return attach(b, n) ? n : NULL; /* attached in any case, so the tree owns it */
}

static bool on_open(struct builder *b, enum ynode_kind kind, unsigned line)
{
	struct ynode *n;

	if (b->depth == YAML_DEPTH_MAX)
		return build_fail(b, line, "nested too deeply");
	n = add_node(b, kind, line);
	if (!n)
		return false;
	b->stack[b->depth++] = (struct level){ .node = n };
	return true;
}

static bool on_scalar(struct builder *b, const yaml_event_t *ev, unsigned line)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct ynode *n = add_node(b, YNODE_SCALAR, line);

	if (!n)
		return false;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (!text_is_clean(text, len))
		return build_fail(b, line, "a control character or line break in a value");
	n->text = strndup(text, len);
	if (!n->text)
		abort();
	return true;
}

static bool refuse_marks(struct builder *b, const yaml_char_t *anchor, const yaml_char_t *tag,
			 unsigned line)
{
	if (anchor)
		return build_fail(b, line, "anchors and aliases are not used here");
	if (tag)
		return build_fail(b, line, "tags are not used here");
	return true;
}

static bool on_event(struct builder *b, const yaml_event_t *ev)
{
	unsigned line = (unsigned)ev->start_mark.line + 1;

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return ++b->documents == 1 || build_fail(b, line, "more than one document");
	case YAML_ALIAS_EVENT: return build_fail(b, line, "anchors and aliases are not used here");
	case YAML_SCALAR_EVENT:
		return refuse_marks(b, ev->data.scalar.anchor, ev->data.scalar.tag, line) &&
		       on_scalar(b, ev, line);
	case YAML_SEQUENCE_START_EVENT:
		return refuse_marks(b, ev->data.sequence_start.anchor, ev->data.sequence_start.tag,
				    line) &&
		       on_open(b, YNODE_LIST, line);
	case YAML_MAPPING_START_EVENT:
		return refuse_marks(b, ev->data.mapping_start.anchor, ev->data.mapping_start.tag,
				    line) &&
		       on_open(b, YNODE_MAP, line);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: b->depth--; return true;
	case YAML_STREAM_END_EVENT: b->ended = true; return true;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT: return true;
	}
	return true;
}

/* libyaml gives a place in bytes for characters it cannot take, a mark for everything else. */
static unsigned problem_line(const struct builder *b, const yaml_parser_t *parser)
{
	unsigned line = 1;

	if (parser->error != YAML_READER_ERROR)
		return (unsigned)parser->problem_mark.line + 1;
	for (size_t i = 0; i < parser->problem_offset; i++)
		line += b->text[i] == '\n';
	return line;
}

static bool next_event(struct builder *b, yaml_parser_t *parser)
{
	yaml_event_t ev;
	bool ok;

	if (!yaml_parser_parse(parser, &ev))
		return build_fail(b, problem_line(b, parser),
				  parser->problem ? parser->problem : "not understood");
	ok = on_event(b, &ev);
	yaml_event_delete(&ev);
	return ok;
}

static bool build(struct builder *b, const char *buf, size_t len)
{
	yaml_parser_t parser;
	bool ok = true;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)buf, len);
	while (ok && !b->ended)
		ok = next_event(b, &parser);
	yaml_parser_delete(&parser);
	return ok;
}

struct ydoc *ydoc_read(const char *path, char *err, size_t errlen)
{
	struct builder b = { .path = path, .err = err, .errlen = errlen };
	size_t len;
	char *buf = read_file(path, &len, err, errlen);
	struct ydoc *d;
	bool ok;

	if (!buf)
		return NULL;
	b.text = buf;
	ok = utf8_check(path, buf, len, err, errlen) && build(&b, buf, len);
	free(buf);
	if (!ok) {
		ynode_free(b.root);
		return NULL;
	}
	d = malloc(sizeof(*d));
	if (!d)
		abort();
	d->root = b.root;
	return d;
}

void ydoc_free(struct ydoc *d)
{
	if (!d)
		return;
	ynode_free(d->root);
	free(d);
}

const struct ynode *ydoc_root(const struct ydoc *d)
{
	return d->root;
}

const struct ynode *ynode_get(const struct ynode *map, const char *key)
{
	for (const struct ynode *k = map->first; k; k = k->next) {
		if (strcmp(k->text, key) == 0)
			return k->value;
	}
	return NULL;
}
