#include "emulator/load/saved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "emulator/load/gzip.h"

void saved_done(struct saved *saved)
{
	document_unref(saved->document);
	free(saved->original);
	*saved = (struct saved){0};
}

int saved_complain(const char *dir, const char *name, const char *what)
{
	log_error("%s%s%s: %s", dir, *dir ? "/" : "", name, what);
	return -EPROTO;
}

int saved_explain(const char *dir, const char *name, int error)
{
	switch (error) {
	case -EPROTO:
		return saved_complain(dir, name,
		    "not a valid JSON object; copy it anew, or move it away to "
		    "serve the rest");
	case -EINVAL:
		return saved_complain(dir, name,
		    "the record has no id; move it away to serve the rest");
	case -EILSEQ:
		return saved_complain(dir, name,
		    "this is UTF-16; iconv -f UTF-16 -t UTF-8 makes it UTF-8");
	case -ESTALE:
		return saved_complain(
		    dir, name, "was written to while it was read; start again");
	case -EMSGSIZE:
		return saved_complain(dir, name, "too large");
	default:
		return saved_complain(dir, name, strerror(-error));
	}
}

/* White space around a text, and a byte order mark, are not part of it. */
static void trim(struct place *place, const struct buf *text, size_t *ret_start)
{
	static const char space[] = " \t\r\n";
	size_t end = text->len, start = utf8_mark_len(buf_str(text), end);
	start += strspn(buf_str(text) + start, space);
	while (end > start && strchr(space, text->data[end - 1]))
		end--;
	place->offset += start;
	if (place->memory)
		place->memory += start;
	place->len = end - start;
	*ret_start = start;
}

bool saved_is_utf16(const char *text, size_t len)
{
	return len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 ||
			       memcmp(text, "\xfe\xff", 2) == 0);
}

int saved_open_text(
    struct place *place, struct buf *text, struct unpacked **spool)
{
	size_t start;
	int r = 0;
	if (gzip_is(buf_str(text), text->len)) {
		buf_clear(text);
		r = gzip_unpack(place, spool);
		if (r == 0)
			r = place_read(place, text);
	}
	if (r == 0 && saved_is_utf16(buf_str(text), text->len))
		r = -EILSEQ;
	if (r < 0)
		return r;
	trim(place, text, &start);
	if (start > 0)
		memmove(text->data, text->data + start, place->len);
	if (text->data)
		text->data[place->len] = '\0';
	text->len = place->len;
	return 0;
}

static int read_file(const char *text, size_t len, struct saved *saved)
{
	static const char *const members[] = {"originalName", "size"};
	CLEANUP_BUF struct buf original;
	buf_init(&original, DOCUMENT_TEXT_MAX);
	struct json_span spans[2];
	int r = json_members(text, len, members, 2, spans);
	if (r == 0 && spans[0].text && json_is_string(spans[0]))
		r = json_string_decode(spans[0], &original);
	if (r < 0)
		return r;
	if (json_int64(spans[1], &saved->claim) < 0 || saved->claim < 0)
		saved->claim = 0;
	saved->original_len = original.len;
	saved->original = buf_steal(&original);
	return 0;
}

/* The place is taken over. */
static int make(struct place place, const char *text, size_t len,
    bool with_original, struct saved *ret_saved)
{
	CLEANUP_BUF struct buf id;
	buf_init(&id, DOCUMENT_TEXT_MAX);
	struct document_key key;
	struct saved saved = {0};
	int r = document_read_key(text, len, &id, &key);
	if (r == 0 && key.id_len == 0)
		r = -EINVAL;
	if (r == 0 && with_original)
		r = read_file(text, len, &saved);
	if (r < 0)
		place_done(&place);
	else
		r = document_new(
		    &key, place, (struct place){0}, &saved.document);
	if (r < 0)
		saved_done(&saved);
	else
		*ret_saved = saved;
	return r;
}

int saved_take(struct place place, struct buf *text, bool with_original,
    struct unpacked **spool, struct saved *ret_saved)
{
	int r = saved_open_text(&place, text, spool);
	if (r < 0) {
		place_done(&place);
		return r;
	}
	return make(place, buf_str(text), text->len, with_original, ret_saved);
}

int saved_read(const struct place *place, const char *text, size_t len,
    bool with_original, struct saved *ret_saved)
{
	struct place copy;
	int r = place_slice(place, 0, place->len, &copy);
	return r < 0 ? r : make(copy, text, len, with_original, ret_saved);
}
