/* frames.h - frames for tests, written as words from the outermost layer to the innermost:
 * "eth vlan7 ip4 tcp data10". Headers are right unless the word says what is wrong with them.
 *
 *     eth sll sll2 null null-be loop          link layers; raw IP has none
 *     vlanN qinqN oldN mpls pppoe arp llc     what an Ethernet type stands for
 *     ip4 ip4opt ip4df ip4mf ip4off           plain, with options, don't fragment, fragments
 *     ip4zero ip4less ip4ihl4 ip5             total length 0 or below the header, bad first byte
 *     ip6 ip6zero hop route dst ah mob hip shim atomic frag6 frag6mf
 *     tcp tcpopt tcpoff4 tcpoff15 udpN protoN (N: port, protocol)
 *     dataN padN                              payload; bytes behind the packet
 *
 * Encapsulations, in the order of their headers:
 *     mpls ... bottom                         labels; cw: a control word behind them
 *     pppoe-session ppp                       ppp-short, ppp-bare: less of its header
 *     gre, gre-cks (any of them)              checksum, key, sequence number; pptp, pptp-ack
 *     gre erspan1, gre-s erspan2, gre erspan3 erspan3-o: with a subheader, erspan3-ip: with IP
 *     udp4789 vxlan, udp6081 geneve           vxlan-0: without its flag; geneve-opt, geneve-1
 */
#ifndef MAILSEAL_TESTS_FRAMES_H
#define MAILSEAL_TESTS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 2048

#define FRAME_CLIENT_PORT 40312
#define FRAME_SEQ         0x01020304u
#define FRAME_ACK         0xfffefdfcu

struct made_frame {
	uint8_t buffer[FRAME_MAX];
	size_t at;       /* the frame begins here and ends with the buffer */
	size_t pad;      /* of it behind the packet */
	uint16_t type;   /* Ethernet type of what was written last */
	uint8_t next;    /* IP protocol of it */
	uint16_t server; /* port */
};

static inline const uint8_t *frame_bytes(const struct made_frame *f)
{
	return f->buffer + f->at;
}

static inline size_t frame_size(const struct made_frame *f)
{
	return FRAME_MAX - f->at;
}

static inline uint8_t *frame_push(struct made_frame *f, size_t n)
{
	f->at -= n;
	memset(f->buffer + f->at, 0, n);
	return f->buffer + f->at;
}

static inline void frame_be16(uint8_t *to, size_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static inline void frame_be32(uint8_t *to, uint32_t value)
{
	frame_be16(to, value >> 16);
	frame_be16(to + 2, value & 0xffff);
}

static inline void frame_tcp(struct made_frame *f, size_t header, unsigned offset)
{
	uint8_t *h = frame_push(f, header);

	frame_be16(h, FRAME_CLIENT_PORT);
	frame_be16(h + 2, f->server);
	frame_be32(h + 4, FRAME_SEQ);
	frame_be32(h + 8, FRAME_ACK);
	h[12] = (uint8_t)(offset << 4);
	h[13] = 0x18; /* PSH, ACK */
	memset(h + 20, 1, header - 20);
	f->next = 6;
}

static inline void frame_udp(struct made_frame *f, unsigned port)
{
	uint8_t *h = frame_push(f, 8);

	frame_be16(h, 50000);
	frame_be16(h + 2, port);
	frame_be16(h + 4, frame_size(f) - f->pad);
	f->next = 17;
}

static inline void frame_ip4(struct made_frame *f, const char *how)
{
	size_t header = strcmp(how, "opt") == 0 ? 28 : 20;
	uint8_t *h = frame_push(f, header);

	h[0] = (uint8_t)(0x40 | header / 4);
	frame_be16(h + 2, frame_size(f) - f->pad);
	h[8] = 64;
	h[9] = f->next;
	memcpy(h + 12, "\xc0\x00\x02\x01\xc6\x33\x64\x02", 8);
	memset(h + 20, 1, header - 20);
	if (strcmp(how, "df") == 0)
		h[6] = 0x40;
	else if (strcmp(how, "mf") == 0)
		h[6] = 0x20;
	else if (strcmp(how, "off") == 0)
		h[7] = 1;
	else if (strcmp(how, "zero") == 0)
		frame_be16(h + 2, 0);
	else if (strcmp(how, "less") == 0)
		frame_be16(h + 2, 19);
	else if (strcmp(how, "ihl4") == 0)
		h[0] = 0x44;
	f->type = 0x0800;
	f->next = 4;
}

static inline void frame_ip6(struct made_frame *f, const char *how)
{
	uint8_t *h;
	size_t length = frame_size(f) - f->pad;

	h = frame_push(f, 40);
	h[0] = 0x60;
	frame_be16(h + 4, strcmp(how, "zero") == 0 ? 0 : length);
	h[6] = f->next;
	h[7] = 64;
	memcpy(h + 8, "\x20\x01\x0d\xb8\0\1\0\0\0\0\0\0\0\0\0\1", 16);
	memcpy(h + 24, "\x20\x01\x0d\xb8\0\2\0\0\0\0\0\0\0\0\0\2", 16);
	f->type = 0x86dd;
	f->next = 41;
}

/* An IPv6 extension header of 8 bytes; place: of a fragment header. */
static inline void frame_extension(struct made_frame *f, uint8_t number, unsigned place)
{
	uint8_t *h = frame_push(f, 8);

	h[0] = f->next;
	frame_be16(h + 2, place);
	f->next = number;
}

static inline void frame_tag(struct made_frame *f, uint16_t type, unsigned vlan)
{
	uint8_t *h = frame_push(f, 4);

	frame_be16(h, 0xa000 | vlan); /* with a priority, which is no part of the number */
	frame_be16(h + 2, f->type);
	f->type = type;
}

static inline void frame_gre(struct made_frame *f, const char *how, unsigned version)
{
	unsigned flags = (strchr(how, 'c') ? 0x8000 : 0) | (strchr(how, 'k') ? 0x2000 : 0) |
			 (strchr(how, 's') ? 0x1000 : 0) | (strchr(how, 'a') ? 0x0080 : 0) |
			 (strchr(how, 'r') ? 0x4000 : 0) | version;
	uint8_t *h;

	for (const char *at = how; *at; at++)
		frame_be32(frame_push(f, 4), 0x01020304);
	h = frame_push(f, 4);
	frame_be16(h, flags);
	frame_be16(h + 2, f->type);
	f->next = 47;
}

/* number: I, II or III; how: "" or what is behind the dash. */
static inline void frame_erspan(struct made_frame *f, unsigned number, const char *how)
{
	uint8_t *h;

	if (number == 3) {
		if (strcmp(how, "o") == 0)
			frame_be32(frame_push(f, 8), 0x04030201);
		h = frame_push(f, 12);
		h[0] = 0x20;
		h[10] = strcmp(how, "ip") == 0 ? 2 << 2 : 0;
		h[11] = strcmp(how, "o") == 0 ? 1 : 0;
	} else if (number == 2) {
		frame_push(f, 8)[0] = 0x10;
	}
	f->type = number == 3 ? 0x22eb : 0x88be;
}

static inline void frame_ppp(struct made_frame *f, const char *how)
{
	unsigned protocol = f->type == 0x0800 ? 0x21 : f->type == 0x86dd ? 0x57 : 0x281;

	if (strcmp(how, "short") == 0)
		frame_push(f, 1)[0] = (uint8_t)protocol;
	else
		frame_be16(frame_push(f, 2), protocol);
	if (strcmp(how, "") == 0)
		frame_be16(frame_push(f, 2), 0xff03);
	f->type = 0x880b;
}

static inline void frame_pppoe(struct made_frame *f)
{
	size_t length = frame_size(f) - f->pad;
	uint8_t *h = frame_push(f, 6);

	h[0] = 0x11;
	h[3] = 7;
	frame_be16(h + 4, length);
	f->type = 0x8864;
}

static inline void frame_geneve(struct made_frame *f, const char *how)
{
	uint8_t *h = frame_push(f, strcmp(how, "opt") == 0 ? 20 : 8);

	h[0] = strcmp(how, "opt") == 0 ? 3 : strcmp(how, "1") == 0 ? 0x40 : 0;
	frame_be16(h + 2, f->type);
}

/* What follows the dash; "" without one. */
static inline const char *frame_how(const char *word)
{
	const char *dash = strchr(word, '-');

	return dash ? dash + 1 : "";
}

static inline bool frame_is(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 && (word[len] == '\0' || word[len] == '-');
}

static inline bool frame_encapsulation(struct made_frame *f, const char *word)
{
	const char *how = frame_how(word);

	if (frame_is(word, "gre"))
		frame_gre(f, how, 0);
	else if (frame_is(word, "pptp"))
		frame_gre(f, strcmp(how, "ack") == 0 ? "ksa" : "ks", 1);
	else if (strncmp(word, "erspan", 6) == 0)
		frame_erspan(f, (unsigned)word[6] - '0', how);
	else if (frame_is(word, "ppp"))
		frame_ppp(f, how);
	else if (frame_is(word, "pppoe-session"))
		frame_pppoe(f);
	else if (frame_is(word, "geneve"))
		frame_geneve(f, how);
	else if (frame_is(word, "vxlan"))
		frame_push(f, 8)[0] = strcmp(how, "0") == 0 ? 0 : 8;
	else if (strcmp(word, "cw") == 0)
		frame_push(f, 4);
	else if (strcmp(word, "bottom") == 0)
		frame_be32(frame_push(f, 4), 0x00064140);
	else
		return false;
	if (strcmp(word, "bottom") == 0)
		f->type = 0x8847;
	return true;
}

static inline void frame_link(struct made_frame *f, const char *word)
{
	uint8_t *h;

	if (strcmp(word, "eth") == 0) {
		h = frame_push(f, 14);
		frame_be16(h + 12, f->type);
		f->type = 0x6558; /* when it is inside something */
	} else if (strcmp(word, "sll") == 0) {
		h = frame_push(f, 16);
		frame_be16(h + 14, f->type);
	} else if (strcmp(word, "sll2") == 0) {
		h = frame_push(f, 20);
		frame_be16(h, f->type);
	} else {
		h = frame_push(f, 4);
		h[strcmp(word, "null") == 0 ? 0 : 3] = f->type == 0x0800 ? 2 : 30;
	}
}

static inline bool frame_number(const char *word, const char *name, unsigned *n)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len) != 0 || word[len] < '0' || word[len] > '9')
		return false;
	*n = (unsigned)strtoul(word + len, NULL, 10);
	return true;
}

static inline bool frame_named(struct made_frame *f, const char *word)
{
	static const struct {
		const char *name;
		uint8_t number;
		unsigned place;
	} extensions[] = {
		{ "hop", 0, 0 },     { "route", 43, 0 },   { "dst", 60, 0 },   { "ah", 51, 0 },
		{ "mob", 135, 0 },   { "hip", 139, 0 },    { "shim", 140, 0 }, { "atomic", 44, 0 },
		{ "frag6", 44, 80 }, { "frag6mf", 44, 1 },
	};
	static const struct {
		const char *name;
		uint16_t type;
	} types[] = {
		{ "mpls", 0x8847 }, { "pppoe", 0x8864 }, { "arp", 0x0806 }, { "llc", 0x0026 }
	};

	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		if (strcmp(word, extensions[i].name) == 0) {
			frame_extension(f, extensions[i].number, extensions[i].place);
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(word, types[i].name) == 0) {
			frame_push(f, 4);
			f->type = types[i].type;
			return true;
		}
	}
	return false;
}

static inline bool frame_counted(struct made_frame *f, const char *word)
{
	unsigned n;

	if (frame_number(word, "data", &n)) {
		uint8_t *to = frame_push(f, n);

		for (unsigned i = 0; i < n; i++)
			to[i] = (uint8_t)('a' + i % 26);
	} else if (frame_number(word, "pad", &n)) {
		memset(frame_push(f, n), 0xee, n);
		f->pad = n;
	} else if (frame_number(word, "udp", &n)) {
		frame_udp(f, n);
	} else if (frame_number(word, "proto", &n)) {
		frame_push(f, 8);
		f->next = (uint8_t)n;
	} else if (frame_number(word, "vlan", &n)) {
		frame_tag(f, 0x8100, n);
	} else if (frame_number(word, "qinq", &n)) {
		frame_tag(f, 0x88a8, n);
	} else if (frame_number(word, "old", &n)) {
		frame_tag(f, 0x9100, n);
	} else {
		return false;
	}
	return true;
}

static inline void frame_word(struct made_frame *f, const char *word)
{
	if (strcmp(word, "tcp") == 0)
		frame_tcp(f, 20, 5);
	else if (strcmp(word, "tcpopt") == 0)
		frame_tcp(f, 32, 8);
	else if (strcmp(word, "tcpoff4") == 0)
		frame_tcp(f, 20, 4);
	else if (strcmp(word, "tcpoff15") == 0)
		frame_tcp(f, 20, 15);
	else if (strcmp(word, "ip5") == 0)
		frame_push(f, 20)[0] = 0x55;
	else if (frame_encapsulation(f, word) || frame_counted(f, word) || frame_named(f, word))
		return;
	else if (strncmp(word, "ip4", 3) == 0)
		frame_ip4(f, word + 3);
	else if (strncmp(word, "ip6", 3) == 0)
		frame_ip6(f, word + 3);
	else
		frame_link(f, word);
}

/* The words are written from the last to the first, so that lengths are known. */
static inline void make_frame(struct made_frame *f, const char *words, uint16_t server_port)
{
	char copy[256], *space;

	memset(f, 0, sizeof(*f));
	f->at = FRAME_MAX;
	f->server = server_port;
	f->type = 0x0800;
	snprintf(copy, sizeof(copy), "%s", words);
	while ((space = strrchr(copy, ' ')) != NULL) {
		frame_word(f, space + 1);
		*space = '\0';
	}
	if (copy[0])
		frame_word(f, copy);
}

#endif
