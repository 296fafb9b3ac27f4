/* explain_words.c - the sentence for every value of the session record. */
#include "reports/explain.h"

#define WORDS_OF(table, value) \
	((size_t)(value) < sizeof(table) / sizeof((table)[0]) ? (table)[value] : NULL)

static const char *const verdict_words[VERDICT_N] = {
	[VERDICT_ENCRYPTED_STARTTLS] =
		"The mail was encrypted: an upgrade to TLS was accepted and completed.",
	[VERDICT_ENCRYPTED_IMPLICIT] =
		"The mail was encrypted: TLS from the first byte, and completed.",
	[VERDICT_PLAINTEXT] = "User data crossed in clear.",
	[VERDICT_TLS_FAILED] =
		"TLS was begun and did not complete; no user data was seen in clear.",
	[VERDICT_NO_TRANSACTION] = "A session in clear that ended before any user data crossed.",
	[VERDICT_INDETERMINATE] = "What was captured is not enough to say.",
};

static const char *const reason_words[REASON_N] = {
	[REASON_HANDSHAKE_COMPLETED] = "The TLS handshake was seen to complete.",
	[REASON_MAIL_IN_CLEAR] =
		"A MAIL command crossed in clear: a mail transaction began without TLS.",
	[REASON_AUTH_IN_CLEAR] = "An authentication crossed in clear.",
	[REASON_CONTENT_IN_CLEAR] = "Content of a message or mailbox crossed in clear, though no "
				    "command for it was seen.",
	[REASON_FATAL_ALERT] = "One side ended the TLS handshake with an alert.",
	[REASON_NOT_TLS] = "Where the TLS handshake was due came something that is not TLS.",
	[REASON_HANDSHAKE_UNFINISHED] = "The connection closed in the middle of the TLS handshake.",
	[REASON_CLOSED_WITHOUT_MAIL] = "The connection closed before MAIL, AUTH or TLS.",
	[REASON_BEGAN_BEFORE_CAPTURE] = "The connection is older than the capture: neither its "
					"first packet nor the greeting was seen.",
	[REASON_GAP] = "Packets are missing just where the session was decided.",
	[REASON_ONE_SIDED] = "Only one direction was captured, and not the one that decides.",
	[REASON_CAPTURE_ENDED] = "The capture ended while the connection was open and undecided.",
	[REASON_TIMED_OUT] = "The connection was silent for too long while it was undecided.",
	[REASON_EVICTED] =
		"The sensor ran out of room for connections and gave this one up undecided.",
	[REASON_POSSIBLE_ALERT] = "The connection closed right behind a TLS 1.3 record that may be "
				  "an encrypted alert, so "
				  "the handshake may have failed.",
	[REASON_PREAUTH_IN_CLEAR] =
		"The server took the client for logged in (PREAUTH), and its commands "
		"crossed in clear.",
	[REASON_DECRYPTED_MIRROR] =
		"STARTTLS was accepted and clear text followed. This tap is said to show "
		"decrypted traffic (capture.decrypted_mirror), so what was on the wire is not "
		"known.",
	[REASON_NULL_CIPHER] =
		"The TLS handshake completed with a cipher suite that does not encrypt.",
};

static const char *const exposure_words[EXPOSURE_N] = {
	[EXPOSURE_REFUSED] = "The server accepted nothing in clear.",
	[EXPOSURE_UNKNOWN] = "Whether the server accepted it was not seen.",
	[EXPOSURE_ENVELOPE] = "The envelope of a mail (its sender) crossed and was accepted.",
	[EXPOSURE_CREDENTIALS] = "Credentials crossed.",
	[EXPOSURE_CONTENT] = "The content of a message or mailbox crossed.",
};

static const char *const cause_words[CAUSE_N] = {
	[CAUSE_NOT_OFFERED] = "The server did not offer STARTTLS.",
	[CAUSE_NOT_REQUESTED] = "The server offered STARTTLS and the client did not ask for it.",
	[CAUSE_REFUSED] = "The client asked for STARTTLS and the server refused.",
	[CAUSE_HANDSHAKE_FAILED] = "The TLS handshake failed and the session went on in clear.",
	[CAUSE_SUSPECTED_STRIPPING] = "Something on the path appears to suppress STARTTLS.",
	[CAUSE_UNKNOWN] = "What was seen does not tell why the session was in clear.",
};

static const char *const stripped_words[STRIPPED_N] = {
	[STRIPPED_MASKED] = "A capability was blanked out, as middleboxes do to STARTTLS.",
	[STRIPPED_REFUSED] = "STARTTLS was offered and then refused.",
	[STRIPPED_REMOVED] = "STARTTLS was not offered here, while this server offered it within "
			     "the hour.",
	[STRIPPED_HELO] = "EHLO was refused, so STARTTLS was not offered here, while this server "
			  "offered it within the hour.",
};

static const char *const directions_words[DIRECTIONS_N] = {
	[DIRECTIONS_BOTH] = "Both directions were captured.",
	[DIRECTIONS_TO_SERVER] =
		"Only what the client sent was captured; the server's side was not seen.",
	[DIRECTIONS_TO_CLIENT] =
		"Only what the server sent was captured; the client's side was not seen.",
};

static const char *const oddity_words[ODDITY_N] = {
	[ODDITY_LINE_TOO_LONG] = "a line was longer than the sensor reads",
	[ODDITY_BARE_LF] = "lines ended in LF alone",
	[ODDITY_NO_GREETING] = "the client spoke before the server greeted",
	[ODDITY_BAD_REPLY] = "a line of the server was no reply",
	[ODDITY_UNSOLICITED_REPLY] = "a reply answered no command",
	[ODDITY_REPLY_MISMATCH] = "a reply could not belong to its command",
	[ODDITY_TOO_MANY_COMMANDS] = "more commands were pipelined than the sensor remembers",
	[ODDITY_BAD_BDAT] = "BDAT had an impossible size",
	[ODDITY_CLEAR_AFTER_UPGRADE] = "clear text came where TLS had been granted",
	[ODDITY_BAD_TLS] = "a TLS record or message broke the rules",
	[ODDITY_OVERLAP] = "segments overlapped with different bytes",
	[ODDITY_TRUNCATED] = "packets were cut short by the capture",
	[ODDITY_UNEXPECTED_UPGRADE] = "a step of the upgrade came out of order",
	[ODDITY_MASKED_GREETING] = "something on the path blanked the greeting to asterisks",
	[ODDITY_BAD_LITERAL] = "an IMAP literal had an impossible size",
};

static const char *const finding_words[FINDING_N] = {
	[FINDING_PREAUTH_IN_CLEAR] =
		"The server greeted with PREAUTH in clear: behind it IMAP has no STARTTLS.",
	[FINDING_LOGIN_BEFORE_STLS] =
		"A login crossed in clear before, or instead of, an upgrade that was on offer.",
	[FINDING_LOGINDISABLED_OFFERED] =
		"The server said that it takes no password in clear (LOGINDISABLED).",
};

static const char *const word_words[WORD_END - WORD_FIRST] = {
	[WORD_HELO - WORD_FIRST] = "the client said HELO",
	[WORD_EHLO - WORD_FIRST] = "the client said EHLO",
	[WORD_STARTTLS - WORD_FIRST] = "the client asked for STARTTLS",
	[WORD_MAIL - WORD_FIRST] = "the client began a mail (MAIL) in clear",
	[WORD_RCPT - WORD_FIRST] = "the client named a recipient (RCPT) in clear",
	[WORD_DATA - WORD_FIRST] = "the client asked to send the message (DATA)",
	[WORD_BDAT - WORD_FIRST] = "the client sent a part of the message (BDAT) in clear",
	[WORD_BODY - WORD_FIRST] = "the message itself crossed in clear",
	[WORD_DOT - WORD_FIRST] = "the client ended the message with a lone dot",
	[WORD_RSET - WORD_FIRST] = "the client started over (RSET)",
	[WORD_AUTH - WORD_FIRST] = "the client logged in (AUTH) in clear",
	[WORD_QUIT - WORD_FIRST] = "the client took its leave (QUIT)",
	[WORD_OTHER_COMMAND - WORD_FIRST] = "the client sent another command",
	[WORD_GAP - WORD_FIRST] = "bytes are missing from the capture here",
	[WORD_CLIENT_HELLO - WORD_FIRST] = "the client began TLS (ClientHello)",
	[WORD_SERVER_HELLO - WORD_FIRST] = "the server answered in TLS (ServerHello)",
	[WORD_FINISHED - WORD_FIRST] = "the TLS handshake completed",
	[WORD_ALERT - WORD_FIRST] = "a TLS alert ended the handshake",
	[WORD_NOT_TLS - WORD_FIRST] = "something that is not TLS came where TLS was due",
	[WORD_MASKED - WORD_FIRST] = "something on the path blanked a word (XXXXXXXA)",
	[WORD_INJECTED - WORD_FIRST] = "clear bytes came where TLS was to begin: an injection",
	[WORD_POP_OK - WORD_FIRST] = "the server said yes (+OK)",
	[WORD_POP_ERR - WORD_FIRST] = "the server said no (-ERR)",
	[WORD_OK - WORD_FIRST] = "the server said yes (OK)",
	[WORD_NO - WORD_FIRST] = "the server said no (NO)",
	[WORD_BAD - WORD_FIRST] = "the server did not understand (BAD)",
	[WORD_PREAUTH - WORD_FIRST] = "the server greeted a client that is logged in (PREAUTH)",
	[WORD_BYE - WORD_FIRST] = "the server took its leave (BYE)",
	[WORD_CONTINUE - WORD_FIRST] = "the server asked for more (+)",
	[WORD_CAPABILITY - WORD_FIRST] = "what the server can do was asked or told (CAPABILITY)",
	[WORD_LOGIN - WORD_FIRST] = "the client logged in (LOGIN) in clear",
	[WORD_AUTHENTICATE - WORD_FIRST] = "the client logged in (AUTHENTICATE) in clear",
	[WORD_SELECT - WORD_FIRST] = "the client opened a mailbox (SELECT) in clear",
	[WORD_FETCH - WORD_FIRST] = "the client fetched mail (FETCH) in clear",
	[WORD_APPEND - WORD_FIRST] = "the client stored a mail (APPEND) in clear",
	[WORD_LOGOUT - WORD_FIRST] = "the client took its leave (LOGOUT)",
	[WORD_CAPA - WORD_FIRST] = "the client asked what the server can do (CAPA)",
	[WORD_STLS - WORD_FIRST] = "the client asked for STLS",
	[WORD_USER - WORD_FIRST] = "the client named a user (USER) in clear",
	[WORD_PASS - WORD_FIRST] = "the client sent a password (PASS) in clear",
	[WORD_APOP - WORD_FIRST] = "the client logged in (APOP) in clear",
	[WORD_RETR - WORD_FIRST] = "the client fetched a mail (RETR) in clear",
	[WORD_TOP - WORD_FIRST] = "the client fetched the top of a mail (TOP) in clear",
	[WORD_LITERAL - WORD_FIRST] = "a literal crossed in clear",
};

const char *explain_verdict(enum verdict v)
{
	return WORDS_OF(verdict_words, v);
}

const char *explain_reason(enum reason r)
{
	return WORDS_OF(reason_words, r);
}

const char *explain_exposure(enum exposure e)
{
	return WORDS_OF(exposure_words, e);
}

const char *explain_cause(enum cause c)
{
	return WORDS_OF(cause_words, c);
}

const char *explain_stripped(enum stripped s)
{
	return WORDS_OF(stripped_words, s);
}

const char *explain_directions(enum directions d)
{
	return WORDS_OF(directions_words, d);
}

const char *explain_oddity(enum oddity o)
{
	return WORDS_OF(oddity_words, o);
}

const char *explain_finding(enum finding f)
{
	return WORDS_OF(finding_words, f);
}

const char *explain_word(unsigned word)
{
	return word < WORD_FIRST ? NULL : WORDS_OF(word_words, word - WORD_FIRST);
}
