/* sink_webhook.c - alerts as signed JSON to a program behind a URL.
 *
 * The signature covers the time of the attempt, too, so that a receiver can turn away what somebody
 * recorded and sends again. Without a key that others do not know it would prove nothing: there is
 * none shorter than KEY_MIN, and none in a file that everybody may read or change.
 */
#include "reports/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/alert_json.h"
#include "reports/hmac.h"
#include "reports/http.h"

#define KEY_MIN    16
#define KEY_MAX    4096
#define HEADER_MAX 128

struct webhook {
	struct http *http;
	size_t key_len;
	char key[KEY_MAX + 2]; /* a line end behind the key, and a byte that tells of too many */
};

/* The key ------------------------------------------------------------------------------------ */

static bool is_private(FILE *f, const char *path, char *err, size_t errlen)
{
	struct stat st;

	if (fstat(fileno(f), &st) != 0) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return false;
	}
	if (st.st_mode & (S_IROTH | S_IWOTH)) {
		snprintf(err, errlen, "%s: is for everybody to %s: chmod o= it", path,
			 st.st_mode & S_IROTH ? "read" : "change");
		return false;
	}
	return true;
}

static bool take_key(struct webhook *w, FILE *f, const char *path, char *err, size_t errlen)
{
	if (!is_private(f, path, err, errlen))
		return false;
	w->key_len = fread(w->key, 1, sizeof(w->key), f);
	if (ferror(f)) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return false;
	}
	if (w->key_len > 0 && w->key[w->key_len - 1] == '\n')
		w->key_len--;
	if (w->key_len >= KEY_MIN && w->key_len <= KEY_MAX)
		return true;
	snprintf(err, errlen, "%s: a key has %d to %d bytes", path, KEY_MIN, KEY_MAX);
	return false;
}

static bool read_key(struct webhook *w, const char *path, char *err, size_t errlen)
{
	FILE *f = fopen(path, "re");
	bool good;

	if (!f) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return false;
	}
	setvbuf(f, NULL, _IONBF, 0); /* no copy of the key stays behind */
	good = take_key(w, f, path, err, errlen);
	fclose(f);
	return good;
}

static void free_webhook(struct webhook *w)
{
	http_close(w->http);
	explicit_bzero(w, sizeof(*w));
	free(w);
}

/* The sink ----------------------------------------------------------------------------------- */

static void *open_webhook(const struct target *t, char *err, size_t errlen)
{
	struct webhook *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	if (read_key(w, t->secret_file, err, errlen))
		w->http = http_open(t->url, t->ca_file, t->timeout_s, err, errlen);
	if (w->http)
		return w;
	free_webhook(w);
	return NULL;
}

/* HMAC-SHA256 over timestamp "." body. */
static bool sign(const struct webhook *w, int64_t timestamp, const struct http_post *p,
		 char out[HMAC_HEX_MAX])
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool good;

	if (!f)
		abort();
	fprintf(f, "%" PRId64 ".", timestamp);
	fwrite(p->body, 1, p->len, f);
	if (fclose(f) != 0)
		abort();
	good = hmac_sha256(w->key, w->key_len, text, len, out);
	free(text);
	return good;
}

static enum sink_answer send_webhook(void *sink, const struct alert *a, char *answer, size_t len)
{
	struct webhook *w = sink;
	char event[HEADER_MAX], delivery[HEADER_MAX], timestamp[HEADER_MAX], signature[HEADER_MAX];
	char code[HMAC_HEX_MAX];
	struct http_post post = {
		.headers = { "Content-Type: application/json", event, delivery, timestamp,
			     signature },
	};
	char *body = alert_json(a, &post.len);
	enum sink_answer out = SINK_LATER;

	post.body = body;
	snprintf(event, HEADER_MAX, "X-Mailseal-Event: %s", incident_event_name(a->event));
	snprintf(delivery, HEADER_MAX, "X-Mailseal-Delivery: %" PRId64, a->event_id);
	snprintf(timestamp, HEADER_MAX, "X-Mailseal-Timestamp: %" PRId64, a->now);
	if (sign(w, a->now, &post, code)) {
		snprintf(signature, HEADER_MAX, "X-Mailseal-Signature: sha256=%s", code);
		out = http_post(w->http, &post, answer, len);
	} else {
		snprintf(answer, len, "libcrypto does not sign with HMAC-SHA256 here");
	}
	free(body);
	return out;
}

static void close_webhook(void *sink)
{
	free_webhook(sink);
}

const struct sink_kind sink_webhook = {
	.kind = TARGET_WEBHOOK,
	.open = open_webhook,
	.send = send_webhook,
	.close = close_webhook,
};
