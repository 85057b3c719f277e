#include "ask-fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "sync-fixture.h"
#include "unit.h"

#define ASKS_MAX 4096

static struct ask *asks[ASKS_MAX];
static size_t ask_count;

static void on_ended(struct sync_op *op, int err)
{
	struct ask *ask = (struct ask *)op;
	ask->count++;
	ask->err = err;
	if (err == 0 && ask->data && op->got)
		memcpy(ask->data, op->data, op->got);
	/* It is gone now, for all that sync may assume. */
	op->offset = UINT64_C(0x6b6b6b6b6b6b6b);
	op->len = 0x6b6b6b;
	op->node_id = -1;
}

static struct ask *ask_new(void)
{
	struct ask *ask = calloc(1, sizeof(*ask));
	assert_non_null(ask);
	assert_true(ask_count < ASKS_MAX);
	asks[ask_count++] = ask;
	ask->op.id = sync_op_id(sync_under_test);
	ask->op.done = on_ended;
	return ask;
}

bool asks_done(void)
{
	bool once = true;
	for (size_t i = 0; i < ask_count; i++) {
		once = once && asks[i]->count == 1;
		free(asks[i]->data);
		free(asks[i]);
	}
	ask_count = 0;
	return once;
}

struct ask *ask_lookup(int64_t dir, const char *name)
{
	struct ask *ask = ask_new();
	snprintf(ask->name, sizeof(ask->name), "%s", name);
	ask->op.dir = dir;
	ask->op.name = ask->name;
	sync_lookup(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_open(int64_t dir)
{
	struct ask *ask = ask_new();
	ask->op.dir = dir;
	sync_dir_open(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_find(void)
{
	struct ask *ask = ask_new();
	sync_find_tables(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_wait(
    int64_t dir, const struct sync_dir *open_dir, int64_t after)
{
	struct ask *ask = ask_new();
	ask->op.dir = dir;
	ask->op.open_dir = *open_dir;
	ask->op.after = after;
	sync_dir_wait(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_measure(int64_t node)
{
	struct ask *ask = ask_new();
	ask->op.node_id = node;
	sync_measure(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_read(int64_t node, uint64_t offset, size_t len)
{
	struct ask *ask = ask_new();
	ask->op.node_id = node;
	ask->op.offset = offset;
	ask->op.len = len;
	/* Exactly so long, so that writing past it is noticed. */
	ask->data = malloc(len ? len : 1);
	assert_non_null(ask->data);
	sync_read(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

void assert_waits_at(const struct ask *ask, const char *file, int line)
{
	_assert_int_equal((uintmax_t)ask->count, 0, file, line);
}

void assert_ended_at(const struct ask *ask, int err, const char *file, int line)
{
	_assert_int_equal((uintmax_t)ask->count, 1, file, line);
	_assert_int_equal((uintmax_t)(intmax_t)ask->err,
	    (uintmax_t)(intmax_t)err, file, line);
}
