/* hosts.c - under which names the server may be asked. */
#include "web/hosts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 256

/* Takes the port off, and the brackets of IPv6. False when it is nothing of the kind. */
static bool cut_port(const char *host, char out[HOST_MAX], bool *bracketed)
{
	const char *end, *port;

	*bracketed = host[0] == '[';
	host += *bracketed;
	end = host + strcspn(host, *bracketed ? "]" : ":");
	if ((size_t)(end - host) >= HOST_MAX || (*bracketed && *end != ']'))
		return false;
	memcpy(out, host, (size_t)(end - host));
	out[end - host] = '\0';
	port = end + *bracketed;
	return *port == '\0' || (*port == ':' && port[1 + strspn(port + 1, "0123456789")] == '\0');
}

bool host_is_ours(const char *host, const char *const *names, size_t n)
{
	char name[HOST_MAX];
	struct in6_addr ignored;
	bool bracketed;

	if (!host)
		return true;
	if (!cut_port(host, name, &bracketed))
		return false;
	if (bracketed)
		return inet_pton(AF_INET6, name, &ignored) == 1;
	if (inet_pton(AF_INET, name, &ignored) == 1 || strcasecmp(name, "localhost") == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}
