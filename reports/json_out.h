/* json_out.h - writes JSON to a stream, for people and programs alike.
 *
 * Objects and arrays nest up to JSON_DEPTH; the outer two levels take a line for each value, the
 * inner ones stay on one line. Strings are escaped to ASCII; bytes that are not UTF-8 become
 * U+FFFD. The caller keeps keys apart; write errors are left in the stream.
 */
#ifndef MAILSEAL_JSON_OUT_H
#define MAILSEAL_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 8

struct json_out {
	FILE *out;
	unsigned lines; /* values of this depth and above have a line of their own */
	unsigned depth;
	bool filled[JSON_DEPTH + 1];
};

void json_init(struct json_out *j, FILE *out);
/* The same for a document that is one line. */
void json_init_line(struct json_out *j, FILE *out);

/* key is NULL in arrays and at the top. */
void json_object(struct json_out *j, const char *key);
void json_object_end(struct json_out *j);
void json_array(struct json_out *j, const char *key);
void json_array_end(struct json_out *j);

void json_text(struct json_out *j, const char *key, const char *value); /* NULL: null */
void json_uint(struct json_out *j, const char *key, uint64_t value);
void json_bool(struct json_out *j, const char *key, bool value);
void json_null(struct json_out *j, const char *key);
/* A share; 15 digits, so that one below 1 never reads 1. */
void json_real(struct json_out *j, const char *key, double value);
/* value is JSON already. */
void json_raw(struct json_out *j, const char *key, const char *value);

#endif
