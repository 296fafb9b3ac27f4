/* incident_show.h - an incident for people and for programs. */
#ifndef MAILSEAL_INCIDENT_SHOW_H
#define MAILSEAL_INCIDENT_SHOW_H

#include <stddef.h>
#include <stdio.h>

#include "reports/incidents.h"
#include "reports/json_out.h"
#include "reports/record_read.h"
#include "reports/text.h"

/* A table of incidents, two lines for each. */
void incident_table(FILE *out, const struct screen *s, const struct incident *list, size_t n);

/* "not-offered 3, unknown 1"; "content 4"; empty where no session was counted. */
#define INCIDENT_WORDS_MAX 256
void incident_causes_text(const struct incident *i, char out[INCIDENT_WORDS_MAX]);
void incident_exposures_text(const struct incident *i, char out[INCIDENT_WORDS_MAX]);

/* Everything about one. */
void incident_page(FILE *out, const struct screen *s, const struct incident *i);

/* One record of its evidence, the number'th; or why it cannot be read. */
void incident_record(FILE *out, const struct screen *s, unsigned number, const struct record *r);
void incident_no_record(FILE *out, const struct screen *s, unsigned number, const char *why);

/* The keys of one; the caller opens and ends the object. */
void incident_json(struct json_out *j, const struct incident *i);

/* One record of its evidence, with or without its line end, as it is; null when it is none, for
 * anything else would break the document. */
void incident_record_json(struct json_out *j, const char *line);

#endif
