#include "fs/control.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "base/timestamp.h"

/* Contents that are held at once, at most. The kernel keeps no more than one a
 * name by itself: the others are open. */
#define SNAPSHOTS_MAX 4096

struct snapshot {
	int64_t id;
	int64_t made_ms;
	struct buf text;
	LIST_ENTRY(snapshot) link;
};

struct control {
	const struct status_file *files;
	struct lock lock;
	/* Under lock. */
	int64_t next_id;
	size_t count;
	LIST_HEAD(, snapshot) snapshots; /* the latest one first */
};

struct control *control_new(const struct status_file *files)
{
	struct control *control = calloc(1, sizeof(*control));
	if (!control)
		return NULL;
	control->files = files;
	control->next_id = CONTROL_FIRST;
	lock_init(&control->lock);
	LIST_INIT(&control->snapshots);
	return control;
}

static void snapshot_free(struct snapshot *snapshot)
{
	LIST_REMOVE(snapshot, link);
	buf_done(&snapshot->text);
	free(snapshot);
}

void control_free(struct control *control)
{
	if (!control)
		return;
	struct snapshot *snapshot;
	while ((snapshot = LIST_FIRST(&control->snapshots)))
		snapshot_free(snapshot);
	lock_done(&control->lock);
	free(control);
}

/* Keep a content, which is the control's from here on; its inode number, or
 * -errno. */
static int64_t keep(struct control *control, struct buf *text)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	int64_t id = snapshot ? -ENFILE : -ENOMEM;
	lock_acquire(&control->lock);
	if (snapshot && control->count < SNAPSHOTS_MAX) {
		id = control->next_id++;
		*snapshot = (struct snapshot){.id = id,
		    .made_ms = timestamp_now_ms(),
		    .text = *TAKE(text)};
		LIST_INSERT_HEAD(&control->snapshots, snapshot, link);
		control->count++;
	}
	lock_release(&control->lock);
	if (text) {
		buf_done(text);
		free(snapshot);
	}
	return id;
}

const char *control_name(const struct control *control, size_t n)
{
	return control->files[n].name;
}

int64_t control_lookup(struct control *control, const char *name)
{
	const struct status_file *file = control->files;
	while (file->name && strcmp(file->name, name) != 0)
		file++;
	if (!file->name)
		return -ENOENT;
	struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = file->print(file->ctx, &text);
	if (r < 0) {
		buf_done(&text);
		return r;
	}
	return keep(control, &text);
}

/* ---- reading ---- */

static struct snapshot *find_locked(struct control *control, int64_t id)
    REQUIRES(control->lock)
{
	struct snapshot *snapshot;
	LIST_FOREACH (snapshot, &control->snapshots, link) {
		if (snapshot->id == id)
			break;
	}
	return snapshot;
}

void control_forget(struct control *control, int64_t id)
{
	lock_acquire(&control->lock);
	struct snapshot *snapshot = find_locked(control, id);
	if (snapshot) {
		snapshot_free(snapshot);
		control->count--;
	}
	lock_release(&control->lock);
}

int control_facts(struct control *control, int64_t id, int64_t *ret_size,
    int64_t *ret_made_ms)
{
	int r = -ESTALE;
	lock_acquire(&control->lock);
	struct snapshot *snapshot = find_locked(control, id);
	if (snapshot) {
		*ret_size = (int64_t)snapshot->text.len;
		*ret_made_ms = snapshot->made_ms;
		r = 0;
	}
	lock_release(&control->lock);
	return r;
}

int control_read(struct control *control, int64_t id, size_t offset, size_t len,
    struct buf *out)
{
	int r = -ESTALE;
	lock_acquire(&control->lock);
	struct snapshot *snapshot = find_locked(control, id);
	if (snapshot) {
		size_t size = snapshot->text.len;
		if (offset > size)
			offset = size;
		if (len > size - offset)
			len = size - offset;
		r = buf_add(out, buf_str(&snapshot->text) + offset, len);
	}
	lock_release(&control->lock);
	return r;
}
