/* scan_lines.c - reads session records from standard input with record_read() and line_scan(), and
 * prints the lines that they read differently, then how many records there were. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "reports/record.h"
#include "reports/session_log.h"
#include "tests/web/same_line.h"

int main(void)
{
	struct log_line line;
	uint64_t records = 0, different = 0;

	while (log_next(stdin, &line)) {
		const char *key;
		bool record;

		if (line.too_long)
			continue;
		key = same_line(line.text, line.len, &record);
		records += record;
		different += key != NULL;
		if (key)
			printf("%s: %s\n", key, line.text);
	}
	printf("%" PRIu64 " records\n", records);
	return different == 0 && !ferror(stdin) ? 0 : 1;
}
