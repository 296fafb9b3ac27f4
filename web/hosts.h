/* hosts.h - under which names the server may be asked.
 *
 * A page of another site may make a browser inside the network ask us under a name of its own, and
 * then read the answer as its own (DNS rebinding). So a name has to be one that the operator gave;
 * addresses and localhost always are good, which no such page can make its own.
 */
#ifndef MAILSEAL_HOSTS_H
#define MAILSEAL_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

/* host: the header Host, with or without a port; NULL, as HTTP/1.0 may leave it, is allowed. */
bool host_is_ours(const char *host, const char *const *names, size_t n);

#endif
