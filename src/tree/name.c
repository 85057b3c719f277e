#include "tree/name.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/percent.h"
#include "base/utf8.h"

#define RECORD_EXTENSION ".json"
#define EXTENSION_MAX 16 /* dot included */
#define MARK_LEN 17	 /* "~" and the hash in hex */
#define TABLE_MAX 64

/* How many bytes at text, at least one, stand or are escaped together. */
static size_t next_unit(const char *text, size_t len, bool *ret_safe)
{
	uint32_t code;
	size_t n = utf8_sequence(text, len, &code);
	if (n == 0) {
		*ret_safe = false;
		return 1;
	}
	*ret_safe = code >= 0x20 && !(code >= 0x7f && code <= 0x9f) &&
		    code != '/' && !percent_is_escape(text, len);
	return n; /* of an escape, only the percent sign */
}

/* What most ids are made of. */
static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '/' && c != '%';
}

static int add_safe(struct buf *out, const char *text, size_t len)
{
	size_t done = 0, at = 0;
	if (len == 0)
		return 0; /* text may be NULL then */
	while (at < len) {
		bool safe;
		if (is_plain(text[at])) {
			at++;
			continue;
		}
		size_t n = next_unit(text + at, len - at, &safe);
		if (!safe) {
			int r = buf_add(out, text + done, at - done);
			if (r == 0)
				r = percent_escape(text + at, n, out);
			if (r < 0)
				return r;
			done = at + n;
		}
		at += n;
	}
	return buf_add(out, text + done, len - done);
}

static int add_safe_id(struct buf *out, const char *id, size_t len)
{
	if (len == 0 || id[0] != '.')
		return add_safe(out, id, len);
	int r = percent_escape(id, 1, out);
	return r < 0 ? r : add_safe(out, id + 1, len - 1);
}

/* The longest part of a safe name, at most max bytes, that ends neither
 * within a character nor within a %XX. */
static size_t cut(const char *safe, size_t len, size_t max)
{
	size_t at = 0;
	while (at < len) {
		size_t n = percent_is_escape(safe + at, len - at)
			       ? 3
			       : utf8_sequence(safe + at, len - at, NULL);
		if (at + n > max)
			break;
		at += n;
	}
	return at;
}

/* Append a safe name, cut as far as it must be, with hash as its mark in front
 * of the last extension_len bytes. */
static int add_marked(struct buf *out, const struct buf *safe,
    size_t extension_len, uint64_t hash)
{
	size_t stem_len = safe->len - extension_len;
	size_t max = NAME_BYTES_MAX - MARK_LEN - extension_len;
	char name[NAME_BYTES_MAX + 1];
	int len = snprintf(name, sizeof(name), "%.*s~%016" PRIx64 "%.*s",
	    (int)cut(safe->data, stem_len, max), safe->data, hash,
	    (int)extension_len, safe->data + stem_len);
	return buf_add(out, name, (size_t)len);
}

static uint64_t hash_name(const struct buf *safe)
{
	return hash_fnv1a(HASH_FNV1A_INIT, safe->data, safe->len);
}

/* Room for any text of len bytes made safe. */
static size_t safe_max(size_t len)
{
	return len * 3 + sizeof(RECORD_EXTENSION);
}

/* Of an id that is too short for a name that has to be cut. */
static int name_of_short(const char *id, size_t id_len, struct buf *out)
{
	size_t before = out->len;
	int r = add_safe_id(out, id, id_len);
	if (r == 0)
		r = buf_adds(out, RECORD_EXTENSION);
	if (r < 0 && out->len > before) {
		out->len = before;
		out->data[before] = '\0';
	}
	return r;
}

int name_of_record(const char *id, size_t id_len, struct buf *out)
{
	if (safe_max(id_len) <= NAME_BYTES_MAX)
		return name_of_short(id, id_len, out);
	CLEANUP_BUF struct buf safe;
	buf_init(&safe, safe_max(id_len));
	int r = add_safe_id(&safe, id, id_len);
	if (r == 0)
		r = buf_adds(&safe, RECORD_EXTENSION);
	if (r < 0)
		return r;
	if (safe.len <= NAME_BYTES_MAX)
		return buf_add(out, safe.data, safe.len);
	return add_marked(
	    out, &safe, strlen(RECORD_EXTENSION), hash_name(&safe));
}

/* The length of a stored file's extension: dots are never escaped in an
 * originalName, so the last one is the same before and after. */
static size_t extension_of(const char *original, size_t len)
{
	const char *dot = memrchr(original, '.', len);
	if (!dot)
		return 0;
	size_t extension_len = (size_t)(original + len - dot);
	if (extension_len > EXTENSION_MAX)
		return 0;
	for (const char *p = original; p != dot; p++) {
		if (*p != '.')
			return extension_len;
	}
	return 0;
}

/* <id>_<original>, safe, whole. */
static int join_object(struct buf *safe, const char *id, size_t id_len,
    const char *original, size_t original_len, size_t *ret_extension_len)
{
	int r = add_safe_id(safe, id, id_len);
	if (r == 0)
		r = buf_addc(safe, '_');
	if (r < 0)
		return r;
	size_t start = safe->len;
	r = add_safe(safe, original, original_len);
	if (r < 0)
		return r;
	*ret_extension_len =
	    extension_of(safe->data + start, safe->len - start);
	return 0;
}

static int object_name(const char *id, size_t id_len, const char *original,
    size_t original_len, bool is_twin, struct buf *out)
{
	CLEANUP_BUF struct buf safe;
	size_t extension_len;
	buf_init(&safe, safe_max(id_len + original_len));
	int r = join_object(
	    &safe, id, id_len, original, original_len, &extension_len);
	if (r < 0)
		return r;
	if (!is_twin && safe.len <= NAME_BYTES_MAX)
		return buf_add(out, safe.data, safe.len);
	uint64_t hash = hash_name(&safe);
	if (is_twin) {
		hash = hash_fnv1a(hash, "", 1);
		hash = hash_fnv1a(hash, id, id_len);
	}
	return add_marked(out, &safe, extension_len, hash);
}

int name_of_object(const char *id, size_t id_len, const char *original,
    size_t original_len, struct buf *out)
{
	return object_name(id, id_len, original, original_len, false, out);
}

int name_of_object_twin(const char *id, size_t id_len, const char *original,
    size_t original_len, struct buf *out)
{
	return object_name(id, id_len, original, original_len, true, out);
}

/* The length in front of .json, 0 when there is nothing or no .json. */
static size_t stem_of_record(const char *name)
{
	size_t len = strlen(name), extension_len = strlen(RECORD_EXTENSION);
	if (len <= extension_len || len > NAME_BYTES_MAX ||
	    strcmp(name + len - extension_len, RECORD_EXTENSION) != 0)
		return 0;
	return len - extension_len;
}

int name_to_record_id(const char *name, struct buf *ret_id)
{
	size_t len = stem_of_record(name);
	if (len == 0)
		return -ENOENT;
	CLEANUP_BUF struct buf id;
	CLEANUP_BUF struct buf again;
	buf_init(&id, NAME_BYTES_MAX);
	buf_init(&again, NAME_BYTES_MAX);
	int r = percent_decode(name, len, false, &id);
	if (r == 0)
		r = name_of_record(id.data, id.len, &again);
	if (r < 0)
		return r;
	/* Only one spelling is an entry: %41.json is not A.json. */
	if (strcmp(again.data, name) != 0)
		return -ENOENT;
	return buf_add(ret_id, id.data, id.len);
}

bool name_is_marked(const char *name)
{
	size_t len = stem_of_record(name);
	/* A cut gives up at most three bytes of room: a character's. */
	if (len < NAME_BYTES_MAX - 3 - strlen(RECORD_EXTENSION))
		return false;
	const char *mark = name + len - MARK_LEN;
	return *mark == '~' &&
	       strspn(mark + 1, "0123456789abcdef") == MARK_LEN - 1;
}

bool name_is_table(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	size_t len = strlen(name);
	return len > 0 && len <= TABLE_MAX && strspn(name, letters) == len &&
	       strspn(name, "0123456789_-") == 0;
}

const char *name_of_table_dir(const char *table)
{
	return strcmp(table, "storage") == 0 ? "storage.table" : table;
}

const char *name_to_table(const char *dir)
{
	if (strcmp(dir, "storage.table") == 0)
		return "storage";
	if (strcmp(dir, "storage") == 0 || strcmp(dir, "files") == 0)
		return NULL;
	return name_is_table(dir) ? dir : NULL;
}
