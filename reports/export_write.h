/* export_write.h - the rows of an export as CSV or JSON, one after the other.
 *
 * A row is a step: begin, length, how much of it the sensor saw, whose numbers they are, and the
 * numbers. Keeps no row. Write errors are left in the stream.
 */
#ifndef MAILSEAL_EXPORT_WRITE_H
#define MAILSEAL_EXPORT_WRITE_H

#include "reports/export_series.h"
#include "reports/json_out.h"
#include "reports/ledger.h"
#include "reports/period.h"

struct export_head {
	enum series_of of;
	bool sum;                           /* rows have no pair */
	int service;                        /* asked for; -1: all */
	const char *client, *server, *peer; /* asked for; empty: any */
	bool promised;
	enum resolution resolution;
	struct period period; /* of the rows */
	int64_t ledger_end;
	struct series_wanted series;
};

struct export_writer {
	struct json_out json;
	FILE *out;
	bool as_json;
	struct export_head head;
	int64_t begin; /* whose text is kept */
	char begin_text[UTC_TEXT_MAX];
};

struct export_row {
	int64_t begin, seen_s;
	int service;                       /* of a pair or a sum; -1: of none */
	const char *client, *server;       /* of a pair; NULL: of none */
	bool promised;                     /* of a pair */
	const struct series_value *values; /* of every series; NULL: the sensor did not run */
};

void export_begin(struct export_writer *w, const struct export_head *head, bool as_json, FILE *out);
void export_row(struct export_writer *w, const struct export_row *r);
void export_end(struct export_writer *w);

#endif
