#include "sensor/steer.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <sys/socket.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The program that the kernel runs for each packet: steer_hash(). Places are reckoned from the IP header
 * on, wherever that is; a load behind the end of the packet ends it with worker 0. X is the sum of the
 * words so far, without carry. */
#define LOAD_WORD(k) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(k))
#define ADD_WORD(at)                                                           \
	LOAD_WORD(SKF_NET_OFF + (at)), BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0), \
		BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define START BPF_STMT(BPF_LDX | BPF_IMM, 0)
#define END                                             \
	BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, STEER_MIX), \
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, STEER_SHIFT), BPF_STMT(BPF_RET | BPF_A, 0)

/* RFC 791, 3.1. */
static const struct sock_filter ipv4[] = { START, ADD_WORD(12), ADD_WORD(16), END };

/* RFC 8200, 3. */
static const struct sock_filter ipv6[] = {
	START,        ADD_WORD(8),  ADD_WORD(12), ADD_WORD(16), ADD_WORD(20),
	ADD_WORD(24), ADD_WORD(28), ADD_WORD(32), ADD_WORD(36), END,
};

/* What is not plain IP comes to worker 0. */
static const struct sock_filter start[] = {
	LOAD_WORD(SKF_AD_OFF + SKF_AD_PROTOCOL),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 2 + COUNT(ipv4), 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static bool set_program(int fd)
{
	struct sock_filter all[COUNT(start) + COUNT(ipv4) + COUNT(ipv6)];
	const struct sock_fprog program = { .len = COUNT(all), .filter = all };

	memcpy(all, start, sizeof(start));
	memcpy(all + COUNT(start), ipv4, sizeof(ipv4));
	memcpy(all + COUNT(start) + COUNT(ipv4), ipv6, sizeof(ipv6));
	return setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)) == 0;
}

/* The kernel chooses a number that no other program has, and tells it. */
static bool found_group(int fd, unsigned *group)
{
	int wish = (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID) << 16, got;
	socklen_t len = sizeof(got);

	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &wish, sizeof(wish)) != 0 ||
	    getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &got, &len) != 0)
		return false;
	*group = (unsigned)got & 0xffff;
	return true;
}

static bool join_group(int fd, unsigned group)
{
	int wish = (int)(group | (unsigned)PACKET_FANOUT_CBPF << 16);

	return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &wish, sizeof(wish)) == 0;
}

bool steer_sockets(const int *fds, unsigned n, char *err, size_t errlen)
{
	unsigned group;
	bool ok = found_group(fds[0], &group);

	for (unsigned i = 1; ok && i < n; i++)
		ok = join_group(fds[i], group);
	if (ok && set_program(fds[0]))
		return true;
	snprintf(err, errlen, "packets cannot be spread over workers: %s", strerror(errno));
	return false;
}
