/* conf_alerts_table.h - the keys of the items of alerts, one row each.
 *
 * As CONF_TABLE, and which items use the key. The offset is into struct rule_entry, struct target
 * or struct maintenance. A new key of a target is a row.
 */
#ifndef MAILSEAL_CONF_ALERTS_TABLE_H
#define MAILSEAL_CONF_ALERTS_TABLE_H

#include "reports/rules.h"
#include "reports/target.h"
#include "sensor/conf_alerts.h"
#include "sensor/conf_table.h"

#define USE(n) (1u << (n))

/* Rules. */
#define USE_SENSOR_RULES \
	(USE(RULE_SENSOR_BLIND) | USE(RULE_SENSOR_LOSSY) | USE(RULE_SENSOR_ONE_SIDED))
#define USE_ALL_RULES  (USE(RULES) - 1)
#define USE_PAIR_RULES (USE_ALL_RULES & ~USE_SENSOR_RULES)
#define USE_SHARES     (USE(RULE_RATIO_BELOW) | USE(RULE_SENSOR_LOSSY) | USE(RULE_SENSOR_ONE_SIDED))

/* Targets. */
#define USE_ALL_TARGETS (USE(TARGET_VARIANTS) - 1)
#define USE_HTTP        (USE(VARIANT_ALERTMANAGER) | USE(VARIANT_WEBHOOK))
#define USE_SYSLOG      (USE(VARIANT_SYSLOG_LOCAL) | USE(VARIANT_SYSLOG_NET))
#define USE_SNMP_AUTH   (USE(VARIANT_SNMP_AUTH) | USE(VARIANT_SNMP_PRIV))
#define USE_SNMP        (USE_SNMP_AUTH | USE(VARIANT_SNMP_V2C) | USE(VARIANT_SNMP_NO_AUTH))
#define USE_HOST        (USE(VARIANT_SYSLOG_NET) | USE_SNMP)
#define USE_SOCKET      (USE(VARIANT_SYSLOG_LOCAL) | USE(VARIANT_JOURNALD))

#define USE_MAINTENANCE USE(0)

#define RULE_AT(field)        offsetof(struct rule_entry, field)
#define TARGET_AT(field)      offsetof(struct target, field)
#define MAINTENANCE_AT(field) offsetof(struct maintenance, field)

/* Key, unit, default, what it is; kind, offset, least, most; used by. Words: least is their list. */
#define CONF_ALERTS_TABLE(X)                                                                       \
	X("alerts.rules.rule", "", "", "Name of the rule that is changed.", OPTION_WORD,           \
	  RULE_AT(rule), WORDS_RULE, 0, USE_ALL_RULES)                                             \
	X("alerts.rules.client", "", "", "Only for sessions whose client is of this peer.",        \
	  OPTION_PARTY, RULE_AT(client), 1, PARTY_NAME_MAX, USE_PAIR_RULES)                        \
	X("alerts.rules.server", "", "", "Only for sessions whose server is of this peer.",        \
	  OPTION_PARTY, RULE_AT(server), 1, PARTY_NAME_MAX, USE_PAIR_RULES)                        \
	X("alerts.rules.severity", "", "", "off, warning or critical.", OPTION_WORD,               \
	  RULE_AT(s.severity), WORDS_SEVERITY, 0, USE_ALL_RULES)                                   \
	X("alerts.rules.quiet_s", "s", "", "Quiet time after which it may close.", OPTION_COUNT,   \
	  RULE_AT(s.quiet_s), 60, 2592000, USE_ALL_RULES)                                          \
	X("alerts.rules.min_sessions", "", "", "Sessions that are needed to judge.", OPTION_COUNT, \
	  RULE_AT(s.min_sessions), 1, 1000000, USE_ALL_RULES & ~USE(RULE_SENSOR_BLIND))            \
	X("alerts.rules.min_coverage_percent", "%", "", "Coverage that is needed to judge.",       \
	  OPTION_PERCENT, RULE_AT(s.min_coverage_x100), 0, 10000, USE_PAIR_RULES)                  \
	X("alerts.rules.threshold_percent", "%", "", "Share that is too little or too much.",      \
	  OPTION_PERCENT, RULE_AT(s.threshold_x100), 0, 10000, USE_SHARES)                         \
	X("alerts.rules.min_version", "", "", "The oldest version of TLS that is well.",           \
	  OPTION_WORD, RULE_AT(s.min_version), WORDS_TLS_VERSION, 0, USE(RULE_TLS_TOO_OLD))        \
	X("alerts.rules.blind_s", "s", "", "Time without a packet that is too long.",              \
	  OPTION_COUNT, RULE_AT(s.blind_s), 1, 86400, USE(RULE_SENSOR_BLIND))                      \
	X("alerts.targets.name", "", "", "Name of the target in every report.", OPTION_NAME,       \
	  TARGET_AT(name), 1, TARGET_NAME_MAX, USE_ALL_TARGETS)                                    \
	X("alerts.targets.kind", "", "", "What the target is.", OPTION_WORD, TARGET_AT(kind),      \
	  WORDS_TARGET_KIND, 0, USE_ALL_TARGETS)                                                   \
	X("alerts.targets.timeout_s", "s", "10", "One attempt takes no longer.", OPTION_COUNT,     \
	  TARGET_AT(timeout_s), 1, 300, USE_ALL_TARGETS)                                           \
	X("alerts.targets.give_up_s", "s", "86400", "An older delivery is given up.",              \
	  OPTION_COUNT, TARGET_AT(give_up_s), 1, 2592000, USE_ALL_TARGETS)                         \
	X("alerts.targets.repeat_s", "s", "0", "What still fires is sent again; 0 for never.",     \
	  OPTION_COUNT, TARGET_AT(repeat_s), 0, 604800, USE_ALL_TARGETS)                           \
	X("alerts.targets.critical_only", "", "false", "Whether warnings are left out.",           \
	  OPTION_SWITCH, TARGET_AT(critical_only), 0, 0, USE_ALL_TARGETS)                          \
	X("alerts.targets.transport", "", "local", "How syslog messages travel.", OPTION_WORD,     \
	  TARGET_AT(transport), WORDS_TRANSPORT, 0, USE_SYSLOG)                                    \
	X("alerts.targets.socket", "", "/dev/log", "Local socket of syslog or the journal.",       \
	  OPTION_PATH, TARGET_AT(socket), 1, 107, USE_SOCKET)                                      \
	X("alerts.targets.host", "", "", "Name or address of the receiver.", OPTION_TEXT,          \
	  TARGET_AT(host), 1, TARGET_TEXT_MAX, USE_HOST)                                           \
	X("alerts.targets.port", "", "", "Port of the receiver, if not the usual one.",            \
	  OPTION_COUNT, TARGET_AT(port), 1, 65535, USE_HOST)                                       \
	X("alerts.targets.url", "", "", "Where to, with http or https.", OPTION_TEXT,              \
	  TARGET_AT(url), 1, TARGET_TEXT_MAX, USE_HTTP)                                            \
	X("alerts.targets.ca_file", "", "", "Certificates to trust instead of the system's.",      \
	  OPTION_PATH, TARGET_AT(ca_file), 1, TARGET_TEXT_MAX, USE_HTTP)                           \
	X("alerts.targets.secret_file", "", "", "File with the key of the signature.",             \
	  OPTION_PATH, TARGET_AT(secret_file), 1, TARGET_TEXT_MAX, USE(VARIANT_WEBHOOK))           \
	X("alerts.targets.program", "", "", "Path of the program, and its arguments.",             \
	  OPTION_ARGUMENTS, TARGET_AT(program), 1, TARGET_ARGS_MAX, USE(VARIANT_PROGRAM))          \
	X("alerts.targets.inform", "", "false", "Whether an answer is waited for.", OPTION_SWITCH, \
	  TARGET_AT(inform), 0, 0, USE_SNMP)                                                       \
	X("alerts.targets.security", "", "v2c", "Version of SNMP and its level of security.",      \
	  OPTION_WORD, TARGET_AT(security), WORDS_SECURITY, 0, USE_SNMP)                           \
	X("alerts.targets.user", "", "", "User of SNMPv3; the community of v2c.", OPTION_TEXT,     \
	  TARGET_AT(user), 1, TARGET_TEXT_MAX, USE_SNMP)                                           \
	X("alerts.targets.auth_file", "", "", "File with the pass phrase of authentication.",      \
	  OPTION_PATH, TARGET_AT(auth_file), 1, TARGET_TEXT_MAX, USE_SNMP_AUTH)                    \
	X("alerts.targets.priv_file", "", "", "File with the pass phrase of privacy.",             \
	  OPTION_PATH, TARGET_AT(priv_file), 1, TARGET_TEXT_MAX, USE(VARIANT_SNMP_PRIV))           \
	X("alerts.maintenance.from", "", "", "Begin of a time in which alerts wait.", OPTION_TIME, \
	  MAINTENANCE_AT(from), 0, 0, USE_MAINTENANCE)                                             \
	X("alerts.maintenance.to", "", "", "End of that time.", OPTION_TIME, MAINTENANCE_AT(to),   \
	  0, 0, USE_MAINTENANCE)                                                                   \
	X("alerts.maintenance.peer", "", "", "Only alerts about this peer, on either side.",       \
	  OPTION_PARTY, MAINTENANCE_AT(peer), 1, PARTY_NAME_MAX, USE_MAINTENANCE)                  \
	X("alerts.maintenance.note", "", "", "Why; for the reader.", OPTION_TEXT,                  \
	  MAINTENANCE_AT(note), 0, 127, USE_MAINTENANCE)

#endif
