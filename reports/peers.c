/* peers.c - longest prefix over two path-compressed tries, one for IPv4 and one for IPv6.
 *
 * A node stands for a prefix; its children lie inside it and differ in the bit that follows.
 * Nodes live in one array and name each other by index, so that growing it moves them freely.
 */
#include "reports/peers.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum family { FAMILY_V4, FAMILY_V6, FAMILIES };

#define NO_NODE 0 /* index 0 is never used for a node */

struct prefix {
	uint8_t addr[16]; /* IPv4 in the last four bytes, behind ::ffff: */
	uint8_t len;      /* in bits of these 16 bytes */
	enum family family;
};

struct node {
	struct prefix prefix;
	struct place place; /* peer -1 when the node only joins its children */
	uint32_t child[2];
};

struct peer {
	char name[PEER_NAME_MAX + 1];
	bool signatory;
};

struct exception {
	bool any_client, any_server;
	struct prefix client, server;
};

struct peers {
	struct peer *peers;
	size_t peers_n, peers_cap;
	struct node *nodes;
	size_t nodes_n, nodes_cap;
	uint32_t root[FAMILIES];
	struct exception *exceptions;
	size_t exceptions_n, exceptions_cap;
};

static const char *const kind_names[PREFIX_KINDS] = {
	[PREFIX_MTA] = "mta",
	[PREFIX_ACCESS] = "access",
	[PREFIX_NETWORKS] = "networks",
};

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static enum family family_of(const uint8_t addr[16])
{
	return memcmp(addr, mapped, sizeof(mapped)) == 0 ? FAMILY_V4 : FAMILY_V6;
}

/* Bits ------------------------------------------------------------------------------------ */

static unsigned bit_at(const uint8_t addr[16], unsigned pos)
{
	return (unsigned)addr[pos / 8] >> (7 - pos % 8) & 1u;
}

/* How many leading bits two addresses share, at most max. */
static unsigned common_bits(const uint8_t a[16], const uint8_t b[16], unsigned max)
{
	unsigned n = 0;

	for (; n < max && n < 128; n += 64) {
		uint64_t x, y;

		memcpy(&x, a + n / 8, sizeof(x));
		memcpy(&y, b + n / 8, sizeof(y));
		if (x != y) {
			n += (unsigned)__builtin_clzll(be64toh(x ^ y));
			break;
		}
	}
	return n < max ? n : max;
}

static bool inside(const struct prefix *p, const uint8_t addr[16])
{
	return common_bits(p->addr, addr, p->len) == p->len;
}

static bool host_bits_set(const struct prefix *p)
{
	for (unsigned i = p->len; i < 128; i++) {
		if (bit_at(p->addr, i))
			return true;
	}
	return false;
}

/* Text ------------------------------------------------------------------------------------ */

static bool parse_length(const char *text, unsigned max, unsigned *out)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
		return false;
	*out = (unsigned)strtoul(text, NULL, 10);
	return *out <= max;
}

/* The address in front of the slash, and its family. */
static bool parse_address(const char *text, size_t len, struct prefix *p)
{
	char addr[INET6_ADDRSTRLEN];

	if (len >= sizeof(addr))
		return false;
	memcpy(addr, text, len);
	addr[len] = '\0';
	memcpy(p->addr, mapped, sizeof(mapped));
	p->family = FAMILY_V4;
	if (inet_pton(AF_INET, addr, p->addr + sizeof(mapped)) == 1)
		return true;
	p->family = FAMILY_V6;
	return inet_pton(AF_INET6, addr, p->addr) == 1;
}

static bool parse_prefix(const char *text, struct prefix *p, char *err, size_t errlen)
{
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	unsigned max, bits;

	memset(p, 0, sizeof(*p));
	if (!parse_address(text, len, p)) {
		snprintf(err, errlen, "\"%.64s\" is not an address or prefix", text);
		return false;
	}
	max = p->family == FAMILY_V4 ? 32 : 128;
	bits = max;
	if (slash != NULL && !parse_length(slash + 1, max, &bits)) {
		snprintf(err, errlen, "\"%.64s\": the prefix length must be a number from 0 to %u",
			 text, max);
		return false;
	}
	p->len = (uint8_t)(bits + 128 - max);
	if (p->family == FAMILY_V6 && family_of(p->addr) == FAMILY_V4) {
		snprintf(err, errlen, "\"%.64s\": write an IPv4 address as such", text);
		return false;
	}
	if (host_bits_set(p)) {
		snprintf(err, errlen, "\"%.64s\" has bits set behind its prefix length", text);
		return false;
	}
	return true;
}

/* Memory ---------------------------------------------------------------------------------- */

static void *grown(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap == 0 ? 16 : *cap * 2;
	array = reallocarray(array, *cap, size);
	if (array == NULL)
		abort();
	return array;
}

struct peers *peers_new(void)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->nodes_n = 1;
	return p;
}

void peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	free(p->exceptions);
	free(p->nodes);
	free(p->peers);
	free(p);
}

/* Peers ----------------------------------------------------------------------------------- */

static bool name_ok(const char *name, char *err, size_t errlen)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len = strlen(name);

	if (len == 0 || len > PEER_NAME_MAX || strspn(name, letters) != len)
		snprintf(err, errlen,
			 "a peer's name has 1 to %d of the characters a-z, 0-9 and \"-\"",
			 PEER_NAME_MAX);
	else if (strcmp(name, "other") == 0)
		snprintf(err, errlen, "the name \"other\" is reserved for what matches no peer");
	else if (len >= 4 && strcmp(name + len - 4, "-net") == 0)
		snprintf(err, errlen, "a peer's name must not end in \"-net\"");
	else
		return true;
	return false;
}

int peers_add(struct peers *p, const char *name, bool signatory, char *err, size_t errlen)
{
	struct peer *peer;

	if (!name_ok(name, err, errlen))
		return -1;
	for (size_t i = 0; i < p->peers_n; i++) {
		if (strcmp(p->peers[i].name, name) == 0) {
			snprintf(err, errlen, "there is already a peer \"%s\"", name);
			return -1;
		}
	}
	if (p->peers_n == PEERS_MAX) {
		snprintf(err, errlen, "more than %d peers", PEERS_MAX);
		return -1;
	}
	p->peers = grown(p->peers, p->peers_n, &p->peers_cap, sizeof(*p->peers));
	peer = &p->peers[p->peers_n];
	snprintf(peer->name, sizeof(peer->name), "%s", name);
	peer->signatory = signatory;
	return (int)p->peers_n++;
}

size_t peers_count(const struct peers *p)
{
	return p->peers_n;
}

const char *peers_name(const struct peers *p, int peer)
{
	return peer >= 0 && (size_t)peer < p->peers_n ? p->peers[peer].name : NULL;
}

bool peers_signatory(const struct peers *p, int peer)
{
	return peer >= 0 && (size_t)peer < p->peers_n && p->peers[peer].signatory;
}

/* The trie -------------------------------------------------------------------------------- */

static uint32_t node_new(struct peers *p, const struct prefix *prefix, struct place place)
{
	p->nodes = grown(p->nodes, p->nodes_n, &p->nodes_cap, sizeof(*p->nodes));
	p->nodes[p->nodes_n] = (struct node){ .prefix = *prefix, .place = place };
	return (uint32_t)p->nodes_n++;
}

/* Where a node is named: by its parent or as the root. */
static uint32_t *link_of(struct peers *p, enum family f, uint32_t parent, unsigned side)
{
	return parent == NO_NODE ? &p->root[f] : &p->nodes[parent].child[side];
}

/* Puts a node for prefix above the node at, with which it shares the first shared bits; a
 * joining node holds both when neither contains the other. Returns the new top. */
static uint32_t node_above(struct peers *p, uint32_t at, const struct prefix *prefix,
			   unsigned shared, struct place place)
{
	uint32_t leaf = node_new(p, prefix, place), top = leaf;

	if (shared < prefix->len) {
		struct prefix common = *prefix;

		common.len = (uint8_t)shared; /* bits behind len are never looked at */
		top = node_new(p, &common, (struct place){ .peer = -1 });
		p->nodes[top].child[bit_at(prefix->addr, shared)] = leaf;
	}
	p->nodes[top].child[bit_at(p->nodes[at].prefix.addr, shared)] = at;
	return top;
}

/* Inserts and returns NULL, or returns the place that has this very prefix already. */
static const struct place *trie_insert(struct peers *p, const struct prefix *prefix,
				       struct place place)
{
	uint32_t parent = NO_NODE, at = p->root[prefix->family], made;
	unsigned side = 0;

	while (at != NO_NODE) {
		struct node *n = &p->nodes[at];
		unsigned max = n->prefix.len < prefix->len ? n->prefix.len : prefix->len;
		unsigned shared = common_bits(n->prefix.addr, prefix->addr, max);

		if (shared < n->prefix.len) {
			made = node_above(p, at, prefix, shared, place);
			*link_of(p, prefix->family, parent, side) = made;
			return NULL;
		}
		if (n->prefix.len == prefix->len) {
			if (n->place.peer >= 0)
				return &n->place;
			n->place = place;
			return NULL;
		}
		parent = at;
		side = bit_at(prefix->addr, n->prefix.len);
		at = n->child[side];
	}
	made = node_new(p, prefix, place);
	*link_of(p, prefix->family, parent, side) = made;
	return NULL;
}

bool peers_add_prefix(struct peers *p, int peer, enum prefix_kind kind, const char *prefix,
		      char *err, size_t errlen)
{
	const struct place *taken;
	struct prefix parsed;

	assert(peer >= 0 && (size_t)peer < p->peers_n);
	if (!parse_prefix(prefix, &parsed, err, errlen))
		return false;
	taken = trie_insert(p, &parsed, (struct place){ .peer = peer, .kind = kind });
	if (taken != NULL)
		snprintf(err, errlen, "\"%.64s\" is already among the %s prefixes of \"%s\"",
			 prefix, kind_names[taken->kind], p->peers[taken->peer].name);
	return taken == NULL;
}

struct place peers_find(const struct peers *p, const uint8_t addr[16])
{
	struct place found = { .peer = -1, .kind = PREFIX_NETWORKS };
	uint32_t at = p->root[family_of(addr)];

	while (at != NO_NODE) {
		const struct node *n = &p->nodes[at];

		if (!inside(&n->prefix, addr))
			break;
		if (n->place.peer >= 0)
			found = n->place;
		if (n->prefix.len == 128)
			break;
		at = n->child[bit_at(addr, n->prefix.len)];
	}
	return found;
}

/* Exceptions ------------------------------------------------------------------------------ */

bool peers_add_exception(struct peers *p, const char *client, const char *server, char *err,
			 size_t errlen)
{
	struct exception e = { .any_client = client == NULL, .any_server = server == NULL };

	if (e.any_client && e.any_server) {
		snprintf(err, errlen, "an exception needs a client or a server");
		return false;
	}
	if (!e.any_client && !parse_prefix(client, &e.client, err, errlen))
		return false;
	if (!e.any_server && !parse_prefix(server, &e.server, err, errlen))
		return false;
	p->exceptions =
		grown(p->exceptions, p->exceptions_n, &p->exceptions_cap, sizeof(*p->exceptions));
	p->exceptions[p->exceptions_n++] = e;
	return true;
}

static bool matches(bool any, const struct prefix *p, const uint8_t addr[16])
{
	return any || (p->family == family_of(addr) && inside(p, addr));
}

bool peers_excepted(const struct peers *p, const uint8_t client[16], const uint8_t server[16])
{
	for (size_t i = 0; i < p->exceptions_n; i++) {
		const struct exception *e = &p->exceptions[i];

		if (matches(e->any_client, &e->client, client) &&
		    matches(e->any_server, &e->server, server))
			return true;
	}
	return false;
}

/* Pairs ----------------------------------------------------------------------------------- */

static bool known_host(struct place where)
{
	return where.peer >= 0 && where.kind != PREFIX_NETWORKS;
}

/* A peer answers under its own name only for the hosts that the service is about. */
static void party_name(const struct peers *p, struct place where, enum service service,
		       char out[PARTY_NAME_MAX + 1])
{
	bool own = service == SERVICE_MTA ? where.kind == PREFIX_MTA : known_host(where);

	const char *name = where.peer < 0 ? "other" : p->peers[where.peer].name;
	size_t n = strlen(name);

	memcpy(out, name, n + 1);
	if (where.peer >= 0 && !own)
		memcpy(out + n, "-net", sizeof("-net"));
}

static bool promised_between(const struct peers *p, struct place client, struct place server)
{
	return client.peer != server.peer && client.kind == PREFIX_MTA &&
	       server.kind == PREFIX_MTA && peers_signatory(p, client.peer) &&
	       peers_signatory(p, server.peer);
}

/* The other commitment of the charter: users can use TLS there. */
static bool access_of_signatory(const struct peers *p, struct place server)
{
	return server.kind == PREFIX_ACCESS && server.peer >= 0 && peers_signatory(p, server.peer);
}

void peers_pair(const struct peers *p, const struct session *s, struct pair *out)
{
	struct place client = peers_find(p, s->client), server = peers_find(p, s->server);
	enum service service = (enum service)s->service;

	party_name(p, client, service, out->client);
	party_name(p, server, service, out->server);
	out->excepted = peers_excepted(p, s->client, s->server);
	out->promised =
		service == SERVICE_MTA && !out->excepted && promised_between(p, client, server);
	out->access = service != SERVICE_MTA && !out->excepted && access_of_signatory(p, server);
	out->client_known_host = known_host(client);
	out->server_known_host = known_host(server);
}
