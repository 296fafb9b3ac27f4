/* notification.h - an alert as MAILSEAL-MIB (snmp/) says it: numbers, objects, values.
 *
 * Also who says it, towards SNMPv3: the engine ID and its clock. Knows no library and sends nothing.
 */
#ifndef MAILSEAL_NOTIFICATION_H
#define MAILSEAL_NOTIFICATION_H

#include <stddef.h>
#include <stdint.h>

#include "reports/sink.h"

#define NOTIFICATION_OBJECTS_MAX 24
#define NOTIFICATION_TEXT_MAX    255

enum notification_type { NOTIFICATION_INTEGER, NOTIFICATION_UNSIGNED, NOTIFICATION_OCTETS };

/* One object, at mailsealObjects.branch.object.0. */
struct notification_object {
	uint8_t branch, object;
	enum notification_type type;
	uint32_t number;                           /* INTEGER and UNSIGNED */
	uint8_t octets[NOTIFICATION_TEXT_MAX + 1]; /* OCTETS; a NUL follows */
	size_t len;
};

struct notification {
	uint8_t kind; /* at mailsealNotifications.kind */
	size_t n;
	struct notification_object objects[NOTIFICATION_OBJECTS_MAX];
};

/* The objects are in the order of the MIB. Numbers stop at their greatest value; DisplayStrings are
 * ASCII, with \xNN for what is not. */
void notification_of(const struct alert *a, struct notification *out);

#define ENGINE_ID_MAX 32

/* The engine ID of a sensor (RFC 3411, SnmpEngineID): the enterprise number, format 5, and the name.
 * Of a name of more than 27 characters: its first 19, and a hash of it. The same name gives the same
 * ID, always. Returns its length. */
size_t engine_id(const char *sensor, uint8_t out[ENGINE_ID_MAX]);

/* Boots and time of the engine (RFC 3414, 2.2): one clock, that of the host, in units of 2^31 s, so
 * that nothing must be remembered for it to go on after a restart. From 1970 to 2038 boots is 1. */
void engine_clock(int64_t now, uint32_t *boots, uint32_t *seconds);

#endif
