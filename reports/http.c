/* http.c - POST of a body to one URL, for the sinks that speak HTTP. */
#include "reports/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

struct http {
	char url[HTTP_URL_MAX + 1];
	char ca_file[TARGET_TEXT_MAX + 1];
	unsigned timeout_s;
};

/* The answer as it comes in. */
struct reply {
	char line[SINK_ANSWER_MAX + 1]; /* the first that is not empty */
	size_t len;
	bool complete;
	size_t seen; /* bytes, of the header, too */
};

/* Opening ------------------------------------------------------------------------------------ */

static bool is_http(const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL;
	bool good;

	if (!u)
		abort();
	good = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	       (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
	curl_free(scheme);
	curl_url_cleanup(u);
	return good;
}

static bool holds_certificates(const char *path, char *err, size_t errlen)
{
	FILE *f = fopen(path, "re");
	char line[256];
	bool found = false;

	if (!f) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return false;
	}
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "-----BEGIN CERTIFICATE-----") ||
			strstr(line, "-----BEGIN TRUSTED CERTIFICATE-----");
	fclose(f);
	if (!found)
		snprintf(err, errlen, "%s: holds no certificate in PEM", path);
	return found;
}

struct http *http_open(const char *url, const char *ca_file, unsigned timeout_s, char *err,
		       size_t errlen)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	if (strlen(url) > HTTP_URL_MAX || !is_http(url)) {
		snprintf(err, errlen, "the url is none of http or https");
		curl_global_cleanup();
		return NULL;
	}
	if (*ca_file && !holds_certificates(ca_file, err, errlen)) {
		curl_global_cleanup();
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		abort();
	snprintf(h->url, sizeof(h->url), "%s", url);
	snprintf(h->ca_file, sizeof(h->ca_file), "%s", ca_file);
	h->timeout_s = timeout_s;
	return h;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	free(h);
	curl_global_cleanup();
}

/* The answer --------------------------------------------------------------------------------- */

/* False when it grows beyond what is read. */
static bool count(struct reply *r, size_t n)
{
	r->seen += n;
	return r->seen <= HTTP_ANSWER_MAX;
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	(void)data;
	return count(ctx, size * n) ? size * n : 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct reply *r = ctx;

	n *= size;
	if (!count(r, n))
		return 0;
	for (size_t i = 0; i < n && !r->complete; i++) {
		if (data[i] == '\r' || data[i] == '\n')
			r->complete = r->len > 0;
		else if (r->len < sizeof(r->line) - 1)
			r->line[r->len++] = data[i] ? data[i] : '?';
	}
	r->line[r->len] = '\0';
	return n;
}

/* Refused is what was understood and will not do. A wrong address, key or method (401, 403, 404, 405,
 * 407) is somebody's mistake, which may be mended before the delivery is given up. */
static enum sink_answer judge(long status)
{
	static const long mended[] = { 401, 403, 404, 405, 407, 408, 425, 429 };

	if (status >= 200 && status < 300)
		return SINK_TAKEN;
	for (size_t i = 0; i < sizeof(mended) / sizeof(mended[0]); i++) {
		if (status == mended[i])
			return SINK_LATER;
	}
	return status >= 400 && status < 500 ? SINK_REFUSED : SINK_LATER;
}

static enum sink_answer answered(CURL *c, long status, const struct reply *r, char *answer,
				 size_t len)
{
	char *elsewhere = NULL;

	if (status >= 300 && status < 400)
		curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &elsewhere);
	if (elsewhere)
		snprintf(answer, len, "HTTP %ld: redirects are not followed: %s", status,
			 elsewhere);
	else
		snprintf(answer, len, "HTTP %ld%s%s", status, r->len > 0 ? ": " : "", r->line);
	return judge(status);
}

/* How far it came within the time. */
static void say_timeout(CURL *c, const struct http *h, char *answer, size_t len)
{
	curl_off_t named = 0, connected = 0;
	const char *missing = "no answer";

	curl_easy_getinfo(c, CURLINFO_NAMELOOKUP_TIME_T, &named);
	curl_easy_getinfo(c, CURLINFO_CONNECT_TIME_T, &connected);
	if (named == 0)
		missing = "no address for the name";
	else if (connected == 0)
		missing = "no connection";
	snprintf(answer, len, "%s in %u s", missing, h->timeout_s);
}

/* Without the words that curl puts before those of OpenSSL. */
static const char *without_lead(const char *text)
{
	static const char *const leads[] = { "SSL certificate problem: ", "SSL: " };

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if (strncmp(text, leads[i], strlen(leads[i])) == 0)
			return text + strlen(leads[i]);
	}
	return text;
}

static void say_failure(CURL *c, CURLcode code, const char *text, char *answer, size_t len)
{
	long error = 0;

	if (!*text)
		text = curl_easy_strerror(code);
	if (code == CURLE_PEER_FAILED_VERIFICATION) {
		snprintf(answer, len, "certificate verify failed: %s", without_lead(text));
		return;
	}
	curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_COULDNT_CONNECT && error != 0)
		text = strerror((int)error);
	snprintf(answer, len, "%s", text);
	answer[0] = (char)tolower((unsigned char)answer[0]);
}

/* One POST ----------------------------------------------------------------------------------- */

static struct curl_slist *headers_of(const struct http_post *p)
{
	/* Without this one a large body would wait for a "100 Continue". */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; list && i < HTTP_HEADERS_MAX && p->headers[i]; i++) {
		struct curl_slist *longer = curl_slist_append(list, p->headers[i]);

		if (!longer)
			abort();
		list = longer;
	}
	if (!list)
		abort();
	return list;
}

/* curl is left to handle SIGPIPE itself: CURLOPT_NOSIGNAL is for processes with threads. */
static void configure(CURL *c, const struct http *h)
{
	curl_easy_setopt(c, CURLOPT_URL, h->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)h->timeout_s * 1000);
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L); /* nor does a slow resolver take longer */
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (*h->ca_file) {
		curl_easy_setopt(c, CURLOPT_CAINFO, h->ca_file);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL); /* or the system's would count, too */
	}
}

enum sink_answer http_post(struct http *h, const struct http_post *p, char *answer, size_t len)
{
	CURL *c = curl_easy_init();
	struct curl_slist *headers = headers_of(p);
	char error[CURL_ERROR_SIZE] = "";
	struct reply reply = { .len = 0 };
	enum sink_answer out = SINK_LATER;
	long status = 0;
	CURLcode code;

	if (!c)
		abort();
	configure(c, h);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->len);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->body);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &reply);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &reply);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
	code = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	/* A status is an answer even if what follows it is too long or too slow. */
	if (status >= 200)
		out = answered(c, status, &reply, answer, len);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		say_timeout(c, h, answer, len);
	else
		say_failure(c, code, error, answer, len);
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	return out;
}
