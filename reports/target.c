/* target.c - where alerts go: names, defaults, and what each kind needs. */
#include "reports/target.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_S        10
#define GIVE_UP_S        86400
#define ALERTMANAGER_S   60 /* Alertmanager resolves what it no longer hears of */
#define SYSLOG_SOCKET    "/dev/log"
#define JOURNALD_SOCKET  "/run/systemd/journal/socket"
#define SOCKET_BYTES_MAX 107 /* sun_path */

#define NAME(id, name) [id] = (name),
static const char *const kind_names[] = { TARGET_TABLE(NAME) };
#undef NAME

static const char *const transport_names[] = {
	[TRANSPORT_LOCAL] = "local",
	[TRANSPORT_UDP] = "udp",
	[TRANSPORT_TCP] = "tcp",
};

static const char *const security_names[] = {
	[SNMP_V2C] = "v2c",
	[SNMP_NO_AUTH] = "noAuthNoPriv",
	[SNMP_AUTH] = "authNoPriv",
	[SNMP_PRIV] = "authPriv",
};

const char *target_kind_name(enum target_kind k)
{
	return (size_t)k < TARGET_KINDS ? kind_names[k] : NULL;
}

const char *target_transport_name(enum target_transport t)
{
	return (size_t)t < TRANSPORTS ? transport_names[t] : NULL;
}

const char *snmp_security_name(enum snmp_security s)
{
	return (size_t)s < SNMP_SECURITIES ? security_names[s] : NULL;
}

void target_init(struct target *t, enum target_kind k)
{
	memset(t, 0, sizeof(*t));
	t->kind = k;
	t->timeout_s = TIMEOUT_S;
	t->give_up_s = GIVE_UP_S;
	if (k == TARGET_ALERTMANAGER)
		t->repeat_s = ALERTMANAGER_S;
	else if (k == TARGET_SYSLOG)
		strcpy(t->socket, SYSLOG_SOCKET);
	else if (k == TARGET_JOURNALD)
		strcpy(t->socket, JOURNALD_SOCKET);
}

/* Checks -------------------------------------------------------------------------------------- */

struct answer {
	char *why;
	size_t whylen;
};

static bool no(struct answer v, const char *why)
{
	snprintf(v.why, v.whylen, "%s", why);
	return false;
}

static bool check_name(const struct target *t, struct answer v)
{
	size_t len = strlen(t->name);

	if (len == 0 || strspn(t->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return no(v, "needs a name of 1 to 32 of a-z, 0-9 and \"-\"");
	return true;
}

static bool check_socket(const struct target *t, struct answer v)
{
	if (t->socket[0] != '/')
		return no(v, "needs a socket: a path that begins with /");
	if (strlen(t->socket) > SOCKET_BYTES_MAX)
		return no(v, "needs a socket of at most 107 bytes");
	return true;
}

/* A name or an address; that it is one is found out when it is looked up. */
static bool check_host(const struct target *t, struct answer v)
{
	size_t len = strlen(t->host);

	if (len == 0)
		return no(v, "needs a host");
	if (strspn(t->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "-_.:%") != len)
		return no(v, "needs a host that is a name or an address, without port or brackets");
	if (t->port > 65535)
		return no(v, "needs a port from 1 to 65535");
	return true;
}

/* An optional file. */
static bool check_file(const char *path, struct answer v)
{
	if (path[0] != '\0' && path[0] != '/')
		return no(v, "needs files whose path begins with /");
	return true;
}

static bool check_syslog(const struct target *t, struct answer v)
{
	switch (t->transport) {
	case TRANSPORT_LOCAL: return check_socket(t, v);
	case TRANSPORT_UDP:
	case TRANSPORT_TCP: return check_host(t, v);
	case TRANSPORTS: break;
	}
	return no(v, "needs a transport");
}

/* Visible ASCII; a name and password in it would be shown with the configuration. */
static bool check_url(const struct target *t, struct answer v)
{
	const char *host = NULL;
	size_t len;

	if (t->url[0] == '\0')
		return no(v, "needs a url");
	if (strncmp(t->url, "https://", 8) == 0)
		host = t->url + 8;
	else if (strncmp(t->url, "http://", 7) == 0)
		host = t->url + 7;
	if (!host || strcspn(host, "/?#") == 0)
		return no(v, "needs a url such as https://host/path or http://host:port");
	for (const char *at = t->url; *at; at++) {
		if (*at <= ' ' || *at >= 0x7f || strchr("\"<>\\^`{|}", *at))
			return no(v, "needs a url without blanks, quotes and the like");
	}
	len = strcspn(host, "/?#");
	if (memchr(host, '@', len))
		return no(v, "needs a url without user and password");
	return true;
}

static bool check_http(const struct target *t, struct answer v)
{
	if (!check_url(t, v) || !check_file(t->ca_file, v) || !check_file(t->secret_file, v))
		return false;
	if (t->ca_file[0] && strncmp(t->url, "https:", 6) != 0)
		return no(v, "needs a url with https for its ca_file");
	if (t->kind == TARGET_WEBHOOK && t->secret_file[0] == '\0')
		return no(v, "needs a secret_file");
#ifdef HAVE_CURL
	return true;
#else
	return no(v, "cannot be: this mailseald was built without libcurl");
#endif
}

static bool check_snmp(const struct target *t, struct answer v)
{
	if (!check_host(t, v) || !check_file(t->auth_file, v) || !check_file(t->priv_file, v))
		return false;
	if ((size_t)t->security >= SNMP_SECURITIES)
		return no(v, "needs a security");
	if (t->user[0] == '\0')
		return no(v,
			  t->security == SNMP_V2C ? "needs a user: the community" : "needs a user");
	if (t->security >= SNMP_AUTH && t->auth_file[0] == '\0')
		return no(v, "needs an auth_file");
	if (t->security == SNMP_PRIV && t->priv_file[0] == '\0')
		return no(v, "needs a priv_file");
#ifdef HAVE_NETSNMP
	return true;
#else
	return no(v, "cannot be: this mailseald was built without Net-SNMP");
#endif
}

static bool check_program(const struct target *t, struct answer v)
{
	if (t->program_n == 0)
		return no(v, "needs a program");
	if (t->program_n > TARGET_ARGS_MAX || t->program[0][0] != '/')
		return no(v, "needs a program whose path begins with /");
	return true;
}

bool target_check(const struct target *t, char *why, size_t whylen)
{
	struct answer v = { why, whylen };

	if (!check_name(t, v))
		return false;
	if (t->timeout_s == 0 || t->give_up_s == 0)
		return no(v, "needs a timeout_s and a give_up_s above 0");
	switch (t->kind) {
	case TARGET_SYSLOG: return check_syslog(t, v);
	case TARGET_JOURNALD: return check_socket(t, v);
	case TARGET_ALERTMANAGER:
	case TARGET_WEBHOOK: return check_http(t, v);
	case TARGET_SNMP: return check_snmp(t, v);
	case TARGET_PROGRAM: return check_program(t, v);
	case TARGET_KINDS: break;
	}
	return no(v, "needs a kind");
}
