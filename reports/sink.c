/* sink.c - one target, open: the kinds of sinks. */
#include "reports/sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "reports/text.h"

/* Empty: left out of this build. */
static const struct sink_kind *const kinds[TARGET_KINDS] = {
	[TARGET_SYSLOG] = &sink_syslog,
	[TARGET_JOURNALD] = &sink_journald,
	[TARGET_PROGRAM] = &sink_program,
#ifdef HAVE_CURL
	[TARGET_ALERTMANAGER] = &sink_alertmanager,
	[TARGET_WEBHOOK] = &sink_webhook,
#endif
#ifdef HAVE_NETSNMP
	[TARGET_SNMP] = &sink_snmp,
#endif
};

struct sink {
	const struct sink_kind *kind;
	void *own;
};

const struct sink_kind *sink_kind(enum target_kind k)
{
	return k < TARGET_KINDS ? kinds[k] : NULL;
}

struct sink *sink_open(const struct target *t, char *err, size_t errlen)
{
	const struct sink_kind *kind = sink_kind(t->kind);
	struct sink *s;

	if (!kind) {
		snprintf(err, errlen, "this mailseald was built without this kind of target");
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->kind = kind;
	s->own = kind->open(t, err, errlen);
	if (s->own)
		return s;
	free(s);
	return NULL;
}

enum sink_answer sink_send(struct sink *s, const struct alert *a, char answer[SINK_ANSWER_MAX + 1])
{
	char said[SINK_ANSWER_MAX + 1] = "";
	enum sink_answer taken = s->kind->send(s->own, a, said, sizeof(said));

	text_safe(said, true, answer, SINK_ANSWER_MAX + 1);
	return taken;
}

void sink_close(struct sink *s)
{
	if (!s)
		return;
	s->kind->close(s->own);
	free(s);
}
