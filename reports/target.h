/* target.h - where alerts go: one entry of alerts.targets in the configuration.
 *
 * Values only. Text fields are empty when not given; which of them a kind needs is checked by
 * target_check(). Passwords and keys are in files, so that the configuration can be shown.
 */
#ifndef MAILSEAL_TARGET_H
#define MAILSEAL_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define TARGETS_MAX     32
#define TARGET_NAME_MAX 32 /* [a-z0-9-]{1,32}; names the deliveries in incidents.db */
#define TARGET_TEXT_MAX 255
#define TARGET_ARGS_MAX 8

/* Enumerator, name in the configuration. */
#define TARGET_TABLE(X)                        \
	X(TARGET_SYSLOG, "syslog")             \
	X(TARGET_JOURNALD, "journald")         \
	X(TARGET_ALERTMANAGER, "alertmanager") \
	X(TARGET_WEBHOOK, "webhook")           \
	X(TARGET_SNMP, "snmp")                 \
	X(TARGET_PROGRAM, "program")

#define TARGET_ENUM(id, name) id,
enum target_kind { TARGET_TABLE(TARGET_ENUM) TARGET_KINDS };
#undef TARGET_ENUM

enum target_transport { TRANSPORT_LOCAL, TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORTS };
enum snmp_security { SNMP_V2C, SNMP_NO_AUTH, SNMP_AUTH, SNMP_PRIV, SNMP_SECURITIES };

struct target {
	char name[TARGET_NAME_MAX + 1];
	enum target_kind kind;
	unsigned timeout_s; /* one attempt takes no longer */
	unsigned give_up_s; /* a delivery older than this is given up */
	unsigned repeat_s;  /* what still fires is sent again; 0: never */
	bool critical_only; /* warnings are not sent */

	char socket[TARGET_TEXT_MAX + 1];      /* syslog, transport local; journald */
	enum target_transport transport;       /* syslog */
	char host[TARGET_TEXT_MAX + 1];        /* syslog over udp or tcp; snmp */
	unsigned port;                         /* the same; 0: the usual one */
	char url[TARGET_TEXT_MAX + 1];         /* alertmanager (without /api/v2), webhook */
	char ca_file[TARGET_TEXT_MAX + 1];     /* https: instead of the system's; PEM */
	char secret_file[TARGET_TEXT_MAX + 1]; /* webhook: key of the signature */
	char program[TARGET_ARGS_MAX][TARGET_TEXT_MAX + 1]; /* absolute path, arguments */
	unsigned program_n;
	bool inform;                         /* snmp: wait for the answer */
	enum snmp_security security;         /* snmp */
	char user[TARGET_TEXT_MAX + 1];      /* snmp v3; v2c: the community */
	char auth_file[TARGET_TEXT_MAX + 1]; /* snmp v3: pass phrase of authentication (SHA) */
	char priv_file[TARGET_TEXT_MAX + 1]; /* snmp v3: pass phrase of privacy (AES) */
};

const char *target_kind_name(enum target_kind k);
const char *target_transport_name(enum target_transport t);
const char *snmp_security_name(enum snmp_security s); /* "v2c", "noAuthNoPriv", ... */

/* The defaults of a kind: timeout_s 10, give_up_s 86400, repeat_s 60 for Alertmanager and 0
 * otherwise, the usual socket and port. */
void target_init(struct target *t, enum target_kind k);

/* True when the kind is in this build and everything it needs is given. False with a sentence in
 * why: "needs a url". Opens no file. */
bool target_check(const struct target *t, char *why, size_t whylen);

#endif
