/* lines_ask.c - what the sums say: the extent, the ciphers of a pair, the networks. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/tls_names.h"
#include "web/lines.h"
#include "web/lines_data.h"

/* Extent ------------------------------------------------------------------------------------ */

static void add_day(const struct day *d, struct lines_extent *out)
{
	if (d->lines > 0 && !out->first_day[0])
		memcpy(out->first_day, d->name, sizeof(d->name));
	if (d->last > out->last)
		out->last = d->last;
	out->lines += d->lines;
	out->bad += d->bad;
	out->overflow += d->overflow;
	out->unreadable += d->unreadable;
	out->forgotten += d->forgotten;
	if (!d->forgotten && !d->unreadable && d->size > d->looked)
		out->unread_bytes += d->size - d->looked;
}

void lines_extent(const struct lines *l, struct lines_extent *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; l && i < l->days_n; i++)
		add_day(&l->days[i], out);
	if (!l)
		return;
	out->unreadable += l->no_folder;
	out->complete = l->complete;
}

static const char *party_text(const struct lines *l, uint16_t number)
{
	return ((const struct party_name *)keyed_key(l->parties, number))->text;
}

/* Ciphers ----------------------------------------------------------------------------------- */

struct suite {
	int32_t cipher;
	uint32_t version;
};

static int by_sessions(const void *a, const void *b)
{
	const struct cipher_use *x = a, *y = b;

	if (x->sessions != y->sessions)
		return x->sessions < y->sessions ? 1 : -1;
	if (strcmp(x->version, y->version) != 0)
		return strcmp(y->version, x->version);
	return strcmp(x->cipher, y->cipher);
}

static void name_suite(const struct suite *s, uint64_t sessions, struct cipher_use *out)
{
	const char *version = tls_version_name(s->version), *cipher = tls_cipher_name(s->cipher);

	memset(out, 0, sizeof(*out));
	out->sessions = sessions;
	snprintf(out->version, sizeof(out->version), "%s", version ? version : "");
	if (cipher)
		snprintf(out->cipher, sizeof(out->cipher), "%s", cipher);
	else if (s->cipher != TLS_CIPHER_NONE)
		snprintf(out->cipher, sizeof(out->cipher), "0x%04x", (unsigned)s->cipher & 0xffff);
}

/* The suites of a pair, each once. */
static struct keyed *suites_of(const struct lines *l, enum service service, const char *client,
			       const char *server, uint64_t *sessions)
{
	struct keyed *out =
		keyed_new(&l->hash_key, sizeof(struct suite), sizeof(uint64_t), UINT32_MAX);

	for (uint32_t i = 0; i < keyed_used(l->total.ciphers); i++) {
		const struct cipher_key *k = keyed_key(l->total.ciphers, i);
		struct suite s = { .cipher = k->cipher, .version = k->version };
		uint64_t n = *(uint64_t *)keyed_value(l->total.ciphers, i);

		if (k->service != service ||
		    (client && strcmp(client, party_text(l, k->client)) != 0) ||
		    (server && strcmp(server, party_text(l, k->server)) != 0))
			continue;
		*(uint64_t *)keyed_add(out, &s) += n;
		*sessions += n;
	}
	return out;
}

size_t lines_ciphers(const struct lines *l, enum service service, const char *client,
		     const char *server, struct cipher_use *out, size_t max, uint64_t *sessions)
{
	struct keyed *suites;
	struct cipher_use *all;
	size_t n;

	*sessions = 0;
	if (!l)
		return 0;
	suites = suites_of(l, service, client, server, sessions);
	n = keyed_used(suites);
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		abort();
	for (uint32_t i = 0; i < n; i++)
		name_suite(keyed_key(suites, i), *(uint64_t *)keyed_value(suites, i), &all[i]);
	qsort(all, n, sizeof(*all), by_sessions);
	n = n < max ? n : max;
	memcpy(out, all, n * sizeof(*all));
	free(all);
	keyed_free(suites);
	return n;
}

/* Networks ---------------------------------------------------------------------------------- */

/* A network, and the one that it talks to most. */
struct host {
	const struct network_key *key;
	struct network_sum sum;
	uint64_t with_most;
	uint16_t with;
};

static uint64_t of_mail(const struct network_sum *s)
{
	return s->encrypted + s->plaintext;
}

static uint64_t sessions_of(const struct network_sum *s)
{
	return s->as_client + s->as_server;
}

/* Negative: x comes first. */
static int by_mail(const struct host *x, const struct host *y)
{
	if (of_mail(&x->sum) != of_mail(&y->sum))
		return of_mail(&x->sum) < of_mail(&y->sum) ? 1 : -1;
	if (sessions_of(&x->sum) != sessions_of(&y->sum))
		return sessions_of(&x->sum) < sessions_of(&y->sum) ? 1 : -1;
	return memcmp(x->key->address, y->key->address, ADDRESS_LEN);
}

static void add_to_host(struct host *h, const struct network_key *k, const struct network_sum *s)
{
	h->key = k;
	network_sum_add(&h->sum, s);
	if (sessions_of(s) > h->with_most) {
		h->with_most = sessions_of(s);
		h->with = k->with;
	}
}

/* Each network once, whoever it talks with. */
static struct keyed *hosts_of(const struct lines *l)
{
	struct keyed *out =
		keyed_new(&l->hash_key, sizeof(struct host_key), sizeof(struct host), UINT32_MAX);

	for (uint32_t i = 0; i < keyed_used(l->total.networks); i++) {
		const struct network_key *k = keyed_key(l->total.networks, i);
		struct host_key key;

		memset(&key, 0, sizeof(key));
		memcpy(key.address, k->address, sizeof(key.address));
		key.party = k->party;
		add_to_host(keyed_add(out, &key), k, keyed_value(l->total.networks, i));
	}
	return out;
}

/* Keeps the first max of all that are put, in their order; returns how many there are now. */
static size_t put_host(struct host *list, size_t n, size_t max, const struct host *h)
{
	size_t at = n;

	while (at > 0 && by_mail(h, &list[at - 1]) < 0)
		at--;
	if (at == max)
		return n;
	n += n < max;
	memmove(list + at + 1, list + at, (n - at - 1) * sizeof(*list));
	list[at] = *h;
	return n;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	while (n > 0 && bytes[n - 1] == 0)
		n--;
	return n == 0;
}

static void network_text(const uint8_t address[ADDRESS_LEN], char *out, size_t len)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(address, mapped, sizeof(mapped)) == 0;
	bool cut = v4 ? is_zero(address + 14, 2) : is_zero(address + 6, 10);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address + 12 : address, text, sizeof(text));
	snprintf(out, len, "%.40s%s", text, cut ? v4 ? "/16" : "/48" : "");
}

static void show_host(const struct lines *l, const struct host *h, struct unknown_host *out)
{
	struct host_key key;
	const struct host_name *name;

	memset(&key, 0, sizeof(key));
	memcpy(key.address, h->key->address, sizeof(key.address));
	key.party = h->key->party;
	name = lru_find(l->names, &key);
	memset(out, 0, sizeof(*out));
	network_text(h->key->address, out->network, sizeof(out->network));
	snprintf(out->party, sizeof(out->party), "%s", party_text(l, h->key->party));
	snprintf(out->with, sizeof(out->with), "%s", party_text(l, h->with));
	snprintf(out->name, sizeof(out->name), "%s", name ? name->text : "");
	out->as_client = h->sum.as_client;
	out->as_server = h->sum.as_server;
	out->encrypted = h->sum.encrypted;
	out->plaintext = h->sum.plaintext;
	out->last = h->sum.last;
}

size_t lines_unknown(const struct lines *l, struct unknown_host *out, size_t max, size_t *all)
{
	struct keyed *hosts;
	struct host *list;
	size_t n = 0;

	*all = 0;
	if (!l)
		return 0;
	hosts = hosts_of(l);
	*all = keyed_used(hosts);
	list = calloc(max + 1, sizeof(*list));
	if (!list)
		abort();
	for (uint32_t i = 0; i < *all; i++)
		n = put_host(list, n, max, keyed_value(hosts, i));
	for (size_t i = 0; i < n; i++)
		show_host(l, &list[i], &out[i]);
	free(list);
	keyed_free(hosts);
	return n;
}
