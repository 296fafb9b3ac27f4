/* rrd_layers.h - what each kind of picture is made of: layers over the sources of one RRD file.
 *
 * Inside of rrddraw.h: rrd_layers.c is the table, rrddraw.c makes arguments of it.
 */
#ifndef MAILSEAL_RRD_LAYERS_H
#define MAILSEAL_RRD_LAYERS_H

#include "reports/rrddraw.h"

enum rrd_shape {
	RRD_AREA,  /* from zero */
	RRD_STACK, /* on the layer before */
	RRD_LINE
};

/* Colours that stay apart for colour-blind eyes (Okabe and Ito), and shades of them. */
enum rrd_paint {
	PAINT_BLUE,
	PAINT_SKY,
	PAINT_PALE,
	PAINT_GREEN,
	PAINT_YELLOW,
	PAINT_ORANGE,
	PAINT_VERMILLION,
	PAINT_PURPLE,
	PAINT_FAINT,
	PAINT_GREY,
	PAINT_INK,
	PAINT_N
};
const char *rrd_paint(enum rrd_paint p, enum rrd_theme t); /* "#0072B2" */

#define RRD_NONE UINT32_MAX

struct rrd_layer {
	enum rrd_shape shape;
	enum rrd_paint paint;
	const char *legend;
	unsigned plus, minus; /* counts, or counters of the health; minus may be RRD_NONE */
	const char *expr;     /* instead of plus and minus: RPN over the sources, in percent */
	const char *style;    /* of a line: "2", and its dashes */
};

#define RRD_LAYERS_MAX  8
#define RRD_SOURCES_MAX 8

enum rrd_unit { UNIT_OF_PERIOD, UNIT_SECOND, UNIT_PERCENT };

struct rrd_layers {
	const char *name, *what; /* "sessions", and what the axis counts */
	bool sensor;
	enum rrd_unit unit;
	unsigned sources[RRD_SOURCES_MAX], sources_n;
	struct rrd_layer layers[RRD_LAYERS_MAX];
	unsigned n;
};
extern const struct rrd_layers rrd_layers[RRD_KINDS];

#endif
