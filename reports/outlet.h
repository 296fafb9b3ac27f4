/* outlet.h - a socket towards a target: messages out, within a time limit.
 *
 * Connects when first used and anew after a failure. Knows no format; what is sent is one datagram,
 * or over TCP a message that carries its own frame. A message that TCP broke off is never continued
 * on another connection.
 */
#ifndef MAILSEAL_OUTLET_H
#define MAILSEAL_OUTLET_H

#include "reports/sink.h"

struct outlet;

/* where: the path of a datagram socket, or a name or an address. Both are copied. NULL with err when
 * the path is too long. */
struct outlet *outlet_new(enum target_transport how, const char *where, unsigned port,
			  unsigned timeout_s, char *err, size_t errlen);
void outlet_free(struct outlet *o); /* NULL is allowed */

/* SINK_TAKEN: the datagram was sent, and for a moment nobody said that nobody listens; over TCP the
 * other host has acknowledged every byte. SINK_REFUSED when no message of this size can be sent. The
 * answer is a sentence. */
enum sink_answer outlet_send(struct outlet *o, const char *message, size_t len, char *answer,
			     size_t answerlen);

#endif
