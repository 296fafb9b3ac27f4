#include "dissectors/upgrade.h"

#include <stddef.h>
#include <stdint.h>

/* A ClientHello in ASKED is one that overtook the answer, or a client that does not wait. */
static const uint8_t upg_next[UPG_NSTATES][EV_NEVENTS] = {
	/*                EV_OFFER     EV_ASK     EV_YES       EV_NO        EV_HELLO  EV_CLEAR */
	[UPG_PLAIN] = { UPG_OFFERED, UPG_ASKED, 0, 0, UPG_TLS, 0 },
	[UPG_OFFERED] = { UPG_OFFERED, UPG_ASKED, 0, 0, UPG_TLS, 0 },
	[UPG_ASKED] = { UPG_ASKED, 0, UPG_GRANTED, UPG_PLAIN, UPG_TLS, 0 },
	[UPG_GRANTED] = { 0, 0, 0, 0, UPG_TLS, UPG_BROKEN },
	[UPG_TLS] = { 0, 0, UPG_TLS, UPG_BROKEN, UPG_TLS, UPG_BROKEN },
	[UPG_BROKEN] = { UPG_BROKEN, UPG_ASKED, 0, 0, UPG_TLS, UPG_BROKEN },
};

static const char *const upg_names[UPG_NSTATES] = {
	"stay", "plain", "offered", "asked", "granted", "tls", "broken",
};

static const char *const event_names[EV_NEVENTS] = {
	"offer", "ask", "yes", "no", "hello", "clear",
};

bool upg_step(enum upg *state, enum upg_event event)
{
	uint8_t next = upg_next[*state][event];

	if (next == UPG_STAY)
		return false;
	*state = (enum upg)next;
	return true;
}

const char *upg_name(enum upg state)
{
	return state < UPG_NSTATES ? upg_names[state] : NULL;
}

const char *upg_event_name(enum upg_event event)
{
	return event < EV_NEVENTS ? event_names[event] : NULL;
}
