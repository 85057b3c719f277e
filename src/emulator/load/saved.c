#include "emulator/load/saved.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

int saved_complain(const char *dir, const char *name, const char *what)
{
	log_error("%s%s%s: %s", dir, *dir ? "/" : "", name, what);
	return -EPROTO;
}

/* White space around a text is not part of it. */
static void trim(struct place *place, const struct buf *text)
{
	static const char space[] = " \t\r\n";
	size_t start = strspn(buf_str(text), space), end = text->len;
	while (end > start && strchr(space, text->data[end - 1]))
		end--;
	place->offset += start;
	if (place->memory)
		place->memory += start;
	place->len = end - start;
}

int saved_read_document(struct place place, struct document **ret_document)
{
	CLEANUP_BUF struct buf text, id;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	buf_init(&id, DOCUMENT_TEXT_MAX);
	struct document_key key;
	int r = place_read(&place, &text);
	if (r == 0)
		r = document_read_key(buf_str(&text), text.len, &id, &key);
	if (r == 0 && key.id_len == 0)
		r = -EINVAL;
	if (r < 0) {
		place_done(&place);
		return r;
	}
	trim(&place, &text);
	return document_new(&key, place, (struct place){0}, ret_document);
}
