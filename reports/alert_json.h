/* alert_json.h - an alert as one JSON object: for webhooks and programs. */
#ifndef MAILSEAL_ALERT_JSON_H
#define MAILSEAL_ALERT_JSON_H

#include "reports/sink.h"

#define ALERT_JSON_VERSION 1

/* One line with its LF; free() it. *len is its length.
 *
 *   {"version":1,"event":"opened","event_id":12,"at":"2026-11-22T10:00:00Z","test":false,
 *    "again":false,"incident":{...},"evidence":[{...}]}
 *
 * incident has the keys that `mailseal incidents --json` prints; evidence the session records, null
 * in the place of one that is none. */
char *alert_json(const struct alert *a, size_t *len);

#endif
