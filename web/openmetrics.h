/* openmetrics.h - the metrics of the sensor, from the text format of Prometheus to OpenMetrics 1.0.
 *
 * Takes what metrics_text.h writes and nothing else: a file that is something else is refused, and
 * nobody gets to see it.
 */
#ifndef MAILSEAL_OPENMETRICS_H
#define MAILSEAL_OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PROMETHEUS_TYPE  "text/plain; version=0.0.4; charset=utf-8"

/* Does the header Accept, which may be NULL, name OpenMetrics? RFC 9110, 12.5.1; where it names
 * both formats, OpenMetrics is what is wanted. */
bool openmetrics_wanted(const char *accept);

/* False with a sentence in err, which names the line; out then has a part. */
bool openmetrics_write(const char *text, FILE *out, char *err, size_t errlen);

#endif
