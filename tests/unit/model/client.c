#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check.h"
#include "clock.h"
#include "lookup.h"
#include "mount.h"
#include "trace.h"
#include "world.h"

#define HANDLES 5

enum state { FREE, OPENING, RESTING, WAITING, ENDED, FAILED };

/* An open directory, or an operation that waits for one. */
struct handle {
	struct sync_op op; /* first: done finds the rest by it */
	enum state state;
	int err;
	struct sync_dir dir;
	int64_t after;
	uint64_t version; /* may be kept, as this one; 0: may not */
	bool from_kept;
	struct listing_check check;
};

/* What the kernel keeps of a listing that may be cached: src/fs/dirs.c. */
struct kept {
	uint64_t version; /* as it was when that was read; 0: nothing is kept */
	size_t count;
	struct told told[WORLD_RECORDS_MAX];
};

static struct handle handles[HANDLES];
static struct kept kept;	    /* read to the end */
static struct kept being_kept;	    /* of one handle at a time ... */
static const struct handle *keeper; /* ... that was begun last */

void client_reset(void)
{
	memset(handles, 0, sizeof(handles));
	lookup_reset();
	kept.version = 0;
	keeper = NULL;
}

static int number_of(const struct handle *handle)
{
	return (int)(handle - handles);
}

size_t client_waiting(void)
{
	size_t count = 0;
	for (size_t i = 0; i < HANDLES; i++)
		count +=
		    handles[i].state == OPENING || handles[i].state == WAITING;
	return count + lookup_waiting();
}

/* ---- handles ---- */

static void fail(struct handle *handle, int err)
{
	trace("handle %d: %s", number_of(handle), strerrorname_np(-err));
	handle->err = err;
	handle->state = FAILED;
}

/* What fs/dirs.c does: where somebody still reads another version, the kernel
 * keeps nothing for who comes now, and believes nothing of what it has. */
static bool others_read_another(const struct handle *handle)
{
	for (size_t i = 0; i < HANDLES; i++) {
		if (&handles[i] != handle && handles[i].state != FREE &&
		    handles[i].version && handles[i].version != handle->version)
			return true;
	}
	return false;
}

static void is_open(struct handle *handle)
{
	trace("handle %d: is open", number_of(handle));
	handle->state = RESTING;
	handle->after = handle->dir.base;
	if (handle->dir.end)
		handle->version =
		    sync_dir_version(mount.sync, mount.dir, &handle->dir);
	if (handle->version && others_read_another(handle))
		handle->version = kept.version = 0;
	handle->from_kept = handle->version && handle->version == kept.version;
}

static void on_opened(struct sync_op *op, int err)
{
	struct handle *handle = (struct handle *)op;
	if (err) {
		fail(handle, err);
		return;
	}
	handle->dir = op->open_dir;
	is_open(handle);
}

static struct handle *find(enum state state, uint32_t which)
{
	for (uint32_t i = 0; i < HANDLES; i++) {
		struct handle *handle = &handles[(which + i) % HANDLES];
		if (handle->state == state)
			return handle;
	}
	return NULL;
}

static void close_handle(struct handle *handle)
{
	if (handle->state == FREE || handle->state == OPENING ||
	    handle->state == WAITING)
		return;
	if (mount.sync && handle->dir.registration)
		sync_dir_close(mount.sync, &handle->dir);
	handle->state = FREE;
}

uint64_t client_begins(void)
{
	uint64_t from = mount_believes_from();
	for (int i = 0; mount_allows.join && i < HANDLES; i++) {
		const struct handle *handle = &handles[i];
		bool reads = handle->state == OPENING ||
			     handle->state == RESTING ||
			     handle->state == WAITING;
		if (reads && handle->check.from < from)
			from = handle->check.from;
	}
	return from;
}

static struct handle *new_handle(void)
{
	struct handle *handle = find(FREE, 0);
	if (!handle)
		handle = find(ENDED, 0);
	if (!handle)
		handle = find(FAILED, 0);
	if (!handle)
		handle = find(RESTING, 0);
	if (handle)
		close_handle(handle);
	if (!handle)
		return NULL;
	uint64_t from = client_begins();
	if (keeper == handle)
		keeper = NULL;
	*handle = (struct handle){.state = OPENING};
	check_begin(&handle->check, from);
	return handle;
}

static void start_open(struct handle *handle)
{
	trace("handle %d: open", number_of(handle));
	handle->op = (struct sync_op){
	    .id = sync_op_id(mount.sync),
	    .done = on_opened,
	    .dir = mount.dir,
	};
	sync_dir_open(mount.sync, &handle->op);
	fake_run(transport);
}

/* As the mount does: at once if that can be. */
static struct handle *open_one(bool now, void (*loop_runs)(void))
{
	struct handle *handle = new_handle();
	if (!handle)
		return NULL;
	if (loop_runs)
		mount_as_other_thread(true, loop_runs);
	int r = now ? sync_dir_open_now(mount.sync, mount.dir, &handle->dir)
		    : -EAGAIN;
	if (r == 0)
		is_open(handle);
	mount_as_other_thread(false, NULL);
	if (r == -EAGAIN)
		start_open(handle);
	else if (r < 0)
		fail(handle, r);
	return handle;
}

void client_open(bool now)
{
	open_one(now, NULL);
}

static void on_more(struct sync_op *op, int err)
{
	struct handle *handle = (struct handle *)op;
	if (err) {
		fail(handle, err);
		return;
	}
	handle->after = op->after;
	handle->state = RESTING;
}

static void wait_for_more(struct handle *handle, int64_t frontier)
{
	int64_t after = handle->after;
	handle->state = WAITING;
	handle->op = (struct sync_op){
	    .id = sync_op_id(mount.sync),
	    .done = on_more,
	    .dir = mount.dir,
	    .open_dir = handle->dir,
	    .after = frontier - 1 > after ? frontier - 1 : after,
	};
	sync_dir_wait(mount.sync, &handle->op);
	fake_run(transport);
}

struct bite {
	size_t room;
	size_t count;
	struct told told[64];
	int64_t last;
};

static int take(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct bite *bite = ctx;
	struct told *told = &bite->told[bite->count++];
	told->node = *node;
	snprintf(told->name, sizeof(told->name), "%s", name);
	bite->last = pos;
	return bite->count == bite->room;
}

static void tell_bite(const struct handle *handle, const struct bite *bite)
{
	CLEANUP_BUF struct buf names;
	buf_init(&names, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < bite->count; i++)
		buf_printf(&names, " %s", bite->told[i].name);
	if (bite->count)
		trace("handle %d: reads%s", number_of(handle), buf_str(&names));
}

/* The kernel keeps what is read of a listing from its begin on. */
static void keep(const struct handle *handle, const struct bite *bite)
{
	if (handle->after == handle->dir.base) {
		keeper = handle;
		being_kept.version = handle->version;
		being_kept.count = 0;
	}
	if (!handle->version || keeper != handle)
		return;
	for (size_t i = 0; i < bite->count; i++) {
		if (being_kept.count < WORLD_RECORDS_MAX)
			being_kept.told[being_kept.count++] = bite->told[i];
	}
}

static void read_kept(struct handle *handle)
{
	trace("handle %d: all is read from the kernel's memory",
	    number_of(handle));
	for (size_t i = 0; i < kept.count; i++)
		check_entry(&handle->check, &kept.told[i]);
	handle->state = ENDED;
	check_end(&handle->check);
}

/* What fs does for a readdir. */
static void read_some(struct handle *handle, size_t entries)
{
	if (handle->from_kept) {
		read_kept(handle);
		return;
	}
	int64_t frontier = 0;
	struct bite bite = {
	    .room = entries < 64 ? entries : 64, .last = handle->after};
	int end =
	    sync_dir_frontier(mount.sync, mount.dir, &handle->dir, &frontier);
	int r = end < 0 ? 0
			: replica_entries(mount.replica, mount.dir,
			      handle->after, frontier, take, &bite);
	if (r < 0) {
		fail(handle, r);
		return;
	}
	int64_t after = handle->after;
	tell_bite(handle, &bite);
	for (size_t i = 0; i < bite.count; i++)
		check_entry(&handle->check, &bite.told[i]);
	keep(handle, &bite);
	handle->after = bite.last;
	if (bite.count) {
		if (after > handle->dir.base)
			sync_dir_reading(
			    mount.sync, mount.dir, &handle->dir, after);
		fake_run(transport);
	} else if (end == 1) {
		trace("handle %d: is at its end", number_of(handle));
		handle->state = ENDED;
		if (handle->version && keeper == handle)
			kept = being_kept;
		check_end(&handle->check);
	} else if (end < 0) {
		fail(handle, end);
	} else {
		wait_for_more(handle, frontier);
	}
}

void client_read(uint32_t which, size_t entries)
{
	struct handle *handle = find(RESTING, which);
	if (handle)
		read_some(handle, entries);
}

void client_rewind(uint32_t which)
{
	struct handle *handle = find(RESTING, which);
	if (!handle)
		handle = find(ENDED, which);
	if (!handle)
		return;
	trace("handle %d: rewound", number_of(handle));
	handle->state = RESTING;
	handle->after = handle->dir.base;
	handle->from_kept = false;
	check_begin(&handle->check, handle->check.from);
}

void client_close(uint32_t which)
{
	struct handle *handle = find(RESTING, which);
	if (!handle)
		handle = find(ENDED, which);
	if (!handle)
		handle = find(FAILED, which);
	if (!handle)
		return;
	trace("handle %d: close", number_of(handle));
	close_handle(handle);
}

void client_close_all(void)
{
	for (int i = 0; i < HANDLES; i++)
		close_handle(&handles[i]);
}

/* ---- whole listings ---- */

struct handle *client_list(void (*loop_runs)(void))
{
	return open_one(true, loop_runs);
}

bool client_list_on(struct handle *handle)
{
	if (handle->state == RESTING)
		read_some(handle, 64);
	return handle->state != ENDED && handle->state != FAILED &&
	       handle->state != FREE;
}

bool client_list_waits(const struct handle *handle)
{
	return handle->state == OPENING || handle->state == WAITING;
}

int client_list_end(struct handle *handle, bool exact)
{
	int err = handle->state == FAILED ? handle->err : 0;
	if (handle->state == FREE)
		err = -EIO;
	if (handle->state == ENDED && exact)
		check_exact(&handle->check);
	close_handle(handle);
	return err;
}

/* ---- accidents ---- */

void client_interrupt(uint32_t which)
{
	struct sync_op *op = NULL;
	if (which % 2)
		op = lookup_that_waits(which / 2);
	for (uint32_t i = 0; i < HANDLES && !op; i++) {
		struct handle *handle = &handles[(which / 2 + i) % HANDLES];
		if (client_list_waits(handle))
			op = &handle->op;
	}
	if (!op)
		op = lookup_that_waits(which / 2);
	if (!op)
		return;
	trace("interrupt");
	bool waits = op->done == on_more;
	struct handle *handle = (struct handle *)op;
	sync_interrupt(mount.sync, op->id);
	fake_run(transport);
	/* The handle is still open, and may be read on. */
	if (waits && handle->state == FAILED && handle->err == -EINTR)
		handle->state = RESTING;
}

void client_is_cut_off(void)
{
	for (int i = 0; i < HANDLES; i++) {
		handles[i].state = FREE;
		handles[i].dir.registration = NULL;
	}
	kept.version = 0;
	keeper = NULL;
}
