/* sink_snmp.c - alerts as SNMP notifications (RFC 3416), of version 2c or 3. The only place that
 * knows Net-SNMP.
 *
 * A trap is taken when it was sent: nobody answers it. An inform is taken when it was acknowledged.
 * Reports that refuse a user or a key make it wait, because they carry no proof of who sent them
 * (RFC 3414, 3.2) and because the mistake can be mended there as well as here.
 *
 * Each attempt has a session of its own, so that a changed address is found and the clock of the
 * engine is right. The library keeps keys and engines in one place for the whole process: two sinks
 * with the same user and different pass phrases need two processes.
 */
#include "reports/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "reports/deadline.h"
#include "reports/lookup.h"
#include "reports/notification.h"

#define SNMP_TRAP_PORT_DEFAULT 162
#define PHRASE_MAX             255
#define TRIES                  3 /* packets that are sent before an answer is given up */
#define PEER_MAX               (NI_MAXHOST + 16)

/* A key that is not bound to an engine yet (RFC 3414, A.2). */
struct master_key {
	u_char octets[USM_AUTH_KU_LEN];
	size_t len;
};

struct snmp {
	struct target target;
	struct lookup *lookup;
	int64_t began; /* deadline.h; what sysUpTime counts from */
	struct master_key auth, priv;
};

/* One alert on its way. */
struct attempt {
	struct snmp *sink;
	int64_t deadline;
	char *answer;
	size_t len;
	bool over;
	enum sink_answer outcome;
};

static const oid sys_up_time[] = { 1, 3, 6, 1, 2, 1, 1, 3, 0 };
static const oid snmp_trap_oid[] = { 1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0 };
static const oid mailseal_mib[] = { 1, 3, 6, 1, 4, 1, ENTERPRISE_NUMBER, 25 };
enum { MIB_NOTIFICATIONS = 0, MIB_OBJECTS = 1 };

/* Answers ------------------------------------------------------------------------------------ */

/* The attempt is over. False, for those who must go no further. */
__attribute__((format(printf, 3, 4))) static bool over(struct attempt *a, enum sink_answer outcome,
						       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(a->answer, a->len, format, arguments);
	va_end(arguments);
	a->over = true;
	a->outcome = outcome;
	return false;
}

static bool no_answer(struct attempt *a)
{
	return over(a, SINK_LATER, "no answer in %u s", a->sink->target.timeout_s);
}

/* What the library says of a session: an errno, or a code of its own below 0. It says nothing when
 * nobody answered who they are. */
static bool library_error(struct attempt *a, int code)
{
	if (code == SNMPERR_SUCCESS || code == SNMPERR_TIMEOUT)
		return no_answer(a);
	return over(a, SINK_LATER, "%s", code > 0 ? strerror(code) : snmp_api_errstring(code));
}

static void take_response(struct attempt *a, long status)
{
	if (status == SNMP_ERR_NOERROR)
		over(a, SINK_TAKEN, "acknowledged");
	else
		over(a, status == SNMP_ERR_TOOBIG ? SINK_REFUSED : SINK_LATER, "refused: %s",
		     snmp_errstring((int)status));
}

static void take_report(struct attempt *a, int type)
{
	const char *user = a->sink->target.user;

	if (type == SNMPERR_NOT_IN_TIME_WINDOW)
		return; /* tells the time of the other engine; the library sends anew */
	if (type == SNMPERR_UNKNOWN_USER_NAME)
		over(a, SINK_LATER, "it knows no user %.64s", user);
	else if (type == SNMPERR_UNSUPPORTED_SEC_LEVEL)
		over(a, SINK_LATER, "it does not take %s from user %.64s",
		     snmp_security_name(a->sink->target.security), user);
	else if (type == SNMPERR_AUTHENTICATION_FAILURE)
		over(a, SINK_LATER, "it has another authentication pass phrase for user %.64s",
		     user);
	else if (type == SNMPERR_DECRYPTION_ERR)
		over(a, SINK_LATER, "it has another privacy pass phrase for user %.64s", user);
	else
		over(a, SINK_LATER, "reported: %s", snmp_api_errstring(type));
}

static void take_message(struct attempt *a, netsnmp_pdu *pdu)
{
	if (pdu->command == SNMP_MSG_REPORT)
		take_report(a, snmpv3_get_report_type(pdu));
	else if (pdu->command == SNMP_MSG_RESPONSE)
		take_response(a, pdu->errstat);
}

static int on_event(int event, netsnmp_session *session, int request, netsnmp_pdu *pdu, void *ctx)
{
	struct attempt *a = ctx;

	(void)request;
	switch (event) {
	case NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE: take_message(a, pdu); break;
	case NETSNMP_CALLBACK_OP_TIMED_OUT: no_answer(a); break;
	case NETSNMP_CALLBACK_OP_SEND_FAILED:
	case NETSNMP_CALLBACK_OP_DISCONNECT:
	case NETSNMP_CALLBACK_OP_SEC_ERROR: library_error(a, session->s_snmp_errno); break;
	}
	return 1;
}

/* The notification --------------------------------------------------------------------------- */

static void add_variable(netsnmp_pdu *pdu, const oid *name, size_t len, u_char type,
			 const void *value, size_t size)
{
	if (!snmp_pdu_add_variable(pdu, name, len, type, value, size))
		abort();
}

/* Extends the name of the module. Returns the length. */
static size_t name_below(oid out[MAX_OID_LEN], const oid *tail, size_t n)
{
	memcpy(out, mailseal_mib, sizeof(mailseal_mib));
	memcpy(out + OID_LENGTH(mailseal_mib), tail, n * sizeof(*tail));
	return OID_LENGTH(mailseal_mib) + n;
}

static void add_object(netsnmp_pdu *pdu, const struct notification_object *o)
{
	const oid tail[] = { MIB_OBJECTS, o->branch, o->object, 0 };
	const u_long number = o->number;
	const long integer = o->number;
	oid name[MAX_OID_LEN];
	const size_t len = name_below(name, tail, OID_LENGTH(tail));

	switch (o->type) {
	case NOTIFICATION_INTEGER:
		add_variable(pdu, name, len, ASN_INTEGER, &integer, sizeof(integer));
		break;
	case NOTIFICATION_UNSIGNED:
		add_variable(pdu, name, len, ASN_UNSIGNED, &number, sizeof(number));
		break;
	case NOTIFICATION_OCTETS:
		add_variable(pdu, name, len, ASN_OCTET_STR, o->octets, o->len);
		break;
	}
}

static netsnmp_pdu *notification_pdu(const struct snmp *s, const struct alert *alert)
{
	netsnmp_pdu *pdu = snmp_pdu_create(s->target.inform ? SNMP_MSG_INFORM : SNMP_MSG_TRAP2);
	const u_long up = (u_long)(deadline_in_ms(0) - s->began) / 10 & UINT32_MAX;
	struct notification n;
	oid kind[MAX_OID_LEN];
	size_t len;

	if (!pdu)
		abort();
	notification_of(alert, &n);
	len = name_below(kind, (const oid[]){ MIB_NOTIFICATIONS, n.kind }, 2);
	add_variable(pdu, sys_up_time, OID_LENGTH(sys_up_time), ASN_TIMETICKS, &up, sizeof(up));
	add_variable(pdu, snmp_trap_oid, OID_LENGTH(snmp_trap_oid), ASN_OBJECT_ID, kind,
		     len * sizeof(*kind));
	for (size_t i = 0; i < n.n; i++)
		add_object(pdu, &n.objects[i]);
	return pdu;
}

/* Sessions ----------------------------------------------------------------------------------- */

/* "udp:192.0.2.1:162" or "udp6:[2001:db8::1]:162". */
static bool find_peer(struct attempt *a, char peer[PEER_MAX])
{
	struct addrinfo *list;
	char host[NI_MAXHOST], port[8];
	int error = lookup_addresses(a->sink->lookup, a->deadline, &list);

	if (error == 0) {
		error = getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host), port,
				    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
		snprintf(peer, PEER_MAX, list->ai_family == AF_INET6 ? "udp6:[%s]:%s" : "udp:%s:%s",
			 host, port);
		freeaddrinfo(list);
	}
	if (error != 0)
		return over(a, SINK_LATER, "%.80s: %s", a->sink->target.host, lookup_error(error));
	return true;
}

static void give_key(const struct master_key *from, u_char *key, size_t *len)
{
	memcpy(key, from->octets, from->len);
	*len = from->len;
}

static void give_security(netsnmp_session *out, struct snmp *s)
{
	struct target *t = &s->target;

	if (t->security == SNMP_V2C) {
		out->version = SNMP_VERSION_2c;
		out->community = (u_char *)t->user;
		out->community_len = strlen(t->user);
		return;
	}
	out->version = SNMP_VERSION_3;
	out->securityName = t->user;
	out->securityNameLen = strlen(t->user);
	out->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	if (t->security >= SNMP_AUTH) {
		out->securityLevel = SNMP_SEC_LEVEL_AUTHNOPRIV;
		out->securityAuthProto = usmHMACSHA1AuthProtocol;
		out->securityAuthProtoLen = OID_LENGTH(usmHMACSHA1AuthProtocol);
		give_key(&s->auth, out->securityAuthKey, &out->securityAuthKeyLen);
	}
	if (t->security == SNMP_PRIV) {
		out->securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
		out->securityPrivProto = usmAESPrivProtocol;
		out->securityPrivProtoLen = OID_LENGTH(usmAESPrivProtocol);
		give_key(&s->priv, out->securityPrivKey, &out->securityPrivKeyLen);
	}
}

/* Of a trap the sender is the authority: its name and its clock (RFC 3414, 1.5.1). */
static void give_engine(netsnmp_session *out, u_char *id, size_t len, int64_t now)
{
	uint32_t boots, seconds;

	out->securityEngineID = id;
	out->securityEngineIDLen = len;
	out->contextEngineID = id;
	out->contextEngineIDLen = len;
	engine_clock(now, &boots, &seconds);
	set_enginetime(id, (u_int)len, boots, seconds, TRUE);
}

/* The time for one packet of several, so that all end with the attempt; microseconds. */
static long share_us(const struct attempt *a)
{
	const long left = deadline_left_ms(a->deadline);

	return left > TRIES ? left * 1000 / TRIES : 1000;
}

/* NULL when the attempt is over. */
static struct session_list *open_session(struct attempt *a, const struct alert *alert)
{
	struct snmp *s = a->sink;
	const bool v3 = s->target.security != SNMP_V2C;
	u_char id[ENGINE_ID_MAX];
	char peer[PEER_MAX];
	netsnmp_session session;
	struct session_list *opened;

	if (!find_peer(a, peer))
		return NULL;
	snmp_sess_init(&session);
	session.peername = peer;
	session.retries = TRIES - 1;
	session.timeout = share_us(a);
	give_security(&session, s);
	if (v3 && !s->target.inform)
		give_engine(&session, id, engine_id(alert->incident->sensor, id), alert->now);
	opened = snmp_sess_open(&session);
	if (!opened)
		library_error(a, session.s_snmp_errno);
	explicit_bzero(&session, sizeof(session));
	return opened;
}

/* Sending ------------------------------------------------------------------------------------ */

static void wait_for_answer(struct attempt *a, struct session_list *session)
{
	while (!a->over) {
		const int left = deadline_left_ms(a->deadline);
		struct timeval t = { left / 1000, left % 1000 * 1000 };
		int top = 0, block = 0, ready;
		fd_set set;

		if (left == 0) {
			no_answer(a);
			return;
		}
		FD_ZERO(&set);
		snmp_sess_select_info(session, &top, &set, &t, &block);
		ready = select(top, &set, NULL, NULL, &t);
		if (ready > 0)
			snmp_sess_read(session, &set);
		else if (ready == 0)
			snmp_sess_timeout(session);
		else if (errno != EINTR)
			library_error(a, errno);
	}
}

static void send_failed(struct attempt *a, struct session_list *session, netsnmp_pdu *pdu)
{
	int code = 0;

	snmp_sess_error(session, &code, NULL, NULL);
	library_error(a, code);
	snmp_free_pdu(pdu);
}

/* The engine ID is what whoever configures the receiver needs. */
static void trap_sent(struct attempt *a, const struct alert *alert)
{
	uint8_t id[ENGINE_ID_MAX];
	char hex[2 * ENGINE_ID_MAX + 1];
	size_t len = engine_id(alert->incident->sensor, id);

	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	if (a->sink->target.security == SNMP_V2C)
		over(a, SINK_TAKEN, "sent");
	else
		over(a, SINK_TAKEN, "sent by engine 0x%s", hex);
}

static void send_notification(struct attempt *a, struct session_list *session,
			      const struct alert *alert)
{
	netsnmp_pdu *pdu = notification_pdu(a->sink, alert);

	if (!a->sink->target.inform) {
		if (snmp_sess_send(session, pdu) == 0)
			send_failed(a, session, pdu);
		else
			trap_sent(a, alert);
		return;
	}
	/* Of version 3: this asks first who and how late it is there. */
	if (snmp_sess_async_send(session, pdu, on_event, a) == 0)
		send_failed(a, session, pdu);
	else
		wait_for_answer(a, session);
}

static enum sink_answer snmp_notify(void *sink, const struct alert *alert, char *answer, size_t len)
{
	struct snmp *s = sink;
	struct attempt a = { .sink = s,
			     .deadline = deadline_in_ms((int64_t)s->target.timeout_s * 1000),
			     .answer = answer,
			     .len = len,
			     .outcome = SINK_LATER };
	struct session_list *session = open_session(&a, alert);

	if (session) {
		send_notification(&a, session, alert);
		snmp_sess_close(session);
	}
	return a.outcome;
}

/* Opening ------------------------------------------------------------------------------------ */

/* No file is read or written, no signal used and nothing printed. Where only a folder can be named,
 * it is one that cannot be and cannot be made. */
static void prepare_library(void)
{
	static const int on[] = {
		NETSNMP_DS_LIB_DONT_READ_CONFIGS,       NETSNMP_DS_LIB_DONT_PERSIST_STATE,
		NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE,
		NETSNMP_DS_LIB_DONT_LOAD_HOST_FILES,    NETSNMP_DS_LIB_ALARM_DONT_USE_SIG
	};
	static const int nowhere[] = { NETSNMP_DS_LIB_CONFIGURATION_DIR,
				       NETSNMP_DS_LIB_PERSISTENT_DIR, NETSNMP_DS_LIB_MIBDIRS };

	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++)
		netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, on[i], 1);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++)
		netsnmp_ds_set_string(NETSNMP_DS_LIBRARY_ID, nowhere[i], "/dev/null");
	netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
	init_snmp("mailseald");
}

/* The first line of a file. The length, or -1 with err. */
static ssize_t read_phrase(const char *path, char phrase[PHRASE_MAX + 1], char *err, size_t errlen)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd >= 0 ? read(fd, phrase, PHRASE_MAX) : -1;

	if (n < 0)
		snprintf(err, errlen, "%.128s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	phrase[n] = '\0';
	return (ssize_t)strcspn(phrase, "\r\n");
}

static bool read_key(const char *path, struct master_key *key, char *err, size_t errlen)
{
	char phrase[PHRASE_MAX + 1];
	const ssize_t n = read_phrase(path, phrase, err, errlen);
	bool good = false;

	if (n >= 0 && n < USM_LENGTH_P_MIN) {
		snprintf(err, errlen, "%.128s: a pass phrase has at least %d characters", path,
			 USM_LENGTH_P_MIN);
	} else if (n >= 0) {
		key->len = sizeof(key->octets);
		good = generate_Ku(usmHMACSHA1AuthProtocol, OID_LENGTH(usmHMACSHA1AuthProtocol),
				   (u_char *)phrase, (size_t)n, key->octets,
				   &key->len) == SNMPERR_SUCCESS;
		if (!good)
			snprintf(err, errlen, "%.128s: no key can be made of it", path);
	}
	explicit_bzero(phrase, sizeof(phrase));
	return good;
}

static void snmp_free(void *sink)
{
	struct snmp *s = sink;

	lookup_free(s->lookup);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

static void *snmp_new(const struct target *t, char *err, size_t errlen)
{
	struct snmp *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	prepare_library();
	s->target = *t;
	s->began = deadline_in_ms(0);
	s->lookup = lookup_new(t->host, t->port ? t->port : SNMP_TRAP_PORT_DEFAULT, SOCK_DGRAM);
	if ((t->security >= SNMP_AUTH && !read_key(t->auth_file, &s->auth, err, errlen)) ||
	    (t->security == SNMP_PRIV && !read_key(t->priv_file, &s->priv, err, errlen))) {
		snmp_free(s);
		return NULL;
	}
	return s;
}

const struct sink_kind sink_snmp = {
	.kind = TARGET_SNMP,
	.open = snmp_new,
	.send = snmp_notify,
	.close = snmp_free,
};
