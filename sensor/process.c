/* process.c - what both processes of mailseald say before there is a log. */
#include "sensor/process.h"

#include <stdio.h>

#include "reports/text.h"

#define SAFE_MAX 8192

int process_say(int code, const char *text)
{
	char safe[SAFE_MAX];

	text_safe(text, true, safe, sizeof(safe));
	fprintf(stderr, "mailseald: %s\n", safe);
	return code;
}
