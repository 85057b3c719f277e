/*
 * Names: what a server's text is called in the tree, and back. Called by sync/
 * for what it lists and what is looked up, by config/ for the names of tables,
 * and by the emulator. Pure and thread-safe.
 *
 * Made safe, in every name: '/', control characters (U+0000-U+001F,
 * U+007F-U+009F), bytes that are not UTF-8 (a lone surrogate counts as its
 * three bytes), a dot that begins an id, and a '%' that stands before two hex
 * digits become %XX, upper case, a byte each.
 */
#ifndef TREE_NAME_H
#define TREE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The longest name a directory entry may have (Linux NAME_MAX), in bytes. */
#define NAME_BYTES_MAX 255

/* All append to out, and return 0, -ENOMEM or -EMSGSIZE. */

/* <id>.json, cut and marked when longer than NAME_BYTES_MAX. */
int name_of_record(const char *id, size_t id_len, struct buf *out);

/* <id>_<original>, cut and marked when longer than NAME_BYTES_MAX. */
int name_of_object(const char *id, size_t id_len, const char *original,
    size_t original_len, struct buf *out);

/* The same for a stored file whose name equals the name of one with a smaller
 * id: marked with the hash of the whole name, a NUL and the id. */
int name_of_object_twin(const char *id, size_t id_len, const char *original,
    size_t original_len, struct buf *out);

/*
 * The id that a record's name stands for: *.json turned back. 0; -ENOENT when
 * no id has that name (no .json, not in the form that name_of_record writes).
 * A cut name cannot be turned back: see name_is_marked.
 */
int name_to_record_id(const char *name, struct buf *ret_id);

/* Whether a record's name may be a cut one: long enough, and "~" and 16 lower
 * case hex digits before .json. Such a name is only found in a listing. */
bool name_is_marked(const char *name);

/* ^[a-zA-Z][a-zA-Z0-9_-]*$, at most 64 characters. */
bool name_is_table(const char *name);

/* The directory that a table shows as: its name, but storage.table for the
 * table named storage. Borrowed from the argument or static. */
const char *name_of_table_dir(const char *table);

/* The table that a directory name in the root stands for, or NULL when it can
 * be none: not well formed, or one of the tree's own (files, storage). */
const char *name_to_table(const char *dir);

#endif
