/* alert_json.c - an alert as one JSON object. */
#include "reports/alert_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "reports/incident_show.h"
#include "reports/period.h"

static void put_alert(struct json_out *j, const struct alert *a)
{
	char at[UTC_TEXT_MAX];

	utc_text(a->at, UTC_ISO, at);
	json_object(j, NULL);
	json_uint(j, "version", ALERT_JSON_VERSION);
	json_text(j, "event", incident_event_name(a->event));
	json_uint(j, "event_id", (uint64_t)a->event_id);
	json_text(j, "at", at);
	json_bool(j, "test", a->event == EVENT_TEST);
	json_bool(j, "again", a->again);
	json_object(j, "incident");
	incident_json(j, a->incident);
	json_object_end(j);
	json_array(j, "evidence");
	for (unsigned n = 0; n < a->evidence_n; n++)
		incident_record_json(j, a->evidence[n]);
	json_array_end(j);
	json_object_end(j);
}

char *alert_json(const struct alert *a, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	struct json_out j;

	if (!out)
		abort();
	json_init_line(&j, out);
	put_alert(&j, a);
	if (fclose(out) != 0)
		abort();
	return text;
}
