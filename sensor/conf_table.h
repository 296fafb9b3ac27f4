/* conf_table.h - the options of mailseal.yaml, one row each.
 *
 * A row drives the default, the reader, --print-config and the check of mailseal.yaml(5).
 * Knows nothing of YAML.
 */
#ifndef MAILSEAL_CONF_TABLE_H
#define MAILSEAL_CONF_TABLE_H

#include "sensor/conf.h"

enum option_kind {
	OPTION_SENSOR,         /* a name; by default that of the host */
	OPTION_TEXT,           /* text of min to max bytes */
	OPTION_PATH,           /* an absolute path of at most max bytes, or empty */
	OPTION_COUNT,          /* a whole number from min to max */
	OPTION_PERCENT,        /* up to two decimals; min, max and value in hundredths */
	OPTION_MODE,           /* ports or any */
	OPTION_SWITCH,         /* true or false */
	OPTION_INTERFACES,     /* a list of names */
	OPTION_PORTS,          /* a list of ports; offset is an enum port_list */
	OPTION_ENCAPSULATIONS, /* a list of names of encapsulations */
	OPTION_CPUS,           /* a list of numbers of CPUs, up to max */
	OPTION_PEER,           /* a key of an item of peers */
	OPTION_EXCEPTION,      /* a key of an item of exceptions */
	OPTION_WORD,           /* one word of a list; min is an enum word_list */
	OPTION_NAME,           /* a-z, 0-9 and -, min to max bytes */
	OPTION_PARTY,          /* a peer, its "-net" name, or other */
	OPTION_ARGUMENTS,      /* a list of words: a program and its arguments */
	OPTION_TIME            /* with its zone; int64_t, seconds, UTC */
};

enum word_list {
	WORDS_RULE,
	WORDS_SEVERITY,
	WORDS_TLS_VERSION,
	WORDS_TARGET_KIND,
	WORDS_TRANSPORT,
	WORDS_SECURITY,
	WORD_LISTS
};

struct conf_option {
	const char *key;
	enum option_kind kind;
	size_t offset; /* into struct conf, unless the kind says otherwise */
	unsigned min, max;
	unsigned uses; /* of a list of alerts: bits of the items that use it; 0 elsewhere */
};

/* Key, unit, default, what it is; kind, offset, least, most. By section, in the order printed. */
#define CONF_AT(field) offsetof(struct conf, field)
#define CONF_TABLE(X)                                                                              \
	X("sensor", "", "the host name", "Name of this sensor in records and alerts.",             \
	  OPTION_SENSOR, CONF_AT(sensor), 1, 64)                                                   \
	X("user", "", "mailseal", "User to run as when started as root.", OPTION_TEXT,             \
	  CONF_AT(user), 1, 32)                                                                    \
	X("capture.interfaces", "", "", "Interfaces to capture on when no -i or -r is given.",     \
	  OPTION_INTERFACES, CONF_AT(interfaces), 1, CONF_INTERFACES_MAX)                          \
	X("capture.mode", "", "",                                                                  \
	  "What is looked at: \"ports\" (mail ports) or \"any\" (all TCP).", OPTION_MODE,          \
	  CONF_AT(mode), 0, 0)                                                                     \
	X("capture.filter", "", "", "A pcap filter of your own that packets must pass as well.",   \
	  OPTION_TEXT, CONF_AT(filter), 0, 4095)                                                   \
	X("capture.ports.smtp", "", "25, 2525", "Ports of SMTP between mail servers.",             \
	  OPTION_PORTS, PORTS_SMTP, 1, 65535)                                                      \
	X("capture.ports.submission", "", "587", "Ports of submission with STARTTLS.",             \
	  OPTION_PORTS, PORTS_SUBMISSION, 1, 65535)                                                \
	X("capture.ports.submissions", "", "465", "Ports of submission with implicit TLS.",        \
	  OPTION_PORTS, PORTS_SUBMISSIONS, 1, 65535)                                               \
	X("capture.ports.imap", "", "143", "Ports of IMAP.", OPTION_PORTS, PORTS_IMAP, 1, 65535)   \
	X("capture.ports.imaps", "", "993", "Ports of IMAP with implicit TLS.", OPTION_PORTS,      \
	  PORTS_IMAPS, 1, 65535)                                                                   \
	X("capture.ports.pop3", "", "110", "Ports of POP3.", OPTION_PORTS, PORTS_POP3, 1, 65535)   \
	X("capture.ports.pop3s", "", "995", "Ports of POP3 with implicit TLS.", OPTION_PORTS,      \
	  PORTS_POP3S, 1, 65535)                                                                   \
	X("capture.encapsulations", "", "",                                                        \
	  "What a kernel filter passes so that it is looked into.", OPTION_ENCAPSULATIONS,         \
	  CONF_AT(encapsulations), 0, ENCAPSULATIONS)                                              \
	X("capture.snaplen", "bytes", "65535", "How much of each packet is captured.",             \
	  OPTION_COUNT, CONF_AT(snaplen), 128, 262144)                                             \
	X("capture.ring_mib", "MiB", "32", "Capture ring in the kernel, per interface.",           \
	  OPTION_COUNT, CONF_AT(ring_mib), 1, 2047)                                                \
	X("capture.max_flows", "", "250000", "TCP connections followed at the same time.",         \
	  OPTION_COUNT, CONF_AT(max_flows), 16, 50000000)                                          \
	X("capture.max_undecided", "", "20000",                                                    \
	  "Mail sessions without a verdict at the same time.", OPTION_COUNT,                       \
	  CONF_AT(max_undecided), 16, 10000000)                                                    \
	X("capture.reassembly_kib", "KiB", "65536", "Memory for segments that came out of order.", \
	  OPTION_COUNT, CONF_AT(reassembly_kib), 64, 16777216)                                     \
	X("capture.reassembly_flow_kib", "KiB", "256",                                             \
	  "Most of it that one direction of one connection may hold.", OPTION_COUNT,               \
	  CONF_AT(reassembly_flow_kib), 1, 65536)                                                  \
	X("capture.fragments_kib", "KiB", "4096", "Memory for IP fragments.", OPTION_COUNT,        \
	  CONF_AT(fragments_kib), 256, 1048576)                                                    \
	X("capture.idle_s", "s", "1800", "A connection without packets for so long is given up.",  \
	  OPTION_COUNT, CONF_AT(idle_s), 1, 86400)                                                 \
	X("capture.workers", "", "1", "Threads that share the packets.", OPTION_COUNT,             \
	  CONF_AT(workers), 1, CONF_WORKERS_MAX)                                                   \
	X("capture.cpus", "", "", "CPUs on which the workers run, in turn; empty for any.",        \
	  OPTION_CPUS, CONF_AT(cpus), 0, CONF_CPU_MAX)                                             \
	X("capture.decrypted_mirror", "", "false",                                                 \
	  "Whether the tap may show clear text where TLS was: behind a decrypting appliance.",     \
	  OPTION_SWITCH, CONF_AT(decrypted_mirror), 0, 0)                                          \
	X("record.state_dir", "", "", "State directory; empty for none.", OPTION_PATH,             \
	  CONF_AT(state_dir), 0, CONF_TEXT_MAX)                                                    \
	X("record.metrics_file", "", "",                                                           \
	  "File of the Prometheus metrics; empty for metrics.prom in the state directory.",        \
	  OPTION_PATH, CONF_AT(metrics_file), 0, CONF_TEXT_MAX)                                    \
	X("record.max_series", "", "1000",                                                         \
	  "Pairs of peers counted by name; the rest is \"other\".", OPTION_COUNT,                  \
	  CONF_AT(max_series), SERVICE_N, 100000)                                                  \
	X("record.max_servers", "", "100000",                                                      \
	  "Servers of which is remembered when they offered STARTTLS.", OPTION_COUNT,              \
	  CONF_AT(max_servers), 1, 10000000)                                                       \
	X("retention.sessions_days", "days", "90", "How long the session log is kept.",            \
	  OPTION_COUNT, CONF_AT(keep_sessions_days), 1, 3660)                                      \
	X("retention.incidents_days", "days", "1827",                                              \
	  "How long incidents that are closed are kept.", OPTION_COUNT,                            \
	  CONF_AT(keep_incidents_days), 1, 3660)                                                   \
	X("incidents.quiet_s", "s", "3600", "Quiet time after which an incident may close.",       \
	  OPTION_COUNT, CONF_AT(quiet_s), 60, 2592000)                                             \
	X("incidents.lossy_percent", "%", "1",                                                     \
	  "Share of lost packets or records that is too much.", OPTION_PERCENT,                    \
	  CONF_AT(lossy_percent_x100), 0, 10000)                                                   \
	X("syslog.socket", "", "/dev/log", "Local syslog socket for incidents; empty for none.",   \
	  OPTION_PATH, CONF_AT(syslog_socket), 0, 107)                                             \
	X("peers.name", "", "", "Name of a peer: a-z, 0-9 and -, at most 32.", OPTION_PEER, 0, 0,  \
	  0)                                                                                       \
	X("peers.signatory", "", "false", "Whether the peer signed the charter.", OPTION_PEER, 0,  \
	  0, 0)                                                                                    \
	X("peers.mta", "", "", "Prefixes of its mail servers, sending and receiving.",             \
	  OPTION_PEER, 0, 0, 0)                                                                    \
	X("peers.access", "", "", "Prefixes of its submission, IMAP and POP3 servers.",            \
	  OPTION_PEER, 0, 0, 0)                                                                    \
	X("peers.networks", "", "", "The rest of its address space.", OPTION_PEER, 0, 0, 0)        \
	X("exceptions.client", "", "", "Client prefix of sessions that are counted apart.",        \
	  OPTION_EXCEPTION, 0, 0, 0)                                                               \
	X("exceptions.server", "", "", "Server prefix of sessions that are counted apart.",        \
	  OPTION_EXCEPTION, 0, 0, 0)                                                               \
	X("exceptions.note", "", "", "Why; for the reader.", OPTION_EXCEPTION, 0, 0, 0)

enum port_list {
	PORTS_SMTP,
	PORTS_SUBMISSION,
	PORTS_SUBMISSIONS,
	PORTS_IMAP,
	PORTS_IMAPS,
	PORTS_POP3,
	PORTS_POP3S,
	PORT_LISTS
};

/* What the ports of a list are for; port is 0. */
struct mail_port conf_port_list(enum port_list list);
bool conf_port_is_of(const struct mail_port *p, enum port_list list);

size_t conf_options(const struct conf_option **out);

/* The row of a key path; NULL when there is none. */
const struct conf_option *conf_option_find(const char *key);

/* True when some row lies below the key path: "capture", "capture.ports", "peers". */
bool conf_option_is_section(const char *key);

/* The word of an option that lies directly below a section; NULL when it lies elsewhere. */
const char *conf_option_word(const struct conf_option *o, const char *section);

/* What a word that is none of ours was meant to be: offer it all that it could be, then see best,
 * which is NULL when none is near. Words are borrowed. */
struct conf_guess {
	const char *word;
	const char *best; /* of len bytes */
	size_t len;
	unsigned distance;
};
struct conf_guess conf_guess_at(const char *word);
void conf_guess_offer(struct conf_guess *g, const char *name, size_t len);

/* The word below a section ("" for the top) that is most like word; NULL when none is near.
 * len receives its length. */
const char *conf_option_nearest(const char *section, const char *word, size_t *len);

/* Sets an option that has a single value from its text. base is what the offset is into: a struct
 * conf, or the item of a list. False with why: what is wrong, without the key. */
bool conf_option_set(void *base, const struct conf_option *o, const char *text, char *why,
		     size_t whylen);

/* The same text back, without quotes. */
void conf_option_get(const void *base, const struct conf_option *o, char *out, size_t outlen);

/* Writes the value of any option of a struct conf as it stands behind its key, with its LF. */
void conf_option_print(const struct conf *c, const struct conf_option *o, FILE *out);

/* A word of a list, and a time (RFC 3339), in the same way. */
bool conf_word_set(void *to, enum word_list list, const char *text, char *why, size_t whylen);
const char *conf_word_get(const void *from, enum word_list list);
bool conf_time_set(int64_t *to, const char *text, char *why, size_t whylen);

/* The bit of a setting of a rule (enum rule_key) by its word; -1 when it is none. */
int conf_rule_setting(const char *word);

/* Adds a port to a list. False with why: out of bounds, in a list already, too many. */
bool conf_port_add(struct conf *c, enum port_list list, const char *text, char *why, size_t whylen);
void conf_ports_clear(struct conf *c, enum port_list list);

/* Adds a CPU by its number. False with why: out of bounds, or too many. */
bool conf_cpu_add(struct conf *c, const char *text, char *why, size_t whylen);

/* Adds an encapsulation by its name. False with why: there is none, or it is there already. */
bool conf_encapsulation_add(struct conf *c, const char *name, char *why, size_t whylen);

#endif
