/* lines.c - reads the session log as it grows. */
#include "web/lines.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/record.h"
#include "web/lines_data.h"

#define BUFFER_BYTES (1u << 20)
#define PARTIES_MAX  (2 * PEERS_MAX + 2) /* each peer, its "-net", and "other" */
#define NAMES_MAX    16384u
#define EXTENSION    ".jsonl"

static const struct lines_room room_usual = { 16384, 65536, 1u << 20 };

struct reading {
	uint64_t budget; /* bytes left */
	uint64_t done, all;
	lines_progress_cb *progress;
	void *ctx;
};

/* Life -------------------------------------------------------------------------------------- */

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

struct lines *lines_new(const char *dir, const struct lines_room *room)
{
	struct lines *l = need(calloc(1, sizeof(*l)));

	if (asprintf(&l->path, "%s/sessions", dir) < 0 || !siphash_key_new(&l->hash_key))
		abort();
	l->room = room ? *room : room_usual;
	l->buffer = need(malloc(BUFFER_BYTES));
	l->parties =
		keyed_new(&l->hash_key, sizeof(struct party_name), sizeof(uint16_t), PARTIES_MAX);
	l->names = lru_new(NAMES_MAX, sizeof(struct host_key), sizeof(struct host_name));
	sums_init(&l->total, &l->hash_key, UINT32_MAX, UINT32_MAX);
	return l;
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->days_n; i++)
		sums_fini(&l->days[i].sums);
	sums_fini(&l->total);
	lru_free(l->names);
	keyed_free(l->parties);
	free(l->days);
	free(l->buffer);
	free(l->path);
	free(l);
}

/* Days -------------------------------------------------------------------------------------- */

static bool forget_name(void *ctx, const void *key, void *value)
{
	struct host_name *n = value;

	(void)key;
	if (strcmp(n->day, ctx) == 0)
		memset(n, 0, sizeof(*n));
	return true;
}

/* Nothing of it is in the sums any more. */
static void clear_day(struct lines *l, struct day *d)
{
	struct day fresh = { .dev = d->dev, .ino = d->ino, .size = d->size, .found = d->found };

	if (d->sums.ciphers) {
		lru_walk(l->names, forget_name, d->name);
		l->changed = true;
	}
	sums_fini(&d->sums);
	memcpy(fresh.name, d->name, sizeof(fresh.name));
	*d = fresh;
}

static void make_total(struct lines *l)
{
	if (!l->changed)
		return;
	sums_fini(&l->total);
	sums_init(&l->total, &l->hash_key, UINT32_MAX, UINT32_MAX);
	for (size_t i = 0; i < l->days_n; i++) {
		if (l->days[i].sums.ciphers)
			sums_merge(&l->total, &l->days[i].sums);
	}
	l->changed = false;
}

static int is_day(const struct dirent *e)
{
	static const char shape[] = "dddd-dd-dd";

	for (size_t i = 0; i < DAY_NAME_LEN; i++) {
		char c = e->d_name[i];

		if (shape[i] == 'd' ? c < '0' || c > '9' : c != shape[i])
			return 0;
	}
	return strcmp(e->d_name + DAY_NAME_LEN, EXTENSION) == 0;
}

static struct day *day_of(struct lines *l, const char *name)
{
	size_t at = 0;

	while (at < l->days_n && strncmp(l->days[at].name, name, DAY_NAME_LEN) < 0)
		at++;
	if (at < l->days_n && strncmp(l->days[at].name, name, DAY_NAME_LEN) == 0)
		return &l->days[at];
	l->days = need(reallocarray(l->days, l->days_n + 1, sizeof(*l->days)));
	memmove(l->days + at + 1, l->days + at, (l->days_n++ - at) * sizeof(*l->days));
	memset(&l->days[at], 0, sizeof(l->days[at]));
	memcpy(l->days[at].name, name, DAY_NAME_LEN);
	return &l->days[at];
}

static void find_day(struct lines *l, int folder, const char *file)
{
	struct day *d = day_of(l, file);
	struct stat st;

	if (fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	d->found = true;
	if (!S_ISREG(st.st_mode)) {
		d->size = 0;
		clear_day(l, d);
		d->unreadable = true;
		return;
	}
	d->unreadable = false;
	d->size = (uint64_t)st.st_size;
	if (st.st_dev != d->dev || st.st_ino != d->ino || d->size < d->looked) {
		d->dev = st.st_dev;
		d->ino = st.st_ino;
		clear_day(l, d);
	}
}

static void drop_missing_days(struct lines *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->days_n; i++) {
		if (l->days[i].found)
			l->days[kept++] = l->days[i];
		else
			clear_day(l, &l->days[i]);
	}
	l->days_n = kept;
}

/* Returns the folder; -1: there is none, or it cannot be read now, and then its days stay. */
static int find_days(struct lines *l)
{
	int folder = open(l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names = NULL;
	int n = folder < 0 ? -1 : scandirat(folder, ".", &names, is_day, alphasort);

	l->no_folder = n < 0 && errno != ENOENT;
	if (l->no_folder) {
		if (folder >= 0)
			close(folder);
		return -1;
	}
	for (size_t i = 0; i < l->days_n; i++)
		l->days[i].found = false;
	for (int i = 0; i < n; i++) {
		find_day(l, folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	drop_missing_days(l);
	return folder;
}

/* Lines ------------------------------------------------------------------------------------- */

static bool is_party(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

/* False: it is no name of a party, or there is no room for another one; *bad tells which. */
static bool party_of(struct lines *l, const char *name, uint16_t *out, bool *bad)
{
	struct party_name key = { .text = "" };
	size_t len = strlen(name);
	uint16_t *number;

	*bad = len > PARTY_NAME_MAX;
	if (*bad)
		return false;
	memcpy(key.text, name, len);
	number = keyed_find(l->parties, &key);
	if (!number) {
		*bad = !is_party(name);
		number = *bad ? NULL : keyed_add(l->parties, &key);
		if (!number)
			return false;
		*number = (uint16_t)(keyed_used(l->parties) - 1);
	}
	*out = *number;
	return true;
}

static bool is_unknown(const char *party)
{
	size_t len = strlen(party);

	return strcmp(party, "other") == 0 || (len > 4 && strcmp(party + len - 4, "-net") == 0);
}

static bool address_of(const char *text, uint8_t out[ADDRESS_LEN])
{
	memset(out, 0, ADDRESS_LEN);
	if (strchr(text, ':'))
		return inet_pton(AF_INET6, text, out) == 1;
	out[10] = out[11] = 0xff;
	return inet_pton(AF_INET, text, out + 12) == 1;
}

/* Addresses in no prefix are stored cut; should one not be, it is cut here: it may be somebody's. */
static void cut_address(uint8_t address[ADDRESS_LEN], const char *party)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t kept = memcmp(address, mapped, sizeof(mapped)) == 0 ? 14 : 6;

	if (strcmp(party, "other") == 0)
		memset(address + kept, 0, ADDRESS_LEN - kept);
}

static bool is_encrypted(const struct line_facts *f)
{
	return f->verdict == VERDICT_ENCRYPTED_STARTTLS || f->verdict == VERDICT_ENCRYPTED_IMPLICIT;
}

static bool count_cipher(struct lines *l, struct day *d, const struct line_facts *f,
			 uint16_t client, uint16_t server)
{
	struct cipher_key k = { .client = client,
				.server = server,
				.cipher = f->tls_cipher,
				.version = (uint16_t)f->tls_version,
				.service = (uint16_t)f->service };

	return sums_add_cipher(&d->sums, &k, 1) && sums_add_cipher(&l->total, &k, 1);
}

static void keep_name(struct lines *l, const struct day *d, const struct network_key *k,
		      const struct line_facts *f)
{
	struct host_key key;
	struct host_name *n;
	size_t len = strlen(f->sni);

	if (len == 0 || len > NAME_MAX_LEN)
		return;
	memset(&key, 0, sizeof(key));
	memcpy(key.address, k->address, sizeof(key.address));
	key.party = k->party;
	n = lru_add(l->names, &key);
	if (n->at > f->start)
		return;
	n->at = f->start;
	memcpy(n->day, d->name, sizeof(n->day));
	memcpy(n->text, f->sni, len + 1);
}

/* One end of a session. */
static bool count_network(struct lines *l, struct day *d, const struct line_facts *f,
			  const struct network_key *k, bool as_server)
{
	struct network_sum one = { .as_client = !as_server,
				   .as_server = as_server,
				   .encrypted = is_encrypted(f),
				   .plaintext = f->verdict == VERDICT_PLAINTEXT && !f->refused,
				   .last = f->start };

	if (!sums_add_network(&d->sums, k, &one) || !sums_add_network(&l->total, k, &one))
		return false;
	if (as_server)
		keep_name(l, d, k, f);
	return true;
}

static void count_line(struct lines *l, struct day *d, const char *text, size_t len)
{
	struct network_key client, server;
	struct line_facts f;
	bool bad = true, room;

	d->lines++;
	if (!line_scan(text, len, &f) || !address_of(f.client, client.address) ||
	    !address_of(f.server, server.address) ||
	    !party_of(l, f.client_peer, &client.party, &bad) ||
	    !party_of(l, f.server_peer, &server.party, &bad)) {
		*(bad ? &d->bad : &d->overflow) += 1;
		return;
	}
	if (f.start > d->last)
		d->last = f.start;
	if (f.excepted) /* counted apart, in the ledger alone */
		return;
	cut_address(client.address, f.client_peer);
	cut_address(server.address, f.server_peer);
	server.with = client.party;
	client.with = server.party;
	room = !is_encrypted(&f) || count_cipher(l, d, &f, client.party, server.party);
	if (f.service == SERVICE_MTA && is_unknown(f.client_peer))
		room = count_network(l, d, &f, &client, false) && room;
	if (f.service == SERVICE_MTA && is_unknown(f.server_peer))
		room = count_network(l, d, &f, &server, true) && room;
	d->overflow += !room;
}

/* Takes whole lines; returns their bytes. */
static size_t take_lines(struct lines *l, struct day *d, size_t n)
{
	const char *at = l->buffer, *end = l->buffer + n, *lf;

	while (at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (!d->skipping)
			count_line(l, d, at, (size_t)(lf - at));
		d->skipping = false;
		at = lf + 1;
	}
	return (size_t)(at - l->buffer);
}

/* What has no end within the length of a line is one that is too long. */
static size_t take_rest(struct day *d, size_t rest)
{
	if (!d->skipping && rest < RECORD_MAX)
		return 0;
	if (!d->skipping) {
		d->lines++;
		d->bad++;
	}
	d->skipping = true;
	return rest;
}

/* Files ------------------------------------------------------------------------------------- */

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* One bufferful. False: there is nothing more to read now. */
static bool read_some(struct lines *l, struct day *d, int fd, struct reading *r)
{
	size_t want = smaller(r->budget > RECORD_MAX ? r->budget : RECORD_MAX, BUFFER_BYTES);
	size_t had, used, n;
	ssize_t got;

	want = smaller(d->size - d->done, want);
	do {
		got = pread(fd, l->buffer, want, (off_t)d->done);
	} while (got < 0 && errno == EINTR);
	d->unreadable = got < 0;
	if (got <= 0)
		return false;
	n = (size_t)got;
	had = take_lines(l, d, n);
	used = had + take_rest(d, n - had);
	r->done += d->done + n - d->looked;
	d->done += used;
	d->looked = d->done + n - used;
	r->budget -= smaller(r->budget, n);
	if (r->progress)
		r->progress(r->ctx, r->done, r->all);
	return used > 0 && d->done < d->size && r->budget > 0;
}

static void read_day(struct lines *l, struct day *d, int folder, struct reading *r)
{
	char name[DAY_NAME_LEN + sizeof(EXTENSION)];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%s%s", d->name, EXTENSION);
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	d->unreadable = fd < 0;
	if (fd < 0)
		return;
	/* Another file than the one found is for the next time. */
	if (fstat(fd, &st) == 0 && st.st_dev == d->dev && st.st_ino == d->ino) {
		if (!d->sums.ciphers)
			sums_init(&d->sums, &l->hash_key, l->room.ciphers, l->room.networks);
		while (read_some(l, d, fd, r))
			;
	}
	close(fd);
}

/* Makes room by forgetting the oldest day that has sums. */
static void keep_bounds(struct lines *l)
{
	uint64_t keys = 0;

	for (size_t i = 0; i < l->days_n; i++)
		keys += sums_keys(&l->days[i].sums);
	for (size_t i = 0; i + 1 < l->days_n && keys > l->room.keys; i++) {
		keys -= sums_keys(&l->days[i].sums);
		clear_day(l, &l->days[i]);
		l->days[i].forgotten = true;
	}
}

static uint64_t unread_of(const struct day *d)
{
	return d->forgotten || d->unreadable || d->size < d->looked ? 0 : d->size - d->looked;
}

static uint64_t unread(const struct lines *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->days_n; i++)
		n += unread_of(&l->days[i]);
	return n;
}

bool lines_update(struct lines *l, uint64_t max_bytes, lines_progress_cb *progress, void *ctx)
{
	struct reading r = { .budget = max_bytes ? max_bytes : UINT64_MAX,
			     .progress = progress,
			     .ctx = ctx };
	int folder = find_days(l);

	make_total(l);
	r.all = unread(l);
	for (size_t i = l->days_n; folder >= 0 && i-- > 0 && r.budget > 0;) {
		if (unread_of(&l->days[i]) == 0)
			continue;
		read_day(l, &l->days[i], folder, &r);
		keep_bounds(l);
	}
	make_total(l);
	if (folder >= 0)
		close(folder);
	l->complete = !l->no_folder && unread(l) == 0;
	return l->complete;
}
