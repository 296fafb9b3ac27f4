/* assets.c - the files that pages need beside them. Make turns each into a string. */
#include "web/assets.h"

#include <stddef.h>
#include <string.h>

static const char style_css[] =
#include "web/style.css.inc"
	;
static const char page_js[] =
#include "web/page.js.inc"
	;
static const char icon_svg[] =
#include "web/icon.svg.inc"
	;

static const struct asset assets[] = {
	{ "style.css", "text/css; charset=utf-8", style_css },
	{ "page.js", "text/javascript; charset=utf-8", page_js },
	{ "icon.svg", "image/svg+xml", icon_svg },
};

const struct asset *asset_find(const char *name)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
		if (strcmp(assets[i].name, name) == 0)
			return &assets[i];
	}
	return NULL;
}
