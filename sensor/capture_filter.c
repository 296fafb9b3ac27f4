/* capture_filter.c - the text of the filter that the kernel has in mode "ports". */
#include "sensor/capture.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void append(char *out, size_t outlen, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *out, size_t outlen, const char *format, ...)
{
	size_t n = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + n, outlen - n, format, args);
	va_end(args);
}

/* What passes of each. By Ethernet type and IP protocol: the word mpls, like vlan, moves whatever
 * is written behind it. */
static const char *const encapsulation_filters[ENCAPSULATIONS] = {
	[ENCAPSULATION_MPLS] = "ether proto 0x8847 or ether proto 0x8848",
	[ENCAPSULATION_PPPOE] = "ether proto 0x8864",
	[ENCAPSULATION_GRE] = "ip proto 47 or ip6 proto 47",
	[ENCAPSULATION_ERSPAN] = "ip proto 47 or ip6 proto 47",
	[ENCAPSULATION_VXLAN] = "udp dst port 4789 or udp dst port 8472",
	[ENCAPSULATION_GENEVE] = "udp dst port 6081",
	[ENCAPSULATION_IPIP] = "ip proto 4 or ip6 proto 4",
	[ENCAPSULATION_6IN4] = "ip proto 41 or ip6 proto 41",
};

bool capture_ports_filter(const struct conf *c, bool vlan, char *out, size_t outlen)
{
	char ports[2048] = "";

	for (unsigned i = 0; i < ENCAPSULATIONS; i++) {
		if (c->encapsulations & 1u << i)
			append(ports, sizeof(ports), "%s or ", encapsulation_filters[i]);
	}
	for (unsigned i = 0; i < c->ports_n; i++)
		append(ports, sizeof(ports), "%sport %u", i ? " or " : "", c->ports[i].port);
	/* Ports cannot be found behind fragments and IPv6 extension headers: let these through. */
	append(ports, sizeof(ports),
	       "%sip[6:2] & 0x3fff != 0 or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44"
	       " or ip6[6] = 51 or ip6[6] = 60 or ip6[6] = 135 or ip6[6] = 139 or ip6[6] = 140))",
	       c->ports_n ? " or " : "");
	out[0] = '\0';
	append(out, outlen, vlan ? "%s or (vlan and (%s or (vlan and (%s))))" : "%s", ports, ports,
	       ports);
	return strlen(out) + 1 < outlen;
}
