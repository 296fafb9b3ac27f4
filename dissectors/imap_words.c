#include "dissectors/imap_words.h"

static const struct {
	const char *name;
	uint8_t command;
	uint16_t word;
} commands[] = {
	{ "CAPABILITY", IMAP_CAPABILITY, WORD_CAPABILITY },
	{ "ID", IMAP_HARMLESS, WORD_OTHER_COMMAND },
	{ "NOOP", IMAP_HARMLESS, WORD_OTHER_COMMAND },
	{ "ENABLE", IMAP_HARMLESS, WORD_OTHER_COMMAND },
	{ "LOGOUT", IMAP_LOGOUT, WORD_LOGOUT },
	{ "STARTTLS", IMAP_STARTTLS, WORD_STARTTLS },
	{ "LOGIN", IMAP_LOGIN, WORD_LOGIN },
	{ "AUTHENTICATE", IMAP_AUTHENTICATE, WORD_AUTHENTICATE },
	{ "APPEND", IMAP_APPEND, WORD_APPEND },
	{ "SELECT", IMAP_MAILBOX, WORD_SELECT },
	{ "EXAMINE", IMAP_MAILBOX, WORD_SELECT },
	{ "FETCH", IMAP_MAILBOX, WORD_FETCH },
	{ "UID", IMAP_MAILBOX, WORD_FETCH },
	{ "LIST", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "LSUB", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "XLIST", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "STATUS", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "SEARCH", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "SORT", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "THREAD", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "STORE", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "COPY", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "MOVE", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "EXPUNGE", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "CREATE", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "DELETE", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "RENAME", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "SUBSCRIBE", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "UNSUBSCRIBE", IMAP_MAILBOX, WORD_OTHER_COMMAND },
	{ "IDLE", IMAP_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "NAMESPACE", IMAP_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "CHECK", IMAP_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "CLOSE", IMAP_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "UNSELECT", IMAP_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "GETQUOTAROOT", IMAP_SIGNED_IN, WORD_OTHER_COMMAND },
	{ "COMPRESS", IMAP_COMPRESS, WORD_OTHER_COMMAND },
};

static const struct {
	const char *name;
	uint16_t word;
} statuses[IMAP_STATUSES] = {
	[IMAP_OK] = { "OK", WORD_OK },    [IMAP_NO] = { "NO", WORD_NO },
	[IMAP_BAD] = { "BAD", WORD_BAD }, [IMAP_PREAUTH] = { "PREAUTH", WORD_PREAUTH },
	[IMAP_BYE] = { "BYE", WORD_BYE },
};

static const char *const mailbox_data[] = {
	"FETCH", "EXISTS", "LIST",    "LSUB",  "XLIST",  "STATUS",
	"SORT",  "SEARCH", "ESEARCH", "FLAGS", "THREAD", "RECENT",
};

enum imap_command imap_read_command(struct span text, unsigned *word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (span_is(text, commands[i].name)) {
			*word = commands[i].word;
			return (enum imap_command)commands[i].command;
		}
	}
	*word = WORD_OTHER_COMMAND;
	return IMAP_OTHER;
}

enum imap_status imap_read_status(struct span text)
{
	for (unsigned i = IMAP_OK; i < IMAP_STATUSES; i++) {
		if (span_is(text, statuses[i].name))
			return (enum imap_status)i;
	}
	return IMAP_NO_STATUS;
}

unsigned imap_status_word(enum imap_status s)
{
	return statuses[s].word;
}

bool imap_is_mailbox_data(struct span text)
{
	for (size_t i = 0; i < sizeof(mailbox_data) / sizeof(mailbox_data[0]); i++) {
		if (span_is(text, mailbox_data[i]))
			return true;
	}
	return false;
}

bool imap_is_number(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	}
	return text.len > 0;
}
