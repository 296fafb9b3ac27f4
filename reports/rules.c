/* rules.c - what may open an incident: the names of the rules. */
#include "reports/rules.h"

#include <string.h>

#define NAME(id, name, severity) [id] = (name),
static const char *const rule_names[] = { RULE_TABLE(NAME) };
#undef NAME

const char *rule_name(enum rule r)
{
	return (size_t)r < RULES ? rule_names[r] : NULL;
}

bool rule_by_name(const char *name, enum rule *out)
{
	for (unsigned i = 0; i < RULES; i++) {
		if (strcmp(rule_names[i], name) == 0) {
			*out = (enum rule)i;
			return true;
		}
	}
	return false;
}
