/* conf_alerts.h - the section alerts: rules, targets, maintenance.
 *
 * Its items are read, checked and printed over the rows of conf_alerts_table.h.
 */
#ifndef MAILSEAL_CONF_ALERTS_H
#define MAILSEAL_CONF_ALERTS_H

#include "reports/rules.h"
#include "reports/target.h"
#include "sensor/conf_reader.h"

/* What a target is made of, as far as the keys that it uses go: its kind, and of syslog the
 * transport, of SNMP the security. */
enum target_variant {
	VARIANT_SYSLOG_LOCAL,
	VARIANT_SYSLOG_NET,
	VARIANT_JOURNALD,
	VARIANT_ALERTMANAGER,
	VARIANT_WEBHOOK,
	VARIANT_SNMP_V2C,
	VARIANT_SNMP_NO_AUTH,
	VARIANT_SNMP_AUTH,
	VARIANT_SNMP_PRIV,
	VARIANT_PROGRAM,
	TARGET_VARIANTS
};
enum target_variant conf_target_variant(const struct target *t);

/* The target that syslog.socket stands for, and no other. */
void conf_alerts_default(struct conf *c);

/* Reads alerts over that, when everything else has been read; section: NULL when it is not there.
 * False when an error was written. */
bool conf_alerts_read(struct conf_reader *r, const struct ynode *section);

#endif
