/* imap.h - the clear part of an IMAP conversation (RFC 9051, 3501; 7888 for literals without
 * waiting, 4959 for initial responses, 4978 for compression).
 *
 * Follows commands and their tagged answers, literals, AUTHENTICATE exchanges and the lists of
 * capabilities, and writes down what they prove. Keeps command names and hashes of tags; literals
 * are counted, never buffered.
 *
 * After a gap in the client's bytes a line may be part of a message: then only a command together
 * with its tagged answer proves anything.
 */
#ifndef MAILSEAL_IMAP_H
#define MAILSEAL_IMAP_H

#include "dissectors/facts.h"
#include "dissectors/wordbuf.h"

#define IMAP_QUEUE 16 /* commands without an answer */

enum imap_command {
	IMAP_OTHER,
	IMAP_HARMLESS, /* in any state */
	IMAP_CAPABILITY,
	IMAP_LOGOUT,
	IMAP_STARTTLS,
	IMAP_LOGIN,
	IMAP_AUTHENTICATE,
	IMAP_APPEND,
	IMAP_MAILBOX,   /* what is in a mailbox */
	IMAP_SIGNED_IN, /* needs a login, carries nothing */
	IMAP_COMPRESS,
	IMAP_COMMANDS
};

enum imap_status {
	IMAP_NO_STATUS,
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_PREAUTH,
	IMAP_BYE,
	IMAP_STATUSES
};

/* What kind of line the server is saying. */
enum imap_answer { IMAP_JUNK, IMAP_UNTAGGED, IMAP_TAGGED, IMAP_CONTINUE };

struct imap_pending {
	uint32_t tag; /* hash */
	uint8_t command;
	bool sure;        /* nothing was missing when it was sent */
	bool credentials; /* some came with it */
};

/* The client's line so far. */
struct imap_request {
	uint32_t tag;
	uint16_t word; /* in the evidence */
	uint8_t command;
	bool pushed; /* it is in the queue; its end is still to come */
	bool star;   /* the line begins with "*": an exchange is cancelled */
	bool empty;  /* an initial response of "=" */
};

/* The server's line so far. */
struct imap_response {
	uint32_t tag;
	uint8_t kind;   /* enum imap_answer */
	uint8_t status; /* enum imap_status */
	bool numbered;  /* "* 12 ..." */
	bool data;      /* it tells what is in a mailbox */
	bool listing;   /* inside a list of capabilities */
	bool list;      /* there was one */
	bool starttls, logindisabled, masked;
};

struct imap {
	struct wordbuf line[SIDES];
	uint64_t literal[SIDES];               /* bytes of it still to come */
	uint16_t behind[SIDES];                /* words on the line when it goes on */
	uint64_t literal_size;                 /* announced by the client, and waited for */
	struct imap_pending queue[IMAP_QUEUE]; /* oldest first */
	uint8_t queued;
	struct imap_request request;
	struct imap_response response;
	bool stale;     /* a gap may have held answers */
	bool same_tags; /* two commands had the same: then their answers look alike */
	uint32_t last_tag;
	bool lost[SIDES];     /* a gap, or began in the middle */
	bool waits;           /* a literal was announced and waits for the server's word */
	bool unasked_literal; /* one came without waiting */
	bool auth_dialogue;   /* a "+" awaits the client's line */
	bool spoken;          /* the server has said something */
	bool preauth;
	bool signed_in;       /* no list of capabilities tells of STARTTLS any more */
	bool listed;          /* server alone: CAPABILITY or BYE explain the next tagged answer */
	bool unexplained;     /* server alone: one was not explained */
	bool perhaps_granted; /* a yes to a command that was not seen: it may be STARTTLS */
	bool content_doubted; /* mailbox data behind it: a forgery if TLS follows */
	bool opaque;          /* compressed: nothing can be read any more */
	bool answer_ready;
};

void imap_init(struct imap *s, bool from_the_start);

/* See clear.h. */
size_t imap_client(struct imap *s, struct facts *f, const uint8_t *data, size_t n);
bool imap_waits(const struct imap *s, const struct facts *f);
void imap_presume(struct imap *s, struct facts *f);
size_t imap_server(struct imap *s, struct facts *f, const uint8_t *data, size_t n);
void imap_answer(struct imap *s, struct facts *f);
void imap_gap(struct imap *s, struct facts *f, enum side from, uint64_t n);
bool imap_at_line_start(const struct imap *s, enum side from);

#endif
