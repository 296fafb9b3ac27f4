/* attempts_sockets.c - attempts to send frames, and to make and use sockets. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/sensor/attempts_table.h"

static uint8_t frame[64] = { [12] = ATTEMPT_ETHERTYPE >> 8, [13] = ATTEMPT_ETHERTYPE & 0xff };

/* The wire ----------------------------------------------------------------------------------- */

TRY(write_packet)
{
	return on_packets(o, write(o->packets, frame, sizeof(frame)));
}

TRY(writev_packet)
{
	struct iovec v = { frame, sizeof(frame) };

	return on_packets(o, writev(o->packets, &v, 1));
}

TRY(send_packet)
{
	return on_packets(o, send(o->packets, frame, sizeof(frame), 0));
}

TRY(sendto_packet)
{
	return on_packets(o, sendto(o->packets, frame, sizeof(frame), 0,
				    (const struct sockaddr *)&o->to, sizeof(o->to)));
}

TRY(sendmsg_packet)
{
	struct iovec v = { frame, sizeof(frame) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return on_packets(o, sendmsg(o->packets, &m, 0));
}

TRY(sendmmsg_packet)
{
	struct iovec v = { frame, sizeof(frame) };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &v, .msg_iovlen = 1 } };

	return on_packets(o, sendmmsg(o->packets, &m, 1, 0));
}

TRY(setsockopt_packet)
{
	int one = 1;

	return on_packets(o, setsockopt(o->packets, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
}

TRY(transmit_ring)
{
	return on_packets(o, setsockopt(o->packets, SOL_PACKET, PACKET_TX_RING, NULL, 0));
}

TRY(getsockopt_packet)
{
	int type;
	socklen_t len = sizeof(type);

	return on_packets(o, getsockopt(o->packets, SOL_SOCKET, SO_TYPE, &type, &len));
}

TRY(getsockopt_ring)
{
	int version;
	socklen_t len = sizeof(version);

	return on_packets(o, getsockopt(o->packets, SOL_PACKET, PACKET_VERSION, &version, &len));
}

TRY(bind_packet)
{
	return on_packets(o, bind(o->packets, (const struct sockaddr *)&o->to, sizeof(o->to)));
}

TRY(set_flags)
{
	struct ifreq r = { .ifr_name = "no-such-iface" };

	return on_packets(o, ioctl(o->packets, SIOCSIFFLAGS, &r));
}

TRY(ioctl_packet)
{
	struct ifreq r = { .ifr_name = "lo" };

	return on_packets(o, ioctl(o->packets, SIOCGIFMTU, &r));
}

TRY(type_on_terminal)
{
	return done(ioctl(o->readable, TIOCSTI, "x"));
}

/* Sockets ------------------------------------------------------------------------------------ */

TRY(socket_inet)
{
	return done(socket(AF_INET, SOCK_STREAM, 0));
}

TRY(socket_inet6)
{
	return done(socket(AF_INET6, SOCK_DGRAM, 0));
}

TRY(socket_unix)
{
	return done(socket(AF_UNIX, SOCK_STREAM, 0));
}

TRY(socket_packet)
{
	return done(socket(AF_PACKET, SOCK_RAW, 0));
}

TRY(socket_netlink)
{
	return done(socket(AF_NETLINK, SOCK_RAW, 0));
}

/* Every other family: those that this kernel does not have are not asked for either. */
TRY(socket_each)
{
	for (int family = 0; family < AF_MAX; family++) {
		int e = done(socket(family, SOCK_RAW, 0));

		if (e != EPERM)
			return e;
	}
	return EPERM;
}

TRY(socketpair)
{
	int fds[2];

	return done(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

TRY(pipe)
{
	int fds[2];

	return done(pipe(fds));
}

static struct sockaddr_in discard(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(9),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

TRY(connect)
{
	struct sockaddr_in a = discard();

	return done(connect(o->udp, (const struct sockaddr *)&a, sizeof(a)));
}

TRY(bind)
{
	struct sockaddr_in a = discard();

	a.sin_port = 0;
	return done(bind(o->udp, (const struct sockaddr *)&a, sizeof(a)));
}

TRY(listen)
{
	return done(listen(o->udp, 1));
}

TRY(sendto_udp)
{
	struct sockaddr_in a = discard();

	return done(sendto(o->udp, "x", 1, 0, (const struct sockaddr *)&a, sizeof(a)));
}

TRY(recvmsg)
{
	struct msghdr m = { 0 };

	return done(recvmsg(o->udp, &m, MSG_DONTWAIT));
}
