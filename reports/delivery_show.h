/* delivery_show.h - what targets were told, for people and for programs. */
#ifndef MAILSEAL_DELIVERY_SHOW_H
#define MAILSEAL_DELIVERY_SHOW_H

#include <stddef.h>
#include <stdio.h>

#include "reports/deliveries.h"
#include "reports/json_out.h"
#include "reports/text.h"

/* Deliveries as they are listed. */
struct delivery_rows {
	struct delivery_row *list; /* owned */
	size_t n, room;
};
void delivery_rows_fini(struct delivery_rows *rows);
bool delivery_rows_add(void *rows, const struct delivery_row *row); /* a delivery_list_cb */

/* The deliveries of an incident: a table. */
void delivery_table(FILE *out, const struct screen *s, const struct delivery_rows *rows);

/* The same as the values of an array, which the caller opens and ends. */
void delivery_json(struct json_out *j, const struct delivery_rows *rows);

#endif
