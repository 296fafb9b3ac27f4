/* health.h - what the sensor saw, skipped and lost, as counters that only grow.
 *
 * The books must balance, and health_balance() checks that they do.
 */
#ifndef MAILSEAL_HEALTH_H
#define MAILSEAL_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row per counter: enumerator, name in the ledger and in health.rrd (at most 19 characters),
 * unit, what it counts. Rows from SKIP_LINK to SKIP_FULL are the reasons why a packet was not delivered. */
#define HEALTH_TABLE(X)                                                                            \
	X(HEALTH_PACKETS, "packets", "packets", "packets read")                                    \
	X(HEALTH_BYTES, "bytes", "bytes", "bytes on the wire of the packets read")                 \
	X(HEALTH_DROP_KERNEL, "drop_kernel", "packets", "packets dropped for want of room")        \
	X(HEALTH_DROP_NIC, "drop_nic", "packets", "packets dropped by the interface")              \
	X(HEALTH_DELIVERED, "delivered", "packets", "TCP packets handed to the flow table")        \
	X(SKIP_LINK, "skip_link", "packets", "link layer not understood or truncated")             \
	X(SKIP_NOT_IP, "skip_not_ip", "packets", "not IP (ARP, LLDP and the like)")                \
	X(SKIP_TUNNEL, "skip_tunnel", "packets", "in an encapsulation that cannot be decoded")     \
	X(SKIP_IP, "skip_ip", "packets", "malformed or truncated IP header")                       \
	X(SKIP_FRAGMENT, "skip_fragment", "packets", "IP fragments but the last of each datagram") \
	X(SKIP_NOT_TCP, "skip_not_tcp", "packets", "IP, but not TCP")                              \
	X(SKIP_TCP, "skip_tcp", "packets", "malformed or truncated TCP header")                    \
	X(SKIP_PORT, "skip_port", "packets", "TCP on no mail port, in mode ports")                 \
	X(SKIP_FULL, "skip_full", "packets", "no room in the flow table")                          \
	X(HEALTH_FLOWS, "flows", "connections", "TCP connections opened in the flow table")        \
	X(HEALTH_SESSIONS, "sessions", "connections", "of these, mail sessions with a verdict")    \
	X(HEALTH_EMPTY, "empty", "connections", "of these, connections without payload")           \
	X(HEALTH_NOT_MAIL, "not_mail", "connections", "of these, not mail")                        \
	X(HEALTH_EVICTED, "evicted", "connections", "flows pushed out of a full table")            \
	X(HEALTH_UNDECIDED_FULL, "undecided_full", "connections",                                  \
	  "mail flows with no room for their state")                                               \
	X(HEALTH_DUPLICATE, "duplicate", "segments", "segments that brought nothing new")          \
	X(HEALTH_TRUNCATED, "truncated", "packets", "packets cut by the snap length")              \
	X(HEALTH_REASSEMBLED, "reassembled", "datagrams",                                          \
	  "IP datagrams put together from fragments")                                              \
	X(HEALTH_FRAGMENTS_LOST, "fragments_lost", "datagrams",                                    \
	  "IP datagrams that miss some fragments")                                                 \
	X(HEALTH_GAPS, "gaps", "holes", "holes in TCP streams of mail")                            \
	X(HEALTH_GAP_BYTES, "gap_bytes", "bytes", "bytes in these holes")                          \
	X(HEALTH_ACKED_UNSEEN, "acked_unseen", "bytes",                                            \
	  "bytes of mail acknowledged and never seen")                                             \
	X(HEALTH_REASM_FULL, "reasm_full", "segments",                                             \
	  "segments refused for want of reassembly memory")                                        \
	X(HEALTH_ONE_SIDED, "one_sided", "sessions", "sessions with one direction only")           \
	X(HEALTH_DISAGREE, "disagree", "connections",                                              \
	  "flows on which nDPI and the first bytes disagree")                                      \
	X(HEALTH_TIME_JUMPS, "time_jumps", "jumps",                                                \
	  "jumps in time: of an hour in files, a minute live")                                     \
	X(HEALTH_LOST, "lost", "records", "records lost on the way to the ledger")                 \
	X(HEALTH_LATE, "late", "sessions", "sessions decided in a step that was already closed")   \
	X(HEALTH_FUTURE, "future", "sessions", "sessions with a time that lies in the future")     \
	X(HEALTH_OVERFLOW, "overflow", "sessions",                                                 \
	  "sessions counted under other for want of series")                                       \
	X(HEALTH_FORGOTTEN, "forgotten", "servers", "servers forgotten for want of room")          \
	X(HEALTH_UNLOGGED, "unlogged", "sessions", "sessions missing in the session log")

#define HEALTH_ENUM(id, name, unit, text) id,
enum health_counter { HEALTH_TABLE(HEALTH_ENUM) HEALTH_N };
#undef HEALTH_ENUM

struct health {
	uint64_t n[HEALTH_N];
	uint64_t alive; /* flows in the table now: a level, not a counter */
	uint64_t steps; /* read from the ledger: steps of the row in which the sensor ran */
};

const char *health_name(enum health_counter c);
const char *health_unit(enum health_counter c);
const char *health_text(enum health_counter c);

/* packets = delivered + every skip reason; flows = sessions + empty + not mail + alive. On
 * failure says which in err. */
bool health_balance(const struct health *h, char *err, size_t errlen);

/* to - from, counter by counter (alive is taken from to). */
struct health health_since(const struct health *from, const struct health *to);

#endif
