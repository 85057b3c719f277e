/*
 * Connections to the database, with their prepared statements: one for the
 * writing thread, one for checkpoints, and those of the pool. One thread at a
 * time has each.
 */
#ifndef REPLICA_CONNECTION_H
#define REPLICA_CONNECTION_H

#include <sqlite3.h>
#include <sys/queue.h>

#include "replica/new_rows.h"

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_GET,
	ST_LOOKUP,
	ST_TEXT,
	ST_TEXTS,
	ST_KEY,
	ST_NAME,
	ST_ETAG,
	ST_SPOIL,
	ST_ENTRIES,
	ST_TABLES,
	ST_NTH,
	ST_LAST,
	ST_LISTING,
	ST_SHORTFALL,
	ST_INSERT,
	ST_INSERT_TEXT,
	ST_NEW_NODES,
	ST_NEW_TEXTS,
	ST_NEW_ENTRIES,
	ST_TAKE_BACK,
	ST_BURY,
	ST_SEEN,
	ST_SEEN_1,
	ST_CHECKED,
	ST_PUT_ENTRY,
	ST_MOVE_ENTRY,
	ST_SWEEP,
	ST_SWEEP_1,
	ST_TRIM,
	ST_UNLIST,
	ST_UNSEE,
	ST_UNSEE_1,
	ST_SET_LISTING,
	ST_RAISE_LISTING,
	ST_SET_SHORTFALL,
	ST_SET_SIZE,
	ST_PIN_OBJECTS,
	ST_PINNED,
	ST_SHOW_TABLE,
	ST_TELL_TABLE,
	ST_META,
	ST_COUNT,
	ST_KEEP_TOTALS,
	STATEMENTS,
};

/* One connection and its statements, prepared when first used. */
struct connection {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	struct new_rows new_rows; /* a writer's: what its statements read */
	SLIST_ENTRY(connection) link;
};

/* What a connection is for. */
enum connection_kind {
	CONNECTION_WRITER,  /* makes the form, or brings it up to date */
	CONNECTION_READER,  /* beside a writer */
	CONNECTION_ARCHIVE, /* reads what nobody changes: makes no file */
	CONNECTION_ARCHIVE_TRUSTING, /* where pages may have no checksums */
};

/* Open path. 0; -EBADMSG: made by a newer version; -EINTR: see
 * replica_give_up_when; -EIO, -ENOSPC, -ENOMEM. */
int connection_open(const char *path, enum connection_kind kind,
    struct connection **ret_connection);

/* Whether what takes long is to be given up: see replica_give_up_when. */
bool connection_is_given_up(void);

/* What fn returns, which may take long: see replica_give_up_when. Where that is
 * given up, what SQLite does is interrupted. */
int connection_patiently(
    sqlite3 *db, int (*fn)(sqlite3 *db, void *ctx), void *ctx);

/* Its database's log stays as it is, should it be the last one that closes. */
void connection_leave_log(struct connection *connection);

/* NULL is fine. */
void connection_close(struct connection *connection);

/* A statement, ready to bind, or NULL. */
sqlite3_stmt *connection_statement(
    struct connection *connection, enum statement which);

/* -errno of an SQLite result; logs what is worth it. */
int connection_error(struct connection *connection, int result);

/* Step a statement that gives no rows, and reset it. 0 or -errno. */
int connection_run(struct connection *connection, sqlite3_stmt *statement);

#endif
