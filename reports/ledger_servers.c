/* ledger_servers.c - the memory of servers in the ledger: no client, and no server whose address
 * may not be stored in full. */
#include "reports/ledger_db.h"

#include <arpa/inet.h>
#include <string.h>

#include "reports/ledger_sql.h"
#include "reports/record.h"

#define NS 1000000000

bool ledger_prepare_servers(struct ledger *l, char *err, size_t errlen)
{
	l->put_server = db_prepare(l->db, sql_put_server, err, errlen);
	l->drop_servers = db_prepare(l->db, sql_drop_servers, err, errlen);
	return l->put_server != NULL && l->drop_servers != NULL;
}

static int64_t seen(const struct server *s)
{
	uint64_t last = s->offered_ns;

	for (unsigned i = 0; i < 2; i++)
		last = s->without_ns[i] > last ? s->without_ns[i] : last;
	return ledger_bounded(last);
}

static bool put(struct ledger *l, const struct server *s, char *err, size_t errlen)
{
	char address[64];

	address_text(s->address, false, address, sizeof(address));
	db_bind_text(l->put_server, 0, address);
	db_bind_int(l->put_server, 1, s->port);
	db_bind_int(l->put_server, 2, ledger_bounded(s->offered_ns));
	db_bind_int(l->put_server, 3, ledger_bounded(s->without_ns[0]));
	db_bind_int(l->put_server, 4, ledger_bounded(s->without_ns[1]));
	db_bind_int(l->put_server, 5, s->without_n);
	db_bind_int(l->put_server, 6, seen(s));
	return db_run(l->put_server, err, errlen);
}

/* What is over an hour old says nothing any more; what is an hour ahead never was. */
static bool drop(struct ledger *l, const struct ledger_batch *b, char *err, size_t errlen)
{
	int64_t last = b->step > INT64_MAX / NS - HOUR_S ? INT64_MAX / NS - HOUR_S : b->step;

	db_bind_int(l->drop_servers, 0, (last - SERVERS_WINDOW_S) * NS);
	db_bind_int(l->drop_servers, 1, (last + HOUR_S) * NS);
	db_bind_int(l->drop_servers, 2,
		    b->servers_max == 0 ? INT64_MAX : ledger_bounded(b->servers_max));
	return db_run(l->drop_servers, err, errlen);
}

bool ledger_put_servers(struct ledger *l, const struct ledger_batch *b, char *err, size_t errlen)
{
	for (size_t i = 0; i < b->servers_n; i++) {
		if (b->servers[i].keep && !put(l, &b->servers[i], err, errlen))
			return false;
	}
	return drop(l, b, err, errlen);
}

static bool read_address(const char *text, uint8_t out[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET6, text, out) == 1)
		return true;
	memcpy(out, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, out + sizeof(mapped)) == 1;
}

static uint64_t read_time(struct db_stmt *s, int column)
{
	int64_t ns = db_int(s, column);

	return ns < 0 ? 0 : (uint64_t)ns;
}

/* False for a row that is no server. */
static bool read_server(struct db_stmt *s, struct server *out)
{
	int64_t port = db_int(s, 1), n = db_int(s, 5);

	*out = (struct server){
		.port = (uint16_t)port,
		.keep = true,
		.offered_ns = read_time(s, 2),
		.without_ns = { read_time(s, 3), read_time(s, 4) },
		.without_n = n < 0            ? 0
			     : n > UINT32_MAX ? UINT32_MAX
					      : (uint32_t)n,
	};
	return port >= 0 && port <= UINT16_MAX && read_address(db_text(s, 0), out->address);
}

bool ledger_servers(struct ledger *l, ledger_server_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct db_stmt *s = db_prepare(l->db, sql_servers, err, errlen);
	enum db_step got = s == NULL ? DB_ERROR : DB_ROW;
	struct server one;

	while (got == DB_ROW) {
		got = db_step(s, err, errlen);
		if (got == DB_ROW && read_server(s, &one))
			cb(ctx, &one);
	}
	db_finalize(s);
	return got == DB_DONE;
}
