/* tracker_start.c - whether a connection may be mail, by its port and its first payload. */
#include "sensor/tracker_parts.h"

#include "dissectors/tls_record.h"
#include "sensor/classify.h"

#define PORT_HTTPS 443

/* On its port a protocol is taken for granted until something else is seen: a greeting of another
 * one, which then has to show that it is mail. */
static bool speaks_otherwise(const struct mail_port *port, const struct session_start *start,
			     enum first_bytes first)
{
	bool greeting = first == FIRST_SMTP_SERVER || first == FIRST_IMAP_SERVER ||
			first == FIRST_POP3_SERVER;

	return greeting && start->syn[SERVER] && classify_named(first) != port->protocol;
}

/* Only a ClientHello names what is inside TLS; behind its beginning none comes. */
static bool may_be_hello(const struct session_start *start, const struct packet *p)
{
	return start->syn[CLIENT] || start->syn[SERVER] || p->payload[0] == TLS_HANDSHAKE;
}

bool tracker_may_be_mail(const struct mail_port *port, const struct packet *p,
			 struct session_start *start)
{
	enum first_bytes first = classify_first_bytes((struct span){ p->payload, p->length });

	if (port && !speaks_otherwise(port, start, first)) {
		start->protocol = (enum protocol)port->protocol;
		start->service = (enum service)port->service;
		start->implicit_tls = port->implicit_tls;
		return first != FIRST_OTHER || !start->syn[CLIENT];
	}
	start->probing = true;
	start->protocol = classify_named(first);
	if (first == FIRST_TEXT)
		start->protocol = PROTOCOL_SMTP;
	start->service = classify_service(start->protocol);
	if (first == FIRST_TLS)
		return start->server_port != PORT_HTTPS && may_be_hello(start, p);
	return start->protocol != PROTOCOL_NONE;
}
