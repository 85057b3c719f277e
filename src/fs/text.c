#include "fs/text.h"

#include <errno.h>

#include "json/json.h"

/* Large texts kept at a time: as many files may be read side by side. */
#define KEPT 2

struct text_shelf {
	struct lock lock;
	/* Under lock. */
	struct {
		int64_t id; /* 0: empty */
		struct text *text;
	} kept[KEPT];
	size_t next;
};

struct text_shelf *text_shelf_new(void)
{
	struct text_shelf *shelf = calloc(1, sizeof(*shelf));
	if (shelf)
		lock_init(&shelf->lock);
	return shelf;
}

void text_shelf_free(struct text_shelf *shelf)
{
	if (!shelf)
		return;
	for (size_t i = 0; i < KEPT; i++)
		text_unref(shelf->kept[i].text);
	lock_done(&shelf->lock);
	free(shelf);
}

void text_unref(struct text *text)
{
	if (!text || --text->refs > 0)
		return;
	buf_done(&text->buf);
	free(text);
}

int text_load(struct fs *fs, int64_t id, struct buf *out)
{
	if (fs->config.raw) {
		int r = replica_text(fs->config.replica, id, out);
		return r == -ENOENT ? -ESTALE : r;
	}
	CLEANUP_BUF struct buf raw;
	buf_init(&raw, TEXT_BYTES_MAX);
	int r = replica_text(fs->config.replica, id, &raw);
	if (r == 0)
		r = json_pretty(buf_str(&raw), raw.len, out);
	return r == -ENOENT ? -ESTALE : r;
}

static struct text *find(struct text_shelf *shelf, int64_t id)
{
	struct text *text = NULL;
	lock_acquire(&shelf->lock);
	for (size_t i = 0; i < KEPT; i++) {
		if (shelf->kept[i].id == id)
			text = shelf->kept[i].text;
	}
	if (text)
		text->refs++;
	lock_release(&shelf->lock);
	return text;
}

static void keep(struct text_shelf *shelf, int64_t id, struct text *text)
{
	if (text->buf.len <= TEXT_KEPT_LEAST || text->buf.len > TEXT_KEPT_MOST)
		return;
	text->refs++;
	lock_acquire(&shelf->lock);
	size_t slot = shelf->next++ % KEPT;
	struct text *old = shelf->kept[slot].text;
	shelf->kept[slot].id = id;
	shelf->kept[slot].text = text;
	lock_release(&shelf->lock);
	text_unref(old);
}

int text_get(struct fs *fs, int64_t id, struct text **ret_text)
{
	struct text *text = find(fs->shelf, id);
	if (text) {
		*ret_text = text;
		return 0;
	}
	text = calloc(1, sizeof(*text));
	if (!text)
		return -ENOMEM;
	text->refs = 1;
	buf_init(&text->buf, TEXT_BYTES_MAX);
	int r = text_load(fs, id, &text->buf);
	if (r < 0) {
		text_unref(text);
		return r;
	}
	keep(fs->shelf, id, text);
	*ret_text = text;
	return 0;
}
