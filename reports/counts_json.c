/* counts_json.c - counts and their ratio as JSON. */
#include "reports/counts_json.h"

static void json_share(struct json_out *j, const char *key, bool known, double share)
{
	if (known)
		json_real(j, key, share);
	else
		json_null(j, key);
}

void counts_json(struct json_out *j, const struct counts *c, uint64_t lost)
{
	struct ratio r = counts_ratio(c, lost);
	bool bounded = r.encrypted + r.plaintext + r.unknown > 0;

	json_uint(j, "sessions", counts_sessions(c));
	json_uint(j, "E", r.encrypted);
	json_uint(j, "P", r.plaintext);
	json_uint(j, "U", r.unknown);
	json_share(j, "ratio", r.known, r.ratio);
	json_share(j, "lowest", bounded, r.lowest);
	json_share(j, "highest", bounded, r.highest);
	json_share(j, "coverage", r.covered, r.coverage);
	json_object(j, "counts");
	for (unsigned i = 0; i < COUNT_N; i++)
		json_uint(j, count_name((enum count)i), c->n[i]);
	json_object_end(j);
}

void counts_json_withheld(struct json_out *j)
{
	static const char *const keys[] = { "sessions", "E",       "P",        "U",     "ratio",
					    "lowest",   "highest", "coverage", "counts" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_null(j, keys[i]);
}
