/* line_sums.h - sums over lines of the session log, of a day or of all days.
 *
 * By number of parties, not by name; see lines_data.h for who numbers them. A table that is full
 * takes no new keys: what it has goes on being counted.
 */
#ifndef MAILSEAL_LINE_SUMS_H
#define MAILSEAL_LINE_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/siphash.h"
#include "web/keyed.h"
#include "web/line_scan.h"

#define ADDRESS_LEN 16 /* IPv4 as ::ffff:0:0/96 */

struct cipher_key {
	uint16_t client, server; /* parties */
	int32_t cipher;          /* or TLS_CIPHER_NONE */
	uint16_t version;        /* 0: none */
	uint16_t service;
};

/* An address as it is stored, in one party, talking with another. */
struct network_key {
	uint8_t address[ADDRESS_LEN];
	uint16_t party, with;
};

struct network_sum {
	uint64_t as_client, as_server; /* sessions */
	uint64_t encrypted, plaintext; /* of both; without what was refused */
	int64_t last;                  /* begin of the last one, seconds */
};

struct sums {
	struct keyed *ciphers;  /* uint64_t: encrypted sessions */
	struct keyed *networks; /* struct network_sum: sessions of service mta */
};

/* ciphers, networks: how many keys there is room for. */
void sums_init(struct sums *s, const struct siphash_key *k, uint32_t ciphers, uint32_t networks);
void sums_fini(struct sums *s); /* one of zeros is allowed */
uint32_t sums_keys(const struct sums *s);

/* False: there is no room. */
bool sums_add_cipher(struct sums *s, const struct cipher_key *k, uint64_t n);
bool sums_add_network(struct sums *s, const struct network_key *k, const struct network_sum *n);

/* Adds all of one to another, which has room for it. */
void sums_merge(struct sums *to, const struct sums *from);

void network_sum_add(struct network_sum *to, const struct network_sum *from);

#endif
