#include "emulator/store/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/store/generate.h"
#include "emulator/store/row_sort.h"

struct table {
	/* Immutable. */
	char *name;
	bool stored_files;
	char *missing; /* NULL: nothing that we know of */
	/* Under the store's lock; size does not change any more once rows were
	 * generated. */
	bool generated; /* table_generate was called */
	uint64_t size;	/* of a generated document's text, or a file's object */
	bool spec_made_up;
	char *spec; /* NULL: none */
	row_t *by_id;
	row_t *by_updated;
	size_t count;
	size_t cap;
};

int table_new(const char *name, bool stored_files, struct table **ret_table)
{
	struct table *table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	table->stored_files = stored_files;
	table->name = strdup(name);
	if (!table->name) {
		free(table);
		return -ENOMEM;
	}
	*ret_table = table;
	return 0;
}

const char *table_name(const struct table *table)
{
	return table->name;
}

bool table_is_files(const struct table *table)
{
	return table->stored_files;
}

uint64_t table_object_size(const struct table *table)
{
	return table->size;
}

size_t table_count(const struct table *table)
{
	return table->count;
}

const row_t *table_rows(const struct table *table, enum table_order order)
{
	return order == TABLE_BY_ID ? table->by_id : table->by_updated;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		row_unref(table->by_id[i]);
	free(table->by_id);
	free(table->by_updated);
	free(table->spec);
	free(table->missing);
	free(table->name);
	free(table);
}

static int reserve(struct table *table, size_t need)
{
	if (need <= table->cap)
		return 0;
	size_t cap = table->cap ? table->cap * 2 : 16;
	while (cap < need)
		cap *= 2;
	row_t *rows = reallocarray(table->by_id, cap, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	table->by_id = rows;
	rows = reallocarray(table->by_updated, cap, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	table->by_updated = rows;
	table->cap = cap;
	return 0;
}

static void sort_by_updated(struct table *table)
{
	if (table->count == 0)
		return;
	memcpy(table->by_updated, table->by_id,
	    table->count * sizeof(*table->by_id));
	row_sort_by_updated(table->by_updated, table->count);
}

int table_generate(struct table *table, uint64_t count, uint64_t size)
{
	size_t before = table->count;
	if (table->generated)
		return -EEXIST;
	int r = reserve(table, before + count);
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < count; i++)
		table->by_id[before + i] = table->by_updated[before + i] =
		    i << 1 | 1;
	table->count += count;
	table->generated = true;
	table->size = size;
	table->spec_made_up = true;
	/* Generated rows alone are in order already. */
	if (before > 0 && count > 0) {
		row_sort_by_id(table->by_id, table->count);
		sort_by_updated(table);
	}
	return 0;
}

int table_append(struct table *table, struct document *document)
{
	int r = reserve(table, table->count + 1);
	if (r < 0) {
		document_unref(document);
		return r;
	}
	table->by_id[table->count++] = (row_t)(uintptr_t)document;
	return 0;
}

size_t table_settle(struct table *table, table_twin_fn *on_twin, void *ctx)
{
	size_t kept = 0, dropped = 0;
	row_t *rows = table->by_id;
	if (table->count > 0)
		row_sort_by_id(rows, table->count);
	for (size_t i = 0; i < table->count; i++) {
		if (kept && row_compare_id(rows[kept - 1], rows[i]) == 0) {
			if (on_twin)
				on_twin(ctx, row_document(rows[kept - 1]),
				    row_document(rows[i]));
			row_unref(rows[i]);
			dropped++;
		} else {
			rows[kept++] = rows[i];
		}
	}
	table->count = kept;
	sort_by_updated(table);
	return dropped;
}

void table_mark_kept(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (!row_is_generated(table->by_id[i]))
			document_keep(
			    row_document(table->by_id[i]), i % 2 == 0);
}

size_t table_rank_id(
    const struct table *table, const char *id, size_t id_len, bool after)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct row_id at;
		row_read_id(table->by_id[middle], &at);
		size_t least = at.len < id_len ? at.len : id_len;
		int order = memcmp(at.id, id, least);
		if (order == 0)
			order = (at.len > id_len) - (at.len < id_len);
		if (order < 0 || (after && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t table_rank_updated(const struct table *table, int64_t ms, bool after)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t at = row_updated_ms(table->by_updated[middle]);
		if (at < ms || (after && at == ms))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

ssize_t table_find(const struct table *table, const char *id, size_t id_len)
{
	size_t at = table_rank_id(table, id, id_len, false);
	struct row_id found;
	if (at == table->count)
		return -1;
	row_read_id(table->by_id[at], &found);
	if (found.len != id_len || memcmp(found.id, id, id_len) != 0)
		return -1;
	return (ssize_t)at;
}

/* Where the row stands, or would stand, in by_updated. */
static size_t rank_row(const struct table *table, row_t row)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (row_compare_updated(table->by_updated[middle], row) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert_at(row_t *rows, size_t count, size_t at, row_t row)
{
	memmove(rows + at + 1, rows + at, (count - at) * sizeof(*rows));
	rows[at] = row;
}

static void remove_at(row_t *rows, size_t count, size_t at)
{
	memmove(rows + at, rows + at + 1, (count - at - 1) * sizeof(*rows));
}

int table_remove(struct table *table, const char *id, size_t id_len)
{
	ssize_t at = table_find(table, id, id_len);
	if (at < 0)
		return -ENOENT;
	row_t row = table->by_id[at];
	remove_at(table->by_updated, table->count, rank_row(table, row));
	remove_at(table->by_id, table->count, (size_t)at);
	table->count--;
	row_unref(row);
	return 0;
}

int table_put(struct table *table, struct document *document)
{
	int r = reserve(table, table->count + 1);
	if (r < 0) {
		document_unref(document);
		return r;
	}
	row_t row = (row_t)(uintptr_t)document;
	const struct document_key *key = document_key(document);
	table_remove(table, key->id, key->id_len);
	size_t at = table_rank_id(table, key->id, key->id_len, false);
	insert_at(table->by_updated, table->count, rank_row(table, row), row);
	insert_at(table->by_id, table->count, at, row);
	table->count++;
	return 0;
}

int table_read_text(const struct table *table, row_t row, struct buf *out)
{
	if (!row_is_generated(row))
		return document_read_text(row_document(row), out);
	if (table->stored_files)
		return generate_metadata(row_number(row), table->size, out);
	return generate_record(table->name, row_number(row), table->size, out);
}

int table_keep_text(const struct table *table, row_t row, struct buf *out,
    struct json_span *ret_text)
{
	if (!row_is_generated(row))
		return document_keep_text(row_document(row), out, ret_text);
	size_t before = out->len;
	int r = table_read_text(table, row, out);
	if (r == 0)
		*ret_text = (struct json_span){
		    buf_str(out) + before, out->len - before};
	return r;
}

void table_take_spec(struct table *table, char *spec)
{
	free(table->spec);
	table->spec = spec;
}

void table_make_up_spec(struct table *table)
{
	table->spec_made_up = true;
}

int table_miss(struct table *table, const char *what)
{
	if (table->missing)
		return 0;
	table->missing = strdup(what);
	return table->missing ? 0 : -ENOMEM;
}

const char *table_missing(const struct table *table)
{
	return table->missing;
}

int table_read_spec(const struct table *table, struct buf *out)
{
	if (table->spec)
		return buf_adds(out, table->spec);
	if (!table->spec_made_up)
		return -ENOENT;
	int r = buf_printf(out,
	    "{\"tableName\":\"%s\",\"schema\":{\"bsonType\":\"object\","
	    "\"properties\":{",
	    table->name);
	if (r == 0 && table->generated)
		r = generate_properties(table->size, out);
	/* The service's own, where a project sets none. */
	if (r == 0)
		r = buf_adds(out,
		    "}},\"indexes\":[{\"key\":{\"id\":1}},"
		    "{\"key\":{\"createdAt\":-1}},{\"key\":{\"updatedAt\":-1}},"
		    "{\"key\":{\"createdBy\":1}}],\"permissions\":{"
		    "\"admin\":{\"create\":true,\"read\":true,\"update\":true,"
		    "\"delete\":true,\"list\":true},"
		    "\"user\":{\"create\":true,\"read\":true,\"list\":true},"
		    "\"guest\":{\"read\":true,\"list\":true}}}");
	return r;
}
