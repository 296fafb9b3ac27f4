/* probe.h - is it mail? Asked of one connection for as long as that is not sure.
 *
 * On a mail port what has the words of the protocol is mail. Elsewhere the connection must show it,
 * within a few packets: by the protocol's own commands, by libndpi's word where there is only a
 * greeting, or by the name that a ClientHello asks for. Gives no verdict and reports nothing.
 */
#ifndef MAILSEAL_PROBE_H
#define MAILSEAL_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "dissectors/mail.h"
#include "sensor/classify.h"
#include "sensor/decode.h"

struct probe {
	bool open;       /* on no port of that protocol, and not sure yet that it is mail */
	bool tls_named;  /* the ClientHello says that it is mail */
	bool named;      /* by our own test: libndpi has nothing to decide */
	bool ndpi_mail;  /* libndpi found mail */
	bool ndpi_other; /* libndpi found something else */
	uint8_t packets; /* with payload */
	uint32_t ndpi;   /* flow asked about, or 0 */
};

/* open: it must show that it is mail. */
void probe_init(struct probe *p, bool open);

/* A packet with payload, before m is fed with it. libndpi is shown those of a connection that our
 * own test cannot name, and nothing after AUTH. */
void probe_packet(struct probe *p, struct classifier *c, const struct mail *m,
		  const struct packet *packet);

enum probe_answer {
	PROBE_OPEN,
	PROBE_MAIL,     /* the probe is no longer open */
	PROBE_NOT_MAIL, /* it had its chance */
};

/* Asks an open probe after m was fed. waits: some payload is held back until what is before it
 * comes, so that more packets are allowed. Gives m the name that TLS shows. */
enum probe_answer probe_ask(struct probe *p, struct mail *m, bool waits);

/* Is it mail, by all that was seen? */
bool probe_is_mail(const struct probe *p, const struct mail *m);

/* Gives back what libndpi holds. */
void probe_fini(struct probe *p, struct classifier *c);

#endif
