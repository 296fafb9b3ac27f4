/* verdict.h - one mail session: what was seen of it, and what that proves.
 *
 * This is the record that the capture process sends and everything else consumes. It is a
 * plain value of fixed size without pointers. There is deliberately no field that could hold
 * an address of a person, a subject, a login or a password.
 *
 * The meaning of every value is defined in doc/metrics.md.
 */
#ifndef MAILSEAL_VERDICT_H
#define MAILSEAL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Answer to a question that the capture may not allow to be answered. */
enum tri { TRI_NULL, TRI_FALSE, TRI_TRUE, TRI_N };

enum verdict {
	VERDICT_NONE, /* not decided yet; never leaves the sensor */
	VERDICT_ENCRYPTED_STARTTLS,
	VERDICT_ENCRYPTED_IMPLICIT,
	VERDICT_PLAINTEXT,
	VERDICT_TLS_FAILED,
	VERDICT_NO_TRANSACTION,
	VERDICT_INDETERMINATE,
	VERDICT_N
};

/* Why the verdict is what it is. */
enum reason {
	REASON_NONE,
	REASON_HANDSHAKE_COMPLETED,
	REASON_MAIL_IN_CLEAR,        /* MAIL crossed in clear */
	REASON_AUTH_IN_CLEAR,        /* AUTH, LOGIN, USER and the like crossed in clear */
	REASON_CONTENT_IN_CLEAR,     /* a message body without them */
	REASON_FATAL_ALERT,          /* the handshake ended with an alert */
	REASON_NOT_TLS,              /* something that is not TLS where TLS was due */
	REASON_HANDSHAKE_UNFINISHED, /* closed in the middle of the handshake */
	REASON_CLOSED_WITHOUT_MAIL,  /* ended, nothing of a user crossed */
	REASON_BEGAN_BEFORE_CAPTURE, /* neither SYN nor greeting seen */
	REASON_GAP,                  /* bytes are missing where it was decided */
	REASON_ONE_SIDED,            /* the direction that decides was not seen */
	REASON_CAPTURE_ENDED,        /* open and undecided when the capture ended */
	REASON_TIMED_OUT,            /* idle for too long while undecided */
	REASON_EVICTED,              /* pushed out of a full table while undecided */
	REASON_POSSIBLE_ALERT,       /* TLS 1.3: closed behind what may be an encrypted alert */
	REASON_PREAUTH_IN_CLEAR,     /* IMAP: commands after PREAUTH crossed in clear */
	REASON_DECRYPTED_MIRROR,     /* the tap shows clear text where TLS was granted */
	REASON_NULL_CIPHER,          /* TLS with a suite that does not encrypt */
	REASON_N
};

enum protocol { PROTOCOL_NONE, PROTOCOL_SMTP, PROTOCOL_IMAP, PROTOCOL_POP3, PROTOCOL_N };

enum service { SERVICE_MTA, SERVICE_SUBMISSION, SERVICE_ACCESS, SERVICE_N };

/* What crossed in clear; a later value weighs more. NONE is null in the session record. */
enum exposure {
	EXPOSURE_NONE,
	EXPOSURE_REFUSED,     /* the server accepted nothing */
	EXPOSURE_UNKNOWN,     /* whether it did was not seen */
	EXPOSURE_ENVELOPE,    /* a MAIL answered 2xx */
	EXPOSURE_CREDENTIALS, /* an authentication exchange */
	EXPOSURE_CONTENT,     /* a message or mailbox content */
	EXPOSURE_N
};

/* Why a plaintext session was in clear. */
enum cause {
	CAUSE_NONE, /* not a plaintext session */
	CAUSE_NOT_OFFERED,
	CAUSE_NOT_REQUESTED,
	CAUSE_REFUSED,
	CAUSE_HANDSHAKE_FAILED,
	CAUSE_SUSPECTED_STRIPPING,
	CAUSE_UNKNOWN,
	CAUSE_N
};

enum directions { DIRECTIONS_BOTH, DIRECTIONS_TO_SERVER, DIRECTIONS_TO_CLIENT, DIRECTIONS_N };

enum stripped {
	STRIPPED_NONE,
	STRIPPED_MASKED,
	STRIPPED_REFUSED,
	STRIPPED_REMOVED,
	STRIPPED_HELO,
	STRIPPED_N
};

/* Strange but not decisive; each is a bit (1u << value) in session.oddities. */
enum oddity {
	ODDITY_LINE_TOO_LONG,       /* a line over the bound was cut */
	ODDITY_BARE_LF,             /* lines that end in LF alone */
	ODDITY_NO_GREETING,         /* the client spoke first */
	ODDITY_BAD_REPLY,           /* a server line that no server of this protocol says */
	ODDITY_UNSOLICITED_REPLY,   /* a reply that answers no command */
	ODDITY_REPLY_MISMATCH,      /* a reply that cannot belong to its command */
	ODDITY_TOO_MANY_COMMANDS,   /* more pipelined commands than are remembered */
	ODDITY_BAD_BDAT,            /* BDAT with an impossible size */
	ODDITY_CLEAR_AFTER_UPGRADE, /* clear text where TLS was granted */
	ODDITY_BAD_TLS,             /* a record or message that breaks the rules */
	ODDITY_OVERLAP,             /* segments that overlap with different bytes */
	ODDITY_TRUNCATED,           /* packets cut short by the snap length */
	ODDITY_UNEXPECTED_UPGRADE,  /* an upgrade event out of order */
	ODDITY_MASKED_GREETING,     /* a greeting blanked to asterisks by something on the path */
	ODDITY_BAD_LITERAL,         /* IMAP: a literal with an impossible size */
	ODDITY_N
};

/* Named facts for the people who run the server; each is a bit (1u << value) in session.findings. */
enum finding {
	FINDING_PREAUTH_IN_CLEAR,  /* IMAP: the greeting in clear was PREAUTH (RFC 9051, 7.1.4) */
	FINDING_LOGIN_BEFORE_STLS, /* a login in clear before, or instead of, an upgrade on offer */
	FINDING_LOGINDISABLED_OFFERED, /* IMAP: LOGINDISABLED was listed in clear (RFC 9051, 6.2.3) */
	FINDING_N
};

/* The server's certificate. */
enum certificate {
	CERTIFICATE_NONE,           /* no TLS, or the part that would show it was not seen */
	CERTIFICATE_NOT_OBSERVABLE, /* TLS 1.3 encrypts it; a resumed session has none */
	CERTIFICATE_SEEN,
	CERTIFICATE_UNREADABLE, /* it is not one that libcrypto can parse, or too large */
	CERTIFICATE_N
};

/* One piece of evidence: a reply code (100 to 999), or a word from this list. */
enum word {
	WORD_NONE = 0,
	WORD_FIRST = 1000,
	WORD_HELO = WORD_FIRST,
	WORD_EHLO,
	WORD_STARTTLS,
	WORD_MAIL,
	WORD_RCPT,
	WORD_DATA,
	WORD_BDAT,
	WORD_BODY,
	WORD_DOT,
	WORD_RSET,
	WORD_AUTH,
	WORD_QUIT,
	WORD_OTHER_COMMAND,
	WORD_GAP,
	WORD_CLIENT_HELLO,
	WORD_SERVER_HELLO,
	WORD_FINISHED, /* the handshake completed */
	WORD_ALERT,
	WORD_NOT_TLS,
	WORD_MASKED,   /* a keyword, or the client's command, blanked to XXXXXXXA */
	WORD_INJECTED, /* clear bytes in the flight of STARTTLS or behind its answer */
	/* IMAP and POP3: answers */
	WORD_POP_OK,  /* +OK */
	WORD_POP_ERR, /* -ERR */
	WORD_OK,      /* tagged, or the greeting */
	WORD_NO,
	WORD_BAD,
	WORD_PREAUTH,
	WORD_BYE,
	WORD_CONTINUE, /* + */
	/* IMAP and POP3: commands */
	WORD_CAPABILITY,
	WORD_LOGIN,
	WORD_AUTHENTICATE,
	WORD_SELECT,
	WORD_FETCH,
	WORD_APPEND,
	WORD_LOGOUT,
	WORD_CAPA,
	WORD_STLS,
	WORD_USER,
	WORD_PASS,
	WORD_APOP,
	WORD_RETR,
	WORD_TOP,
	WORD_LITERAL, /* bytes of an IMAP literal */
	WORD_END
};

#define EVIDENCE_MAX    16
#define SNI_MAX         255
#define ALPN_LIST_MAX   63  /* bytes of the client's list */
#define CERT_NAME_MAX   127 /* bytes of a distinguished name */
#define TLS_CIPHER_NONE -1
#define VLAN_NONE       0xffff
#define MESSAGES_NULL   -1
#define TLS_GROUP_NONE  -1
#define TLS_ALERT_NONE  -1

/* What the server's certificate says, for TLS up to 1.2. The names are of the form of RFC 4514
 * without e-mail addresses, cut at CERT_NAME_MAX; bytes from the wire: escape before use. */
struct certificate_facts {
	int64_t not_before, not_after; /* seconds since 1970 */
	uint8_t state;                 /* enum certificate; the rest is valid when SEEN */
	uint8_t name_matches;          /* enum tri: it is good for the SNI; null without SNI */
	uint8_t self_signed;           /* enum tri */
	uint8_t subject_len, issuer_len;
	char subject[CERT_NAME_MAX + 1];
	char issuer[CERT_NAME_MAX + 1];
};

struct session {
	uint64_t start_ns, end_ns; /* first and last packet, ns since 1970 UTC */
	uint64_t decided_ns;       /* the packet that decided the verdict */
	uint64_t bytes_to_server, bytes_to_client;
	uint64_t bytes_missing; /* both directions */
	uint8_t client[16];     /* network order; IPv4 as ::ffff:a.b.c.d */
	uint8_t server[16];
	uint16_t client_port, server_port;
	uint16_t vlan;     /* outermost tag, or VLAN_NONE */
	uint8_t interface; /* index into the list of interfaces or files of the sensor */

	uint8_t protocol;     /* enum protocol */
	uint8_t service;      /* enum service */
	uint8_t verdict;      /* enum verdict */
	uint8_t reason;       /* enum reason */
	uint8_t offered;      /* enum tri: STARTTLS in the capability list */
	uint8_t requested;    /* enum tri */
	uint8_t accepted;     /* enum tri */
	uint8_t auth_clear;   /* enum tri: an authentication exchange began in clear */
	uint8_t stripped;     /* enum stripped */
	uint8_t injected;     /* bool */
	uint8_t exposure;     /* enum exposure */
	uint8_t confirmed;    /* enum tri; null unless plaintext */
	uint8_t cause;        /* enum cause */
	uint8_t directions;   /* enum directions */
	uint8_t begun_before; /* bool: began before the capture did */
	uint8_t ehlo_refused; /* bool: EHLO was answered 5xx, and nothing was missing */
	uint8_t findings;     /* bits of enum finding */
	uint8_t fallback;     /* bool, set by the recorder: TLS failed shortly before */
	uint8_t tls_resumed;  /* enum tri */

	int32_t messages;   /* accepted in clear, or MESSAGES_NULL */
	int32_t tls_cipher; /* code point, or TLS_CIPHER_NONE */
	int32_t tls_group;  /* code point of the key exchange group, or TLS_GROUP_NONE */
	int16_t tls_alert;  /* description of the alert in clear that ended it, or TLS_ALERT_NONE */
	uint16_t tls_version; /* as on the wire (0x0304 is TLS 1.3), or 0 */
	uint16_t sni_len;
	uint32_t oddities; /* bits of enum oddity */
	uint16_t evidence_len;
	uint16_t evidence[EVIDENCE_MAX];
	char sni[SNI_MAX + 1]; /* raw bytes from the wire: escape before use */
	uint8_t alpn_len;
	char alpn[ALPN_LIST_MAX +
		  1]; /* what the client offered, joined by commas (RFC 7301); raw */
	struct certificate_facts certificate;
};

/* The words used in the session record, the ledger and the configuration. NULL for TRI_NULL,
 * for the NONE values that are null in the record, and for values out of range. */
const char *verdict_name(enum verdict v);
const char *reason_name(enum reason r);
const char *protocol_name(enum protocol p);
const char *service_name(enum service s);
const char *exposure_name(enum exposure e);
const char *cause_name(enum cause c);
const char *directions_name(enum directions d);
const char *stripped_name(enum stripped s);
const char *oddity_name(enum oddity o);
const char *finding_name(enum finding f);
const char *word_name(unsigned w);              /* NULL for reply codes */
const char *tls_version_name(unsigned version); /* "TLSv1.3"; NULL when unknown */

/* Service by the name used in records. False when there is none of that name. */
bool service_by_name(const char *name, enum service *out);

/* True when every field is within its range: a record is checked before it is believed. */
bool session_valid(const struct session *s);

#endif
