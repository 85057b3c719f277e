/*
 * The local replica: what was read once, in one SQLite database a project.
 *
 * A node is a file or directory of the tree; its id is the inode number that
 * the kernel holds. Nodes never change: a changed record is a new node, and
 * the old one stays, not live, until the next start. Thus nothing that was
 * handed out ever needs to be taken back, except the way from a name to a
 * node. An entry puts a node at a position of a directory's listing; a pass
 * over a listing writes entries above all earlier ones, so that a position is
 * a cursor that stays valid while the directory is open.
 *
 * Reading functions may be called on any thread, at any time. Writing ones
 * belong to one thread (the loop), between replica_begin and replica_commit;
 * what it reads meanwhile includes what it wrote.
 * Errors: -EIO (the database is broken or unreachable; logged), -ENOSPC,
 * -ENOMEM, besides those named.
 */
#ifndef REPLICA_REPLICA_H
#define REPLICA_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct replica;

/* Nodes that always exist. The root's number is FUSE's (FUSE_ROOT_ID). */
enum {
	NODE_ROOT = 1,
	NODE_FILES = 2,
	NODE_STORAGE = 3,
	NODE_CONTROL = 4, /* .bkendfs */
	NODE_TABLES = 5,  /* .bkendfs/tables */
	NODE_FIRST = 128, /* all others, counted up and never used again */
};

enum node_kind {
	NODE_KIND_DIR = 1, /* one of the tree's own */
	NODE_KIND_TABLE = 2,
	NODE_KIND_RECORD = 3, /* also a stored file's metadata */
	NODE_KIND_SPEC = 4,
	NODE_KIND_OBJECT = 5,
};

/* Of a table, in the place of node.pos[0]: whether it is shown in the root, and
 * why. */
enum table_shown {
	TABLE_HIDDEN = 0,
	TABLE_SHOWN = 1, /* named, or found by use */
	TABLE_TOLD = 2,	 /* the server that lists tables told of it, too */
};

struct node {
	int64_t id;
	int64_t dir;
	enum node_kind kind;
	bool live;	    /* its name still leads to it */
	int64_t mtime_ms;   /* since the epoch */
	int64_t taken_ms;   /* came to be as it is here; 0: unknown */
	int64_t size;	    /* bytes: raw text, or an object's; -1 unknown */
	int64_t other_size; /* text: pretty-printed; object: as claimed */
	bool proven;	    /* an object that has answered: size is true */
	bool replaced;	    /* by replica_put: it took another one's name */
	bool spoiled;	    /* an object that is another by now: unreadable */
	int64_t checked;    /* when it was last confirmed alone: sync's own */
	/*
	 * Its place in the last generation of each side that saw it; 0: none.
	 * A directory's listing stands on one side, and what shall replace it
	 * is put together on the other: see struct replica_listing.
	 */
	int64_t pos[2];
	uint64_t salt; /* binds an object's kept contents to its row */
	bool pinned;   /* its kept contents stay: see replica_pin_objects */
};

/* Its place in the newest generation that saw it; 0: none. */
static inline int64_t node_pos(const struct node *node)
{
	return node->pos[0] > node->pos[1] ? node->pos[0] : node->pos[1];
}

/*
 * Open or create the database of a project in dir (created 0700). project is
 * what tells projects apart; only its hash gets into a file name. private: a
 * fresh one that is gone after replica_close. -EWOULDBLOCK: another mount has
 * it open; -EBADMSG: it was made by a newer version; -EROFS: it is there, and
 * cannot be written: see replica_open_archived; -ELOOP, -ENOTUNIQ: dir or
 * what is in it is not ours alone (base/own_dir.h).
 */
int replica_open(const char *dir, const char *project, bool private,
    struct replica **ret_replica);

/*
 * The same of a project that does not change, but may be replaced as a whole:
 * edition tells which one it is, and each has a database of its own. Those of
 * other editions are removed, unless they are open. -EWOULDBLOCK: another mount
 * has this one open.
 */
int replica_open_edition(const char *dir, const char *project,
    const char *edition, struct replica **ret_replica);

/*
 * The same of a replica that is to be read only, from a directory that cannot
 * be written, or takes nothing more, where nothing is made or changed; nothing
 * of what is below for writing may be called then. What cannot be read in its
 * place (an older form, a log that was not carried over) is read from a copy in
 * the directory for temporary files. -ENOENT: there is no replica of the
 * project; -EWOULDBLOCK: another mount has it open.
 */
int replica_open_archived(
    const char *dir, const char *project, struct replica **ret_replica);

/*
 * Make the directory that an archive's copy will be read in, should one be
 * needed: with a name that nobody can guess, in the directory for temporary
 * files. For who has to know the place before the archive is opened. *ret_path
 * is borrowed until then. 0 or -errno. Not while one is opened.
 */
int replica_copy_prepare(const char **ret_path);

/* Remove it, unless an archive has been opened there, which does so when it is
 * closed. Harmless where there is none. */
void replica_copy_forget(void);

/* The directory for temporary files; borrowed. */
const char *replica_copy_parent(void);

/* Whether it was opened so. Any thread. */
bool replica_is_archived(const struct replica *replica);

/*
 * Opening one may take long: an older form is brought up to date, and what is
 * not needed any more thrown away. Meanwhile over is asked many times a second,
 * on the thread that opens, whether to give that up; then it fails with -EINTR,
 * and the replica is as it was. NULL: never. Not while one is opened.
 */
void replica_give_up_when(bool (*over)(void *ctx), void *ctx);

/*
 * fn is called, once, when what is read of a database is not what was written
 * to it: by whichever thread reads, and never after another fn or NULL was set.
 * It must not ask the replica. Each such read fails with -EIO, whether or not
 * anybody is called. Any thread.
 */
void replica_on_damage(void (*fn)(void *ctx, const char *path), void *ctx);

/*
 * Closing it shall take about so long at most, in milliseconds: what of
 * SQLite's log is not in the database by then stays in the log, for whoever
 * opens it next. One thing is waited for in any case, which is a single write
 * or sync that the disk does not answer. Not while it is closed. NULL is fine.
 */
void replica_hurry(struct replica *replica, int64_t ms);

/* All that was committed is in the database then, and there is no log. NULL is
 * fine. */
void replica_close(struct replica *replica);

/* ---- reading ---- */

/* A node by its id, buried or not. -ENOENT. */
int replica_get(struct replica *replica, int64_t id, struct node *ret_node);

/* The live node of that name. -ENOENT. */
int replica_lookup(struct replica *replica, int64_t dir, const char *name,
    struct node *ret_node);

/* Append a record's or spec's text as the server sent it. -ENOENT. */
int replica_text(struct replica *replica, int64_t id, struct buf *out);

/* Append up to len bytes of it from offset on: fewer where it ends. -ENOENT. */
int replica_text_part(struct replica *replica, int64_t id, uint64_t offset,
    size_t len, struct buf *out);

/* Called with each text, borrowed. Non-zero ends the walk. */
typedef int (*replica_text_fn)(
    void *ctx, int64_t id, const char *text, size_t len);

/* The texts of the nodes first <= id <= last that have one, by id. 0, what fn
 * returned, or an error. */
int replica_texts(struct replica *replica, int64_t first, int64_t last,
    replica_text_fn fn, void *ctx);

/* Append a node's key: the server's id, or a table's name. -ENOENT. */
int replica_key(struct replica *replica, int64_t id, struct buf *out);

/* Append a node's name. -ENOENT. */
int replica_name(struct replica *replica, int64_t id, struct buf *out);

/* Append the ETag with which an object answered first; may be empty. -ENOENT.
 */
int replica_etag(struct replica *replica, int64_t id, struct buf *out);

/* Called with each entry; name is borrowed. Non-zero ends the walk. */
typedef int (*replica_entry_fn)(
    void *ctx, const struct node *node, const char *name, int64_t pos);

/* Entries of dir with after < pos < before, by pos. 0, what fn returned, or an
 * error. */
int replica_entries(struct replica *replica, int64_t dir, int64_t after,
    int64_t before, replica_entry_fn fn, void *ctx);

/* The nodes of up to count entries of dir, the index-th from pos on first. */
int replica_nth(struct replica *replica, int64_t dir, int64_t pos,
    int64_t index, int64_t count, int64_t *nodes, int64_t *ret_count);

/* The node of the last entry of dir before pos. -ENOENT. */
int replica_last(
    struct replica *replica, int64_t dir, int64_t pos, int64_t *ret_node);

/* The tables to show in the root, by node id, ids above after; pos is the id.
 */
int replica_tables(
    struct replica *replica, int64_t after, replica_entry_fn fn, void *ctx);

/* What else is known of a listing. */
enum listing_flag {
	LISTING_UNDATED = 1,   /* some records have no updatedAt */
	LISTING_UNCREATED = 2, /* some have no createdAt */
	LISTING_ORDERED = 4,   /* entries come in the order of the pages */
	LISTING_LEVEL = 8,     /* all dates are one */
	LISTING_LOOSE = 16,    /* some went while it was listed, or something
				  contradicts it: the next check lists it
				  anew */
	LISTING_SORTS_UPDATED = 32, /* its server sorts by updatedAt, when it
				       is asked to: that was seen ... */
	LISTING_SORTS_CREATED = 64, /* ... and by createdAt */
	LISTING_BY_ID = 128, /* the server's own order is one of the ids */
	/* From this bit on: how its dates are written (facts.h, in sync). */
	LISTING_FORMS_BIT = 8,
};

/*
 * What is known of a directory's listing: a generation that was found whole.
 * Its records are the nodes with base < pos[side] < end. Another pass over the
 * pages puts its own generation together on the other side, further up; what a
 * refresh adds stands behind end. Neither counts until the listing is set to
 * it, in one commit: so a crash leaves this one or the next one.
 *
 * Times are the server's, in milliseconds since the epoch.
 */
struct replica_listing {
	int64_t base;
	int64_t end; /* 0: never listed whole */
	int side;
	unsigned flags;	   /* enum listing_flag */
	int64_t listed_ms; /* wall clock: when it was last known to be so */
	int64_t proven_ms; /* wall clock: when its pages were last looked at */
	int64_t count;	   /* records, as the server counts them */
	int64_t newest_ms; /* greatest updatedAt; INT64_MIN: none has one */
	int64_t since_ms;  /* what changed from then on may be missing */
	/* The same of createdAt. */
	int64_t created_ms;
	int64_t created_since_ms;
	int64_t dateless; /* at most so many records have neither */
	int64_t ceiling;  /* the highest position in use; only read */
};

/* What is known of dir's; all zero where nothing is. */
int replica_listing(
    struct replica *replica, int64_t dir, struct replica_listing *ret_listing);

/* Append what the server itself says is missing of dir's listing: nothing where
 * that is whole, or was never listed. */
int replica_shortfall(struct replica *replica, int64_t dir, struct buf *out);

/* Of what was committed. */
struct replica_totals {
	int64_t nodes;
	int64_t bytes; /* of text and objects, as far as known */
};

/* Bytes of the objects whose kept contents stay: see replica_pin_objects. */
int replica_pinned(struct replica *replica, int64_t *ret_bytes);

/* The database's file; it ends in ".db". Borrowed for the replica's life. */
const char *replica_path(const struct replica *replica);

/* When the replica was made: milliseconds since the epoch. */
int64_t replica_made_ms(const struct replica *replica);

/* How often the replica was opened, this time included. */
int64_t replica_run(const struct replica *replica);

/* Kept in memory: does not touch the database. */
void replica_totals(struct replica *replica, struct replica_totals *ret_totals);

/* ---- writing ---- */

/* Begin a transaction. */
int replica_begin(struct replica *replica);

/* Keep what was written since. 0, or the first error of it all; then it is
 * taken back. */
int replica_commit(struct replica *replica);

/* Take back what was written since. */
void replica_rollback(struct replica *replica);

/* Set count ids aside, for nodes that shall be numbered in another order than
 * they are written in; the first of them. */
int64_t replica_reserve_ids(struct replica *replica, int64_t count);

struct replica_row {
	int64_t id; /* from replica_reserve_ids, if the node is new; 0: any */
	int64_t dir;
	enum node_kind kind;
	const char *key;
	size_t key_len;
	const char *name;
	size_t name_len;  /* 0: as long as it is */
	const char *text; /* NULL: none */
	size_t text_len;
	int64_t mtime_ms;
	int64_t size;
	int64_t other_size;
	int64_t checked;
};

/* A place in a generation. */
struct replica_place {
	int side;
	int64_t base; /* the generation's: lower positions are another's */
	int64_t pos;  /* 0: in none */
};

/*
 * Put a row under its name. An equal one that is there keeps its node; another
 * version of the same key is replaced by a new node, which takes over the
 * places of the old one: a generation's records stay the same ones, in the last
 * version that is known. With a position, an entry is written there, unless the
 * generation has one for it already. *ret_again tells so.
 * -EEXIST: the name belongs to another key, whose node is in ret_node.
 */
int replica_put(struct replica *replica, const struct replica_row *row,
    const struct replica_place *place, struct node *ret_node, bool *ret_again);

/*
 * Put rows of one directory that are thought to be new, all at once: for half
 * of what they cost one by one. Each has a text, and an id of its own from
 * replica_reserve_ids; ids and places follow one another from the first one's
 * on. 1: they were new, and are there; 0: some were not, and none was put; or
 * an error.
 */
int replica_put_new(struct replica *replica, const struct replica_row *rows,
    size_t count, const struct replica_place *first);

/* The table's directory, made if need be. listed: show it in the root. */
int replica_put_table(struct replica *replica, const char *table,
    const char *name, bool listed, int64_t *ret_id);

/* A table that is shown was told of. */
int replica_tell_table(struct replica *replica, int64_t id);

/* Rename a live node, keeping the rest: the new name leads to a new node,
 * which takes over the entry. */
int replica_rename(struct replica *replica, const struct node *node,
    const char *name, struct node *ret_node);

/* The name does not lead to the node any more, and the generation on a side
 * does not hold it. */
int replica_bury(struct replica *replica, const struct node *node, int side);

/* Called with each name, borrowed. Non-zero ends the walk. */
typedef int (*replica_name_fn)(void *ctx, const char *name);

/* Bury what a complete pass has not seen, but for what was confirmed alone
 * since then. fn, if not NULL, is told the names. */
int replica_sweep(struct replica *replica, int64_t dir, int side, int64_t base,
    int64_t since, replica_name_fn fn, void *ctx);

/* Forget entries below pos that no open directory needs any more. */
int replica_trim(struct replica *replica, int64_t dir, int64_t pos);

/* Forget entries of an attempt: first <= pos <= last. Their nodes stay, not
 * listed. */
int replica_unlist(
    struct replica *replica, int64_t dir, int64_t first, int64_t last);

/* What is known of dir's listing from now on, but for its ceiling. */
int replica_set_listing(struct replica *replica, int64_t dir,
    const struct replica_listing *listing);

/* What the server itself says is missing of dir's listing, which was set in the
 * same transaction or before; it stays with the next ones until it is set
 * anew. Empty: nothing. */
int replica_set_shortfall(
    struct replica *replica, int64_t dir, const char *words);

/* The listing's newest dates are not below these (INT64_MIN: none): they are of
 * a text that took over a place in it. */
int replica_raise_listing(struct replica *replica, int64_t dir,
    int64_t newest_ms, int64_t created_ms);

/* An object answered: its true size, and its ETag ("" when it has none). It
 * gets a new salt: what was kept for this id before may be of a row that was
 * lost with a commit. */
int replica_set_object(struct replica *replica, int64_t id, int64_t size,
    const char *etag, uint64_t *ret_salt);

/* What is kept of the contents of all objects that are live now is to stay.
 * Another version of one is another node, which is not pinned. */
int replica_pin_objects(struct replica *replica);

/*
 * An object is another than was told: its name leads to a new node, of that
 * true size (or -1: nothing is known of it yet) and ETag, and the old one can
 * never be read again. ret_node->id is 0 where the name led elsewhere already.
 */
int replica_renew_object(struct replica *replica, const struct node *node,
    int64_t size, const char *etag, struct node *ret_node);

/* Of SQLite, as it runs. Any thread. */
const char *replica_library_version(void);

#endif
