/* syslog_socket.h - messages to the local syslog daemon, one datagram each.
 *
 * Never waits: what the daemon does not take now is the caller's to send again.
 */
#ifndef MAILSEAL_SYSLOG_SOCKET_H
#define MAILSEAL_SYSLOG_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

struct syslog_socket;

struct syslog_socket *syslog_new(const char *path); /* connects when first used */
void syslog_free(struct syslog_socket *s);

/* False with a sentence in err when the message was not taken; the next call connects anew. */
bool syslog_send(struct syslog_socket *s, const char *line, size_t len, char *err, size_t errlen);

#endif
