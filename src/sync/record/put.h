/*
 * What came from the server goes into the replica: records, stored files with
 * their objects, specs. Who lists, and who fetches one, puts it here.
 *
 * Loop thread only, unless said.
 */
#ifndef SYNC_RECORD_PUT_H
#define SYNC_RECORD_PUT_H

#include <stddef.h>
#include <stdint.h>

#include "replica/replica.h"

struct core;
struct record;

/* Names are at most 255 bytes, but are made from longer texts. */
#define NAME_WORK_MAX ((size_t)1 << 20)

/* Where and how a record is put. */
struct placement {
	struct replica_place in;
	int64_t id;	   /* for a new node, reserved; 0: any */
	int64_t object_id; /* the same for a stored file's object */
	int64_t checked;   /* when it was confirmed alone, or 0 */
};

/* What the replica needs to know of a record; all but the texts is filled in.
 */
struct put_row {
	struct replica_row row; /* its name, key and text are borrowed */
	int64_t updated_ms;	/* of the record, INT64_MIN: none */
	int64_t created_ms;
};

/* Make one of a record in a directory, under its name, which is appended to
 * name. 0; -EPROTO, -EMSGSIZE or -ENOMEM. */
int put_row_of(int64_t dir, const struct record *record, struct buf *name,
    struct put_row *ret_row);

/* Where a record stands now. */
struct put_place {
	int64_t at; /* in the generation: as it was to be, unless it stood in it
		       before */
	int64_t other; /* where it stands in the other generation; 0: nowhere */
};

/* Put it, in the write under way. As put_record. */
int put_row(struct core *core, const struct put_row *row,
    const struct replica_place *in, struct put_place *ret_place);

/* Put a record (of a table, or a stored file's metadata with its object), in
 * the write under way, which is begun if need be. 0; -EPROTO: it has the name
 * of another one; or an error of the replica. */
int put_record(struct core *core, int64_t dir, const struct record *record,
    const struct placement *place, struct put_place *ret_place);

/* Whether the place of a record in the generation at in is that of another one,
 * whose id is a number where this one's is a text, or a text where it is a
 * number: both have one name, and there may be both. 1, 0, or an error of the
 * replica. */
int put_would_oust(struct core *core, int64_t dir, const struct record *record,
    const struct replica_place *in);

/* Whether a stored file's object is listed at a position by another name than
 * its record, which was put there, gives it now. 1, 0, or an error of the
 * replica. */
int put_left_name(struct core *core, const struct record *record, int64_t at);

/* Put a table's spec, in the write under way. 0 or -errno. */
int put_spec(struct core *core, int64_t dir, const char *text, size_t len,
    const struct replica_place *in, int64_t checked);

/* Append the metadata text of the stored file that an object's node stands for.
 * Any thread; from the replica alone. -ENOENT. */
int put_metadata_of(struct core *core, int64_t object, struct buf *out);

#endif
