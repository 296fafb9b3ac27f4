/* peers.h - which operator an address belongs to.
 *
 * A longest-prefix table over IPv4 and IPv6, immutable once built. Knows names and prefixes;
 * knows nothing of sessions beyond their service, and nothing of configuration files.
 */
#ifndef MAILSEAL_PEERS_H
#define MAILSEAL_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"

#define PEER_NAME_MAX  32 /* [a-z0-9-]{1,32} */
#define PARTY_NAME_MAX (PEER_NAME_MAX + 4)
#define PEERS_MAX      4096

enum prefix_kind { PREFIX_MTA, PREFIX_ACCESS, PREFIX_NETWORKS, PREFIX_KINDS };

struct peers;

struct peers *peers_new(void); /* empty; aborts when out of memory */
void peers_free(struct peers *p);

/* Adds a peer and returns its index, or -1 with a sentence in err: bad name, "other", a name
 * that ends in "-net", a name that exists, too many. */
int peers_add(struct peers *p, const char *name, bool signatory, char *err, size_t errlen);

/* Adds a prefix ("198.51.100.0/28", "2001:db8::/64", a plain address) to a peer. False with a
 * sentence in err: not a prefix, host bits set, or a prefix that exists (naming its peer). */
bool peers_add_prefix(struct peers *p, int peer, enum prefix_kind kind, const char *prefix,
		      char *err, size_t errlen);

/* Sessions whose client (server) lies in the prefix are counted apart. An exception with both
 * needs both; NULL stands for any. */
bool peers_add_exception(struct peers *p, const char *client, const char *server, char *err,
			 size_t errlen);

size_t peers_count(const struct peers *p);
const char *peers_name(const struct peers *p, int peer);
bool peers_signatory(const struct peers *p, int peer);

/* Where an address lies; peer is -1 when in no prefix. addr: 16 bytes, IPv4 as ::ffff:0:0/96. */
struct place {
	int peer;
	enum prefix_kind kind;
};
struct place peers_find(const struct peers *p, const uint8_t addr[16]);

bool peers_excepted(const struct peers *p, const uint8_t client[16], const uint8_t server[16]);

/* The two ends of a session as reports name them, and whether the charter promises that this
 * session is sealed: service mta, both in mta prefixes of two different signatories, not
 * excepted. An address of a peer that is not in a prefix of the right kind for the service
 * shows as "<peer>-net"; one in no prefix as "other". */
struct pair {
	char client[PARTY_NAME_MAX + 1];
	char server[PARTY_NAME_MAX + 1];
	bool promised;
	bool access; /* service submission or access on an access prefix of a signatory, not excepted */
	bool excepted;
	bool client_known_host; /* in an mta or access prefix: its address may be stored in full */
	bool server_known_host;
};
void peers_pair(const struct peers *p, const struct session *s, struct pair *out);

#endif
