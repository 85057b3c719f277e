#include "fs/dir_ahead.h"

#include <stdlib.h>

#include "base/timestamp.h"
#include "fs/lookups.h"
#include "fs/notify.h"

/* A reply that was made is good for so long, in milliseconds: by so much less
 * its names are believed. */
#define GOOD_MS 50

/* Whether one that was made may be sent: what it says of names is believed from
 * here on. A lookup that waits holds who finds its name in a reply. */
static bool holds_locked(struct fs_context *fs, struct dir *dir)
    REQUIRES(dir->ahead.lock)
{
	struct dir_ahead *ahead = &dir->ahead;
	if (timestamp_mono_ms() - ahead->made_ms > GOOD_MS) {
		ahead->in_vain = true;
		return false;
	}
	return !lookups_are_any(fs->lookups) &&
	       notifier_tell_many(fs->notifier, &dir->told, dir->id,
		   ahead->ticket, ahead->valid_ms) > 0;
}

bool dir_ahead_take(struct fs_context *fs, struct dir *dir, size_t size,
    int64_t after, struct dir_reply *ret_reply)
{
	lock_acquire(&dir->ahead.lock);
	struct dir_reply reply = dir->ahead.reply;
	dir->ahead.reply = (struct dir_reply){0};
	bool is_it = reply.data && reply.size == size &&
		     dir->ahead.after == after && holds_locked(fs, dir);
	lock_release(&dir->ahead.lock);
	if (is_it)
		*ret_reply = reply;
	else
		free(reply.data);
	return is_it;
}

/* Make what follows a position. What cannot be had at once is left. */
static void make_locked(struct fs_context *fs, struct dir *dir, size_t size,
    int64_t after) REQUIRES(dir->ahead.lock)
{
	struct dir_ahead *ahead = &dir->ahead;
	struct dir_reply reply;
	int64_t wait_after;
	uint64_t ticket = notifier_ticket(fs->notifier, dir->id);
	int64_t valid_ms = notifier_judge(fs->notifier, dir->id, ticket,
			       dir_names_valid_ms(fs, dir)) -
			   GOOD_MS;
	if (valid_ms <= 0 || dir_reply_init(&reply, size) < 0)
		return;
	const struct dir_how how = {true, (double)valid_ms / 1000};
	int r = dir_fill(fs, dir, after, &how, &reply, &wait_after);
	ahead->after = after;
	ahead->ticket = ticket;
	ahead->valid_ms = valid_ms;
	ahead->made_ms = timestamp_mono_ms();
	if (r == 0 && reply.used)
		ahead->reply = reply;
	else
		free(reply.data);
}

void dir_ahead_reply(struct fs_context *fs, fuse_req_t req, struct dir *dir,
    const struct dir_reply *reply)
{
	/* Before the reply: after it the directory may be closed. */
	lock_acquire(&dir->ahead.lock);
	fuse_reply_buf(req, reply->data, reply->used);
	if (reply->used && !dir->ahead.in_vain && !dir->ahead.reply.data)
		make_locked(fs, dir, reply->size, reply->last);
	lock_release(&dir->ahead.lock);
}

void dir_ahead_end(struct dir *dir)
{
	lock_acquire(&dir->ahead.lock);
	lock_release(&dir->ahead.lock);
}
