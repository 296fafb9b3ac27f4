/* network.h - a network of the test's own, whose loopback interface frames are sent to. Needs root. */
#ifndef MAILSEAL_TESTS_SENSOR_NETWORK_H
#define MAILSEAL_TESTS_SENSOR_NETWORK_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit.h"

/* False, and says so, where there can be none. */
static inline bool have_network(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;
	bool ok;

	if (unshare(CLONE_NEWNET) != 0) {
		printf("# not tried: no network namespace: %s\n", strerror(errno));
		return false;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Of the loopback interface. */
static inline int packet_socket(void)
{
	struct sockaddr_ll lo = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex("lo") };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&lo, sizeof(lo)), 0);
	return fd;
}

#endif
