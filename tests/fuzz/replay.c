/* Runs a fuzz target over files: whole, and cut at every length. Speaks TAP.
 *
 * usage: replay_TARGET [FILE|FOLDER]     without one: tests/fuzz/corpus/TARGET of the sources
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_LARGEST = 1 << 16 };

static uint8_t *read_file(const char *path, size_t *n)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(FILE_LARGEST);

	*n = file && data ? fread(data, 1, FILE_LARGEST, file) : 0;
	if (!file || !data || ferror(file) || !feof(file)) {
		free(data);
		data = NULL;
	}
	if (file)
		fclose(file);
	return data;
}

/* Each input in memory of exactly its size. */
static void run_cut(const uint8_t *data, size_t n)
{
	uint8_t *copy = fuzz_copy((struct span){ data, n });

	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void replay(const char *path, unsigned number)
{
	size_t n;
	uint8_t *data;

	printf("# %s\n", path); /* names the culprit when the target aborts */
	fflush(stdout);
	data = read_file(path, &n);
	if (!data) {
		printf("not ok %u - %s cannot be read, or is over %d bytes\n", number, path,
		       FILE_LARGEST - 1);
		return;
	}
	for (size_t cut = 0; cut <= n; cut++)
		run_cut(data, cut);
	printf("ok %u - %s: %zu bytes, and cut at each\n", number, strrchr(path, '/') + 1, n);
	free(data);
}

static int is_input(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static unsigned replay_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_input, alphasort);

	for (int i = 0; i < n; i++) {
		char path[4096];
		int length = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);

		MUST(length > 0 && (size_t)length < sizeof(path));
		replay(path, (unsigned)i + 1);
		free(entries[i]);
	}
	if (n > 0) {
		free(entries);
		return (unsigned)n;
	}
	printf("not ok 1 - %s: the corpus is missing or empty\n", folder);
	return 1;
}

/* tests/fuzz/corpus/mail for .../replay_mail */
static void corpus_of(const char *program, char *out, size_t room)
{
	const char *source = getenv("top_srcdir"), *name = strstr(program, "replay_");

	snprintf(out, room, "%s/tests/fuzz/corpus/%s", source ? source : ".",
		 name ? name + strlen("replay_") : program);
}

int main(int argc, char **argv)
{
	char folder[4096];
	struct stat st;
	unsigned tests = 1;

	corpus_of(argv[0], folder, sizeof(folder));
	if (argc > 1)
		snprintf(folder, sizeof(folder), "%s", argv[1]);
	if (stat(folder, &st) == 0 && S_ISREG(st.st_mode))
		replay(folder, 1);
	else
		tests = replay_folder(folder);
	printf("1..%u\n", tests);
	return 0;
}
