/* conf.h - the configuration file, mailseal.yaml.
 *
 * Every option is a row of one table (conf_options) that drives the reader, --check-config,
 * --print-config and mailseal.yaml(5). Knows libyaml; opens nothing but the file it is given.
 */
#ifndef MAILSEAL_CONF_H
#define MAILSEAL_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dissectors/verdict.h"
#include "reports/peers.h"

#define CONF_INTERFACES_MAX 16
#define CONF_PORTS_MAX      64
#define CONF_WORKERS_MAX    64
#define CONF_CPU_MAX        1023
#define CONF_TEXT_MAX       255

enum capture_mode { MODE_DEFAULT, MODE_PORTS, MODE_ANY };

/* A mail port: what it is for, and whether TLS is expected from the first byte. */
struct mail_port {
	uint16_t port;
	uint8_t protocol; /* enum protocol */
	uint8_t service;  /* enum service */
	bool implicit_tls;
};

/* What a kernel filter cannot look into and lets through on demand: enumerator, name. */
#define ENCAPSULATION_TABLE(X)            \
	X(ENCAPSULATION_MPLS, "mpls")     \
	X(ENCAPSULATION_PPPOE, "pppoe")   \
	X(ENCAPSULATION_GRE, "gre")       \
	X(ENCAPSULATION_ERSPAN, "erspan") \
	X(ENCAPSULATION_VXLAN, "vxlan")   \
	X(ENCAPSULATION_GENEVE, "geneve") \
	X(ENCAPSULATION_IPIP, "ipip")     \
	X(ENCAPSULATION_6IN4, "6in4")

#define ENCAPSULATION_ENUM(id, name) id,
enum encapsulation { ENCAPSULATION_TABLE(ENCAPSULATION_ENUM) ENCAPSULATIONS };
#undef ENCAPSULATION_ENUM

const char *encapsulation_name(enum encapsulation e);

struct ydoc;
struct rule_entry;  /* reports/rules.h */
struct target;      /* reports/target.h */
struct maintenance; /* reports/rules.h */

struct conf {
	char sensor[CONF_TEXT_MAX + 1]; /* default: the host name */
	char user[CONF_TEXT_MAX + 1];   /* run as; default "mailseal" */

	/* capture */
	char interfaces[CONF_INTERFACES_MAX][CONF_TEXT_MAX + 1];
	unsigned interfaces_n;
	enum capture_mode mode; /* default: ports with -i, any with -r */
	char filter[4096];      /* BPF of the user's own; empty for none */
	struct mail_port ports[CONF_PORTS_MAX];
	unsigned ports_n;
	unsigned encapsulations; /* bits 1 << enum encapsulation */
	unsigned snaplen;
	unsigned ring_mib;               /* kernel ring per interface */
	unsigned max_flows;              /* TCP connections in the table */
	unsigned max_undecided;          /* mail sessions whose verdict is open */
	unsigned reassembly_kib;         /* memory for segments out of order, all flows */
	unsigned reassembly_flow_kib;    /* of it for one direction of one flow */
	unsigned fragments_kib;          /* memory for IP fragments */
	unsigned idle_s;                 /* a flow without packets is given up */
	unsigned workers;                /* threads that share the packets */
	uint16_t cpus[CONF_WORKERS_MAX]; /* on which they run, in turn */
	unsigned cpus_n;                 /* 0: on any */
	bool decrypted_mirror;           /* clear text behind an accepted upgrade proves nothing */

	/* peers */
	struct peers *peers; /* owned */
	struct ydoc *source; /* owned: the file, for conf_print(); NULL for the defaults */

	/* record */
	char state_dir[CONF_TEXT_MAX + 1];    /* empty: none */
	char metrics_file[CONF_TEXT_MAX + 1]; /* empty: metrics.prom in the state directory */
	unsigned max_series;
	unsigned max_servers; /* remembered, to know where STARTTLS was offered */

	/* retention, in days */
	unsigned keep_sessions_days;
	unsigned keep_incidents_days; /* that are closed */

	/* incidents */
	unsigned quiet_s;
	unsigned lossy_percent_x100; /* 100 is 1 % */

	/* syslog */
	char syslog_socket[CONF_TEXT_MAX + 1]; /* default /dev/log; empty: no syslog */

	/* alerts: owned, in the order of the file; NULL when there are none */
	struct rule_entry *rules;
	size_t rules_n;
	struct target *targets; /* the one that syslog.socket stands for comes first */
	size_t targets_n;
	struct maintenance *maintenance;
	size_t maintenance_n;
};

/* The built-in defaults. conf_free() ends the life of either. */
struct conf *conf_default(void);

/* Reads a file over the defaults. NULL with one line in err: "FILE:LINE: KEY: what is wrong". */
struct conf *conf_read(const char *path, char *err, size_t errlen);
void conf_free(struct conf *c);

/* Of next, just read, a running sensor takes peers, exceptions, alerts, incidents, syslog and
 * retention; all else becomes a copy of now, and waits for the next start. Returns how many keys that leaves out,
 * and names them in left ("capture.snaplen, user"), as far as there is room. */
unsigned conf_take(const struct conf *now, struct conf *next, char *left, size_t leftlen);

/* Writes the configuration in force as YAML: with secrets, as conf_read() reads back to the same; without
 * them, to be shown to people, with a comment for each that is left out. */
void conf_print(const struct conf *c, bool secrets, FILE *out);

/* How many of the targets are not from alerts.targets: 1, named "syslog", unless syslog.socket is
 * empty. */
size_t conf_targets_builtin(const struct conf *c);

/* The mail port, or NULL. */
const struct mail_port *conf_port(const struct conf *c, uint16_t port);

/* The table, for the documentation test: key path ("capture.max_flows") and its sentence. */
struct conf_option_text {
	const char *key, *unit, *fallback, *text;
};
size_t conf_option_texts(const struct conf_option_text **out);

#endif
