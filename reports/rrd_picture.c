/* rrd_picture.c - can the picture be drawn that is asked for? */
#include "reports/rrddraw.h"

#include <stdio.h>
#include <string.h>

#include "reports/timezone.h"

static bool ends(const char *text, size_t room)
{
	return memchr(text, '\0', room) != NULL;
}

static bool texts_end(const struct rrd_picture *p)
{
	bool ok = ends(p->client, sizeof(p->client)) && ends(p->server, sizeof(p->server)) &&
		  ends(p->background, sizeof(p->background)) && ends(p->zone, sizeof(p->zone)) &&
		  ends(p->title, sizeof(p->title)) && p->lines_n <= RRD_LINES_MAX &&
		  p->marks_n <= RRD_MARKS_MAX;

	for (unsigned i = 0; ok && i < p->lines_n; i++)
		ok = ends(p->lines[i], sizeof(p->lines[i]));
	for (unsigned i = 0; ok && i < p->marks_n; i++)
		ok = ends(p->marks[i].label, sizeof(p->marks[i].label));
	return ok;
}

static bool name_ok(const char *name)
{
	return name[0] != '\0' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool is_total(const struct rrd_picture *p)
{
	return p->client[0] == '\0' && p->server[0] == '\0';
}

static bool background_ok(const char *text)
{
	size_t len = strlen(text);

	return (len == 0 || len == 6 || len == 8) && strspn(text, "0123456789abcdefABCDEF") == len;
}

/* What is wrong with it, or NULL. */
static const char *objection(const struct rrd_picture *p)
{
	if (!texts_end(p))
		return "a text of the picture is too long";
	if ((unsigned)p->kind >= RRD_KINDS || (unsigned)p->service >= SERVICE_N ||
	    (unsigned)p->theme > RRD_DARK)
		return "there is no such kind of picture";
	if (!rrd_kind_of_sensor(p->kind) && !is_total(p) &&
	    (!name_ok(p->client) || !name_ok(p->server)))
		return "there is no pair of that name";
	if (p->from < 0 || p->from >= p->to || p->to > INT64_C(253402300800)) /* the year 10000 */
		return "there is nothing to draw in that period";
	if (p->width < RRD_SIZE_MIN || p->width > RRD_SIZE_MAX || p->height < RRD_SIZE_MIN ||
	    p->height > RRD_SIZE_MAX)
		return "a picture is 16 to 4000 pixels wide and high";
	if (!background_ok(p->background))
		return "a background is rrggbb or rrggbbaa";
	if (p->zone[0] != '\0' && !timezone_known(p->zone))
		return "the system knows no such time zone";
	return NULL;
}

bool rrd_picture_check(const struct rrd_picture *p, char *err, size_t errlen)
{
	const char *why = objection(p);

	if (why != NULL)
		snprintf(err, errlen, "%s", why);
	return why == NULL;
}
