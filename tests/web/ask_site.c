/* ask_site.c - one answer of the site, for tests: ask_site DIR NOW PATH prints its status on a line, and
 * what it holds. */
#include <stdio.h>
#include <stdlib.h>

#include "web/site.h"

int main(int argc, char **argv)
{
	struct site s = { .dir = argc == 4 ? argv[1] : "" };
	struct reply r;

	if (argc != 4)
		return 2;
	site_answer(&s, argv[3], strtoll(argv[2], NULL, 10), &r);
	printf("%u\n", r.status);
	fwrite(r.body, 1, r.len, stdout);
	free(r.body);
	return fflush(stdout) == 0 ? 0 : 1;
}
