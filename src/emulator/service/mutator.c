#include "emulator/service/mutator.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/random.h"
#include "base/timestamp.h"
#include "emulator/query/project.h"

/* How often the switch is looked at while nothing is to be done. */
#define IDLE_MS 50

/* Changes that could not be made in time are not made up for beyond this. */
#define BEHIND_MAX 1000

struct mutator {
	struct emulator *emulator;
	int stop_fd;
	pthread_t thread;
	/* The thread's own. */
	uint64_t random;
	uint64_t count;
};

static uint64_t draw(struct mutator *mutator, uint64_t below)
{
	return (random_next(&mutator->random) >> 16) % below;
}

/* Make text the id after itself, in bytewise order: its last hex digits are
 * counted up, or, where they are all f, a digit is added. */
static int next_id(struct buf *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = text->len;
	while (at > 0 && text->data[at - 1] == 'f')
		at--;
	const char *digit =
	    at > 0 ? memchr(digits, text->data[at - 1], 15) : NULL;
	if (!digit)
		return buf_adds(text, "0");
	text->data[at - 1] = digit[1];
	memset(text->data + at, '0', text->len - at);
	return 0;
}

/* An id later than all others: of this second, or next to the last one. */
static int new_id(
    struct mutator *mutator, struct table *table, struct buf *ret_id)
{
	struct row_id last = {.len = 0};
	int r = buf_printf(ret_id, "%08" PRIx64 "6d757461%08" PRIx32,
	    (uint64_t)timestamp_now_ms() / 1000, (uint32_t)mutator->count);
	store_read_lock(mutator->emulator->store);
	size_t count = table_count(table);
	if (count > 0)
		row_read_id(table_rows(table, TABLE_BY_ID)[count - 1], &last);
	size_t least = last.len < ret_id->len ? last.len : ret_id->len;
	if (r == 0 && last.len > 0 &&
	    memcmp(last.id, ret_id->data, least) >= 0) {
		buf_clear(ret_id);
		r = buf_add(ret_id, last.id, last.len);
		if (r == 0)
			r = next_id(ret_id);
	}
	store_unlock(mutator->emulator->store);
	return r;
}

static int put(struct mutator *mutator, struct table *table,
    const struct buf *id, const struct buf *text, bool keep)
{
	CLEANUP_BUF struct buf own_id;
	buf_init(&own_id, BUF_MAX_DEFAULT);
	struct place place = {0};
	struct document *record = NULL;
	struct document_key key;
	document_read_key(buf_str(text), text->len, &own_id, &key);
	key.id = buf_str(id);
	key.id_len = id->len;
	int r = place_copy(buf_str(text), text->len, &place);
	if (r == 0)
		r = document_new(&key, place, (struct place){0}, &record);
	if (r < 0)
		return r;
	document_keep(record, keep);
	return store_put(mutator->emulator->store, table, record);
}

static int insert(struct mutator *mutator, struct table *table)
{
	CLEANUP_BUF struct buf id, text;
	buf_init(&id, BUF_MAX_DEFAULT);
	buf_init(&text, BUF_MAX_DEFAULT);
	char now[TIMESTAMP_SIZE];
	timestamp_format(timestamp_now_ms(), now);
	int r = new_id(mutator, table, &id);
	if (r == 0)
		r = buf_adds(&text, "{\"id\":");
	if (r == 0)
		r = json_string_encode(id.data, id.len, &text);
	if (r == 0)
		r = buf_printf(&text,
		    ",\"createdBy\":\"\",\"createdAt\":\"%s\","
		    "\"updatedAt\":\"%s\",\"title\":\"Inserted\","
		    "\"revision\":%" PRIu64 "}",
		    now, now, mutator->count);
	return r == 0 ? put(mutator, table, &id, &text, false) : r;
}

/* updatedAt is now, and one member is another. */
static int revise(
    struct mutator *mutator, const struct buf *text, struct buf *out)
{
	CLEANUP_BUF struct buf half;
	buf_init(&half, DOCUMENT_TEXT_MAX);
	char now[TIMESTAMP_SIZE], value[TIMESTAMP_SIZE + 2], revision[24];
	snprintf(value, sizeof(value), "\"%s\"",
	    timestamp_format(timestamp_now_ms(), now));
	snprintf(revision, sizeof(revision), "%" PRIu64, mutator->count);
	int r = project_replace(
	    buf_str(text), text->len, "updatedAt", value, &half);
	if (r == 0)
		r = project_replace(
		    buf_str(&half), half.len, "revision", revision, out);
	return r;
}

/* Any row, with a reference; false when the table is empty. */
static bool pick(struct mutator *mutator, struct table *table, row_t *ret_row)
{
	store_read_lock(mutator->emulator->store);
	size_t count = table_count(table);
	bool found = count > 0;
	if (found)
		*ret_row = row_ref(
		    table_rows(table, TABLE_BY_ID)[draw(mutator, count)]);
	store_unlock(mutator->emulator->store);
	return found;
}

static int update(struct mutator *mutator, struct table *table)
{
	CLEANUP_BUF struct buf text, revised, id;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	buf_init(&revised, DOCUMENT_TEXT_MAX);
	buf_init(&id, BUF_MAX_DEFAULT);
	struct row_id row_id;
	row_t row;
	if (!pick(mutator, table, &row))
		return 0;
	row_read_id(row, &row_id);
	int r = buf_add(&id, row_id.id, row_id.len);
	if (r == 0)
		r = table_read_text(table, row, &text);
	if (r == 0)
		r = revise(mutator, &text, &revised);
	if (r == 0)
		r = put(mutator, table, &id, &revised, row_kept(row));
	row_unref(row);
	return r;
}

static int delete (struct mutator *mutator, struct table *table)
{
	struct row_id id;
	row_t row;
	if (!pick(mutator, table, &row))
		return 0;
	row_read_id(row, &id);
	if (!row_kept(row))
		store_remove(mutator->emulator->store, table, id.id, id.len);
	row_unref(row);
	return 0;
}

/* What fails is skipped: a change more or less is no matter. */
static void change(struct mutator *mutator)
{
	struct store *store = mutator->emulator->store;
	size_t tables = 0;
	while (store_nth(store, tables))
		tables++;
	if (tables == 0)
		return;
	mutator->count++;
	struct table *table = store_nth(store, draw(mutator, tables));
	switch (draw(mutator, 3)) {
	case 0:
		insert(mutator, table);
		break;
	case 1:
		update(mutator, table);
		break;
	default:
		delete (mutator, table);
	}
}

static void *run(void *ctx)
{
	struct mutator *mutator = ctx;
	struct pollfd stop = {.fd = mutator->stop_fd, .events = POLLIN};
	double due = 0; /* changes that should have been made by now */
	int64_t then = timestamp_mono_ms();
	for (;;) {
		struct switches switches;
		emulator_read_switches(mutator->emulator, &switches);
		int64_t now = timestamp_mono_ms();
		due += (double)(switches.mutate * (now - then)) / 1000;
		then = now;
		if (due > BEHIND_MAX || switches.mutate == 0)
			due = switches.mutate ? BEHIND_MAX : 0;
		while (due >= 1) {
			change(mutator);
			due -= 1;
		}
		int wait_ms = switches.mutate > 100 ? 5 : IDLE_MS;
		if (poll(&stop, 1, wait_ms) > 0)
			return NULL;
	}
}

int mutator_start(struct emulator *emulator, struct mutator **ret_mutator)
{
	struct mutator *mutator = calloc(1, sizeof(*mutator));
	if (!mutator)
		return -ENOMEM;
	*mutator = (struct mutator){
	    .emulator = emulator,
	    .random = UINT64_C(0x6d757461746f7221),
	    .stop_fd = eventfd(0, EFD_CLOEXEC),
	};
	if (mutator->stop_fd < 0 ||
	    pthread_create(&mutator->thread, NULL, run, mutator) != 0) {
		cleanup_close(&mutator->stop_fd);
		free(mutator);
		return -EAGAIN;
	}
	*ret_mutator = mutator;
	return 0;
}

void mutator_stop(struct mutator *mutator)
{
	if (!mutator)
		return;
	eventfd_write(mutator->stop_fd, 1);
	pthread_join(mutator->thread, NULL);
	close(mutator->stop_fd);
	free(mutator);
}
