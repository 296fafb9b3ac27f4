/* Tests the readers of SMTP's lines. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/smtp_words.h"

/* In memory of exactly its size. */
static struct span borrow(const char *text, void **memory)
{
	size_t n = strlen(text);

	*memory = malloc(n ? n : 1);
	assert_non_null(*memory);
	memcpy(*memory, text, n);
	return (struct span){ *memory, n };
}

static void commands_are_read_in_any_letter_case(void **state)
{
	static const struct {
		const char *line;
		enum smtp_command command;
		unsigned word;
		const char *args;
	} cases[] = {
		{ "EHLO client.example", SMTP_EHLO, WORD_EHLO, "client.example" },
		{ "ehlo\tclient.example", SMTP_EHLO, WORD_EHLO, "client.example" },
		{ "HELO a b", SMTP_HELO, WORD_HELO, "a b" },
		{ "StartTLS", SMTP_STARTTLS, WORD_STARTTLS, "" },
		{ "STARTTLS  ", SMTP_STARTTLS, WORD_STARTTLS, "" },
		{ "STARTTLS\r", SMTP_STARTTLS, WORD_STARTTLS, "" },
		{ "MAIL FROM:<>", SMTP_MAIL, WORD_MAIL, "FROM:<>" },
		{ "rcpt TO:<a@b>", SMTP_RCPT, WORD_RCPT, "TO:<a@b>" },
		{ "DATA", SMTP_DATA, WORD_DATA, "" },
		{ "BDAT 12 LAST", SMTP_BDAT, WORD_BDAT, "12 LAST" },
		{ "RSET", SMTP_RSET, WORD_RSET, "" },
		{ "AUTH PLAIN =", SMTP_AUTH, WORD_AUTH, "PLAIN =" },
		{ "quit", SMTP_QUIT, WORD_QUIT, "" },
		{ "NOOP", SMTP_OTHER, WORD_OTHER_COMMAND, "" },
		{ "XXXXXXXX", SMTP_OTHER, WORD_OTHER_COMMAND, "" },
		{ "X-ANONYMOUSTLS", SMTP_OTHER, WORD_OTHER_COMMAND, "" },
		{ "MAILFROM:<>", SMTP_OTHER, WORD_OTHER_COMMAND, "" },
		{ " \tMAIL FROM:<>", SMTP_MAIL, WORD_MAIL, "FROM:<>" },
		{ "MAIL FROM\t:<>", SMTP_MAIL, WORD_MAIL, "FROM\t:<>" },
		{ "X-EXPS LOGIN", SMTP_AUTH, WORD_AUTH, "LOGIN" },
		{ " ", SMTP_OTHER, WORD_OTHER_COMMAND, "" },
		{ "DAT", SMTP_OTHER, WORD_OTHER_COMMAND, "" },
		{ "\r", SMTP_OTHER, WORD_OTHER_COMMAND, "" },
		{ "", SMTP_OTHER, WORD_OTHER_COMMAND, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *memory;
		struct span args, line = borrow(cases[i].line, &memory);
		unsigned word = WORD_NONE;

		assert_int_equal(smtp_read_command(line, &args, &word), cases[i].command);
		assert_int_equal(word, cases[i].word);
		assert_int_equal(args.len, strlen(cases[i].args));
		assert_memory_equal(args.at, cases[i].args, args.len);
		free(memory);
	}
}

static void a_chunk_has_a_size_or_is_none(void **state)
{
	static const struct {
		const char *args;
		bool ok;
		uint64_t size;
		bool last;
	} cases[] = {
		{ "0", true, 0, false },
		{ "86", true, 86, false },
		{ "86 LAST", true, 86, true },
		{ "86 last", true, 86, true },
		{ "0 \t LAST", true, 0, true },
		{ "0000000000000000000000000012", true, 12, false },
		{ "9223372036854775807", true, INT64_MAX, false },
		{ "9223372036854775808", false, 0, false },
		{ "18446744073709551617", false, 0, false },
		{ "99999999999999999999999999", false, 0, false },
		{ "-1", false, 0, false },
		{ "+1", false, 0, false },
		{ "1x", false, 0, false },
		{ "0x10", false, 0, false },
		{ "", false, 0, false },
		{ "LAST", false, 0, false },
		{ "86 FIRST", false, 0, false },
		{ "86 LAST x", false, 0, true },
		{ "1 2", false, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *memory;
		struct span args = borrow(cases[i].args, &memory);
		uint64_t size = 0;
		bool last = !cases[i].last;

		assert_int_equal(smtp_read_bdat(args, &size, &last), cases[i].ok);
		assert_int_equal(last, cases[i].last);
		if (cases[i].ok)
			assert_true(size == cases[i].size);
		free(memory);
	}
}

static void a_reply_begins_with_its_code(void **state)
{
	static const struct {
		const char *line;
		unsigned code;
		bool more;
	} cases[] = {
		{ "220 mx.example ESMTP", 220, false },
		{ "250-PIPELINING", 250, true },
		{ "250", 250, false },
		{ "250-", 250, true },
		{ "250 ", 250, false },
		{ "100 x", 100, false },
		{ "599 x", 599, false },
		{ "4.7.0 TLS not available", 400, false },
		{ "5.7.1", 500, false },
		{ "2.0.0 fine", 0, false }, /* nothing is granted by an enhanced code */
		{ "4.x", 0, false },
		{ "600 x", 0, false },
		{ "099 x", 0, false },
		{ "2500 x", 0, false },
		{ "250\tx", 0, false },
		{ "25", 0, false },
		{ "2 0", 0, false },
		{ "25O ok", 0, false },
		{ " 250 ok", 0, false },
		{ "", 0, false },
		{ "* OK IMAP4rev1", 0, false },
		{ "+OK POP3", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *memory;
		struct smtp_reply_line r = smtp_read_reply(borrow(cases[i].line, &memory));

		assert_int_equal(r.code, cases[i].code);
		assert_int_equal(r.more, cases[i].more);
		free(memory);
	}
}

/* What a server can mean: one row per command, one column per code. */
static const unsigned columns[] = { 0, 100, 200, 220, 221, 235, 250, 251, 299, 334, 354, 399 };
static const struct {
	enum smtp_command command;
	const char *yes; /* y or - per column */
} rows[] = {
	/*              0 100 200 220 221 235 250 251 299 334 354 399 */
	{ SMTP_OTHER, "--yyyyyyyyyy" },     { SMTP_HELO, "--yy--yyy---" },
	{ SMTP_EHLO, "--yy--yyy---" },      { SMTP_STARTTLS, "---y--------" },
	{ SMTP_MAIL, "--y---yyy---" },      { SMTP_RCPT, "--y---yyy---" },
	{ SMTP_DATA, "----------y-" },      { SMTP_DOT, "--y---yyy---" },
	{ SMTP_BDAT, "--y---yyy---" },      { SMTP_BDAT_LAST, "--y---yyy---" },
	{ SMTP_RSET, "--y---yyy---" },      { SMTP_AUTH, "-----y---y--" },
	{ SMTP_AUTH_DATA, "-----y---y--" }, { SMTP_QUIT, "--yyyyyyy---" },
	{ SMTP_COMMANDS, "------------" },
};

static void every_command_knows_its_answers(void **state)
{
	(void)state;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), SMTP_COMMANDS + 1);
	for (unsigned c = 0; c <= SMTP_COMMANDS; c++) {
		assert_int_equal(rows[c].command, c);
		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
			assert_int_equal(smtp_plausible((enum smtp_command)c, columns[i]),
					 rows[c].yes[i] == 'y');
		for (unsigned code = 400; code <= 599; code++)
			assert_true(smtp_plausible((enum smtp_command)c, code));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_read_in_any_letter_case),
		cmocka_unit_test(a_chunk_has_a_size_or_is_none),
		cmocka_unit_test(a_reply_begins_with_its_code),
		cmocka_unit_test(every_command_knows_its_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
