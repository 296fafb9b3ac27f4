/* metrics_table.h - the names under which counts and health counters are shown to Prometheus.
 *
 * A row: counter, metric, label and its value ("" for none), what it counts. Rows of a metric stand
 * together; what the first of them says is said of the metric.
 */
#ifndef MAILSEAL_METRICS_TABLE_H
#define MAILSEAL_METRICS_TABLE_H

#define METRICS_SESSIONS(X, id, verdict) \
	X(id, "mailseal_sessions_total", "verdict", verdict, "Mail sessions by verdict.")
#define METRICS_STARTTLS(X, id, stage)                            \
	X(id, "mailseal_starttls_sessions_total", "stage", stage, \
	  "Sessions in which the upgrade was seen to be offered, requested, accepted.")
#define METRICS_TLS(X, id, version) \
	X(id, "mailseal_tls_sessions_total", "version", version, "Encrypted sessions by version.")

/* Of a pair of peers and a service. */
#define METRICS_COUNTS(X)                                                     \
	METRICS_SESSIONS(X, COUNT_ENC_STARTTLS, "encrypted-starttls")         \
	METRICS_SESSIONS(X, COUNT_ENC_IMPLICIT, "encrypted-implicit")         \
	METRICS_SESSIONS(X, COUNT_PLAINTEXT, "plaintext")                     \
	METRICS_SESSIONS(X, COUNT_TLS_FAILED, "tls-failed")                   \
	METRICS_SESSIONS(X, COUNT_NO_TRANSACTION, "no-transaction")           \
	METRICS_SESSIONS(X, COUNT_INDETERMINATE, "indeterminate")             \
	X(COUNT_REFUSED, "mailseal_refused_sessions_total", "", "",           \
	  "Plaintext sessions of which the server accepted nothing.")         \
	X(COUNT_BEGUN_BEFORE, "mailseal_begun_before_sessions_total", "", "", \
	  "Indeterminate sessions that began before the capture.")            \
	METRICS_STARTTLS(X, COUNT_OFFERED, "offered")                         \
	METRICS_STARTTLS(X, COUNT_REQUESTED, "requested")                     \
	METRICS_STARTTLS(X, COUNT_ACCEPTED, "accepted")                       \
	X(COUNT_STRIPPED, "mailseal_stripped_sessions_total", "", "",         \
	  "Sessions with signs that the upgrade was taken away.")             \
	METRICS_TLS(X, COUNT_TLS10, "TLSv1.0")                                \
	METRICS_TLS(X, COUNT_TLS11, "TLSv1.1")                                \
	METRICS_TLS(X, COUNT_TLS12, "TLSv1.2")                                \
	METRICS_TLS(X, COUNT_TLS13, "TLSv1.3")                                \
	X(COUNT_MESSAGES_CLEAR, "mailseal_clear_messages_total", "", "",      \
	  "Mails accepted in clear.")                                         \
	X(COUNT_AUTH_CLEAR, "mailseal_clear_auth_sessions_total", "", "",     \
	  "Sessions with an authentication exchange in clear.")               \
	X(COUNT_EXCEPTED, "mailseal_excepted_sessions_total", "", "",         \
	  "Sessions of the exceptions list, which are in no other metric.")

#define METRICS_DROPPED(X, id, layer)                                   \
	X(id, "mailseal_capture_dropped_packets_total", "layer", layer, \
	  "Packets lost before the sensor could read them.")
#define METRICS_PACKETS(X, id, outcome) \
	X(id, "mailseal_packets_total", "outcome", outcome, "Packets read, by what became of them.")
#define METRICS_ENDED(X, id, as)                      \
	X(id, "mailseal_flows_ended_total", "as", as, \
	  "TCP connections that left the flow table, by what they were.")
#define METRICS_PLAIN(X, id, name, text) X(id, "mailseal_" name "_total", "", "", text)

/* Of the sensor. */
#define METRICS_HEALTH(X)                                                                          \
	METRICS_PLAIN(X, HEALTH_PACKETS, "captured_packets", "Packets read.")                      \
	METRICS_PLAIN(X, HEALTH_BYTES, "captured_bytes", "Bytes on the wire of the packets read.") \
	METRICS_DROPPED(X, HEALTH_DROP_KERNEL, "kernel")                                           \
	METRICS_DROPPED(X, HEALTH_DROP_NIC, "nic")                                                 \
	METRICS_PACKETS(X, HEALTH_DELIVERED, "delivered")                                          \
	METRICS_PACKETS(X, SKIP_LINK, "skip_link")                                                 \
	METRICS_PACKETS(X, SKIP_NOT_IP, "skip_not_ip")                                             \
	METRICS_PACKETS(X, SKIP_TUNNEL, "skip_tunnel")                                             \
	METRICS_PACKETS(X, SKIP_IP, "skip_ip")                                                     \
	METRICS_PACKETS(X, SKIP_FRAGMENT, "skip_fragment")                                         \
	METRICS_PACKETS(X, SKIP_NOT_TCP, "skip_not_tcp")                                           \
	METRICS_PACKETS(X, SKIP_TCP, "skip_tcp")                                                   \
	METRICS_PACKETS(X, SKIP_PORT, "skip_port")                                                 \
	METRICS_PACKETS(X, SKIP_FULL, "skip_full")                                                 \
	METRICS_PLAIN(X, HEALTH_FLOWS, "flows_opened",                                             \
		      "TCP connections taken into the flow table.")                                \
	METRICS_ENDED(X, HEALTH_SESSIONS, "session")                                               \
	METRICS_ENDED(X, HEALTH_EMPTY, "empty")                                                    \
	METRICS_ENDED(X, HEALTH_NOT_MAIL, "not_mail")                                              \
	METRICS_PLAIN(X, HEALTH_EVICTED, "flows_evicted", "Flows pushed out of a full table.")     \
	METRICS_PLAIN(X, HEALTH_UNDECIDED_FULL, "undecided_full_flows",                            \
		      "Mail flows with no room for their state.")                                  \
	METRICS_PLAIN(X, HEALTH_DUPLICATE, "duplicate_segments",                                   \
		      "Segments that brought nothing new.")                                        \
	METRICS_PLAIN(X, HEALTH_TRUNCATED, "truncated_packets", "Packets cut by the snap length.") \
	METRICS_PLAIN(X, HEALTH_REASSEMBLED, "reassembled_datagrams",                              \
		      "IP datagrams put together from fragments.")                                 \
	METRICS_PLAIN(X, HEALTH_FRAGMENTS_LOST, "incomplete_datagrams",                            \
		      "IP datagrams given up for want of fragments.")                              \
	METRICS_PLAIN(X, HEALTH_GAPS, "stream_gaps", "Holes in TCP streams of mail.")              \
	METRICS_PLAIN(X, HEALTH_GAP_BYTES, "stream_gap_bytes", "Bytes in these holes.")            \
	METRICS_PLAIN(X, HEALTH_ACKED_UNSEEN, "acknowledged_unseen_bytes",                         \
		      "Bytes of mail that were acknowledged and never seen.")                      \
	METRICS_PLAIN(X, HEALTH_REASM_FULL, "reassembly_refused_segments",                         \
		      "Segments refused for want of reassembly memory.")                           \
	METRICS_PLAIN(X, HEALTH_ONE_SIDED, "one_sided_sessions",                                   \
		      "Sessions with one direction only.")                                         \
	METRICS_PLAIN(X, HEALTH_DISAGREE, "classify_disagreements",                                \
		      "Connections on which nDPI and the first bytes disagree.")                   \
	METRICS_PLAIN(X, HEALTH_TIME_JUMPS, "time_jumps",                                          \
		      "Jumps of more than an hour in packet time.")                                \
	METRICS_PLAIN(X, HEALTH_LOST, "lost_records", "Records lost on the way to the ledger.")    \
	METRICS_PLAIN(X, HEALTH_LATE, "late_sessions",                                             \
		      "Sessions decided in a step that was already closed.")                       \
	METRICS_PLAIN(X, HEALTH_FUTURE, "future_sessions",                                         \
		      "Sessions with a time that lies in the future.")                             \
	METRICS_PLAIN(X, HEALTH_OVERFLOW, "overflow_sessions",                                     \
		      "Sessions counted under other for want of series.")                          \
	METRICS_PLAIN(X, HEALTH_FORGOTTEN, "forgotten_servers",                                    \
		      "Servers forgotten for want of room.")                                       \
	METRICS_PLAIN(X, HEALTH_UNLOGGED, "unlogged_sessions",                                     \
		      "Sessions missing in the session log.")

#endif
