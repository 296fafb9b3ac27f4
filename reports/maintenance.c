/* maintenance.c - is there work under way at a peer just now? */
#include "reports/maintenance.h"

#include <string.h>

#include "reports/rules.h"

bool maintenance_holds(const struct maintenance *m, size_t n, const char *client,
		       const char *server, int64_t at)
{
	for (size_t i = 0; i < n; i++) {
		bool both = m[i].peer[0] == '\0';

		if (m[i].from <= at && at < m[i].to &&
		    (both || strcmp(m[i].peer, client) == 0 || strcmp(m[i].peer, server) == 0))
			return true;
	}
	return false;
}
