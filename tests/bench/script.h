/* script.h - what crosses the wire in one connection, packet by packet, without its addresses.
 *
 * One script serves many connections: sequence numbers are relative to the initial ones. The
 * verdict that a sensor owes for it is written beside it.
 */
#ifndef MAILSEAL_BENCH_SCRIPT_H
#define MAILSEAL_BENCH_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/bytes.h"

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };
enum { TO_SERVER, TO_CLIENT };

/* As the session record has them. NONE: no session. */
enum verdict {
	STARTTLS,
	IMPLICIT,
	PLAINTEXT,
	TLS_FAILED,
	NO_TRANSACTION,
	VERDICTS,
	NONE = VERDICTS
};
enum service { MTA, SUBMISSION, ACCESS, SERVICES };

extern const char *const verdict_words[VERDICTS], *const service_words[SERVICES];

struct step {
	uint8_t way, flags;
	uint16_t length;   /* of the payload */
	uint32_t at;       /* where it begins in the script's bytes */
	uint32_t seq, ack; /* from the initial numbers */
};

struct script {
	uint16_t port;
	enum verdict verdict;
	enum service service;
	struct bytes bytes; /* payload of both ways, in the order of the steps */
	struct step *steps;
	uint32_t n;
	uint32_t lossy_from, lossy_to; /* steps that may be lost without a change of the verdict */
	uint64_t sent[2];              /* payload bytes each way */
};

/* The kinds of connections. */
enum kind {
	SMTP_TLS13,
	SMTP_TLS12,
	SMTP_TLS_LONG,
	SMTP_CLEAR,
	SMTP_CLEAR_LONG,
	SMTP_REFUSED,
	SMTP_LEAVES, /* banner, EHLO, QUIT */
	SMTP_TLS_FAILS,
	SUBMISSION_TLS,
	SUBMISSION_CLEAR,
	SUBMISSIONS, /* port 465 */
	IMAP_TLS,
	IMAP_CLEAR,
	IMAPS,
	POP3_TLS,
	POP3_CLEAR,
	POP3S,
	PROBES_PORT, /* a handshake of TCP, and a reset */
	IMAPS_IDLE,  /* stays open */
	MAIL_KINDS,
	WEB_CLEAR = MAIL_KINDS,
	WEB_TLS,
	KINDS
};

/* variant: another server, other sizes. Aborts when out of memory. */
void script_make(struct script *s, enum kind kind, unsigned variant);

#endif
