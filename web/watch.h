/* watch.h - answers for what watches the sensor: is it alive, and what has it counted. */
#ifndef MAILSEAL_WATCH_H
#define MAILSEAL_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "web/document.h"

/* 200 when the last step of the ledger is fresh, 503 otherwise, each with a sentence. */
struct document *watch_health(const char *dir, int64_t now);

/* The file of metrics that mailseald writes with each step; open: as OpenMetrics. 503 with a sentence
 * when it is not there, or is something else. */
struct document *watch_metrics(const char *file, bool open);

#endif
