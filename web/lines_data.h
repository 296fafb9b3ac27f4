/* lines_data.h - what lines.c fills and lines_ask.c reads. For these two. */
#ifndef MAILSEAL_LINES_DATA_H
#define MAILSEAL_LINES_DATA_H

#include <sys/types.h>

#include "reports/lru.h"
#include "web/line_sums.h"
#include "web/lines.h"

#define DAY_NAME_LEN 10 /* "2026-11-20" */
#define NAME_MAX_LEN 63 /* of a server: a longer SNI is not kept */

/* One file. */
struct day {
	char name[DAY_NAME_LEN + 1];
	dev_t dev;
	ino_t ino;
	uint64_t size;   /* as last seen */
	uint64_t done;   /* bytes in the sums: whole lines */
	uint64_t looked; /* and with what stands behind them and is no line yet */
	uint64_t lines, bad, overflow;
	int64_t last;
	struct sums sums; /* NULLs until there is a line */
	bool skipping;    /* in a line that is too long */
	bool unreadable;
	bool forgotten;
	bool found; /* by the scan under way */
};

struct party_name {
	char text[PARTY_NAME_MAX + 1];
};

/* Who was asked for what name. */
struct host_key {
	uint8_t address[ADDRESS_LEN];
	uint16_t party;
};
struct host_name {
	int64_t at; /* seconds */
	char day[DAY_NAME_LEN + 1];
	char text[NAME_MAX_LEN + 1];
};

struct lines {
	char *path; /* of the folder */
	struct lines_room room;
	struct siphash_key hash_key;
	struct keyed *parties; /* by struct party_name; the value is its number, a uint16_t */
	struct lru *names;     /* struct host_name by struct host_key */
	struct day *days;      /* by name, the oldest first */
	size_t days_n;
	struct sums total;
	bool changed;   /* days were dropped: total is to be made anew */
	bool no_folder; /* it cannot be read */
	bool complete;
	char *buffer;
};

#endif
