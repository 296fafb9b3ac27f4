/* tracker.h - TCP connections, from packet to session.
 *
 * Opens, closes and times out flows, says who is client and who is server, and hands the payload
 * of what may be mail to its session. Keeps the books on flows.
 */
#ifndef MAILSEAL_TRACKER_H
#define MAILSEAL_TRACKER_H

#include "sensor/conf.h"
#include "sensor/decode.h"
#include "sensor/session.h"

struct tracker;

/* any: look for mail on every port. NULL when memory cannot be had. */
struct tracker *tracker_new(const struct conf *c, bool any, struct health *health,
			    session_report_cb *cb, void *ctx);
void tracker_free(struct tracker *t);
size_t tracker_bytes(const struct conf *c); /* the memory that it takes at most */

/* Packets that come soon: tracker_expect() for each of them, then for each the next, then the last.
 * They change nothing but the cache, and the packet's hash. */
void tracker_expect(struct tracker *t, struct packet *p);
void tracker_fetch_flow(struct tracker *t, const struct packet *p);
void tracker_fetch_session(struct tracker *t, const struct packet *p);

/* One TCP packet. Returns HEALTH_DELIVERED, or why it was not taken (SKIP_PORT, SKIP_FULL). */
enum health_counter tracker_packet(struct tracker *t, const struct packet *p);

/* Time is told so often that more than this at once is a jump. Before that: an hour. */
void tracker_jump(struct tracker *t, uint64_t ns);

/* Time passes without a packet (live, on an idle link). */
void tracker_time(struct tracker *t, uint64_t ns);

/* The latest time seen, ns since 1970. */
uint64_t tracker_now(const struct tracker *t);

/* Flows in the table that are not accounted for yet. */
uint64_t tracker_alive(const struct tracker *t);

/* The capture is over: every session ends. */
void tracker_end(struct tracker *t);

#endif
