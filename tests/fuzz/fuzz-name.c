/* Any id and originalName (the text up to a newline, and after it): names are
 * good directory entries, no two ids share one, and those that are not cut can
 * be turned back. */
#include "fuzz.h"

#include <string.h>

#include "base/utf8.h"
#include "tree/name.h"

static void check_entry(const struct buf *name)
{
	MUST(name->len > 0 && name->len <= NAME_BYTES_MAX);
	MUST(name->data[0] != '.' || strcmp(name->data, ".json") == 0);
	for (size_t i = 0; i < name->len;) {
		uint32_t code = 0;
		size_t n = utf8_sequence(name->data + i, name->len - i, &code);
		MUST(n > 0 && code >= 0x20 && code != '/');
		MUST(code < 0x7f || code > 0x9f);
		i += n;
	}
}

static void check_record(const char *id, size_t len)
{
	CLEANUP_BUF struct buf name;
	CLEANUP_BUF struct buf back;
	buf_init(&name, NAME_BYTES_MAX);
	buf_init(&back, NAME_BYTES_MAX);
	MUST(name_of_record(id, len, &name) == 0);
	check_entry(&name);
	if (name_is_marked(name.data) || len == 0)
		return;
	MUST(name_to_record_id(name.data, &back) == 0);
	MUST(back.len == len && memcmp(back.data, id, len) == 0);
}

static void check_object(
    const char *id, size_t id_len, const char *original, size_t original_len)
{
	CLEANUP_BUF struct buf name;
	buf_init(&name, NAME_BYTES_MAX);
	MUST(name_of_object(id, id_len, original, original_len, &name) == 0);
	check_entry(&name);
	buf_clear(&name);
	MUST(name_of_object_twin(id, id_len, original, original_len, &name) ==
	     0);
	check_entry(&name);
}

static void name_twin(const char *id, size_t len, struct buf *name)
{
	buf_init(name, NAME_BYTES_MAX);
	MUST(name_of_object_twin(id, len, "a.b", 3, name) == 0);
}

/* Two ids, cut or not, have two names; so have two stored files of which the
 * names are equal but for their marks. */
static void check_unique(
    const char *a, size_t a_len, const char *b, size_t b_len)
{
	CLEANUP_BUF struct buf one, other, twin, twins;
	bool same = a_len == b_len && memcmp(a, b, a_len) == 0;
	buf_init(&one, NAME_BYTES_MAX);
	buf_init(&other, NAME_BYTES_MAX);
	MUST(name_of_record(a, a_len, &one) == 0);
	MUST(name_of_record(b, b_len, &other) == 0);
	MUST((buf_compare(&one, &other) == 0) == same);
	name_twin(a, a_len, &twin);
	name_twin(b, b_len, &twins);
	MUST((buf_compare(&twin, &twins) == 0) == same);
}

/* A name that somebody asks for. */
static void check_asked(const char *text, size_t len)
{
	CLEANUP_BUF struct buf name;
	CLEANUP_BUF struct buf id;
	CLEANUP_BUF struct buf again;
	buf_init(&name, len);
	buf_init(&id, NAME_BYTES_MAX);
	buf_init(&again, NAME_BYTES_MAX);
	MUST(buf_add(&name, text, len) == 0);
	const char *table = name_to_table(name.data);
	if (table)
		MUST(strcmp(name_of_table_dir(table), name.data) == 0);
	if (name_to_record_id(name.data, &id) < 0)
		return;
	MUST(name_of_record(id.data, id.len, &again) == 0);
	MUST(strcmp(again.data, name.data) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	const char *newline = size ? memchr(text, '\n', size) : NULL;
	size_t id_len = newline ? (size_t)(newline - text) : size;
	const char *original = newline ? newline + 1 : NULL;
	size_t original_len = newline ? size - id_len - 1 : 0;
	check_record(text, size);
	check_object(text, id_len, original, original_len);
	check_asked(text, size);
	check_unique(text, id_len, original ? original : "", original_len);
	return 0;
}
