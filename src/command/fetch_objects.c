/* Reading the stored files of --fetch whole, so that they are kept. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "command/fetch_parts.h"
#include "config/complain.h"
#include "content/block.h"

/* Bytes that are asked for at once. */
#define PIECE ((size_t)8 * CONTENT_BLOCK)

/* A claimed size that proves wrong, or another version, fails one read. */
#define TRIES_MAX 4

/* No more is fetched while so much waits to be written. */
#define WAITING_MOST ((int64_t)8 << 20)

#define THREADS_MOST 32

/* What did not get to the disk, since that was slower than the network for too
 * long, or was lost there, is fetched again so many times. */
#define ROUNDS_MAX 4

/* What a segment takes up besides its blocks, and all besides the segments. */
#define SEGMENT_EXTRA 16384
#define OTHER_EXTRA ((int64_t)4 << 20)

/* ---- room ---- */

static int64_t database_bytes(const struct fetch *fetch)
{
	struct stat st;
	return stat(replica_path(fetch->replica), &st) == 0
		   ? (int64_t)st.st_blocks * 512
		   : 0;
}

static int64_t needed(const struct fetch *fetch)
{
	int64_t bytes = OTHER_EXTRA + database_bytes(fetch);
	for (size_t i = 0; i < fetch->object_count; i++) {
		struct node node;
		if (replica_get(fetch->replica, fetch->objects[i].id, &node) <
			0 ||
		    node.size <= 0)
			continue;
		int64_t segments =
		    node.size / (CONTENT_SEGMENT * CONTENT_BLOCK) + 1;
		bytes += node.size + segments * SEGMENT_EXTRA;
	}
	return bytes;
}

bool fetch_has_room(struct fetch *fetch)
{
	int64_t bytes = needed(fetch);
	if (!fetch->object_count || bytes <= fetch->options->cache_size)
		return true;
	fetch->too_small = true;
	return false;
}

/* ---- one object ---- */

/* Its current node: the name may lead to another one by now. */
static int current(
    struct fetch *fetch, struct fetch_object *object, struct node *ret_node)
{
	CLEANUP_BUF struct buf name;
	buf_init(&name, BUF_MAX_DEFAULT);
	int r = replica_get(fetch->replica, object->id, ret_node);
	if (r < 0 || (ret_node->live && !ret_node->spoiled))
		return r;
	r = replica_name(fetch->replica, object->id, &name);
	if (r == 0)
		r = replica_lookup(
		    fetch->replica, NODE_STORAGE, buf_str(&name), ret_node);
	if (r == 0)
		object->id = ret_node->id;
	return r;
}

static void pause_a_little(void)
{
	nanosleep(&(const struct timespec){.tv_nsec = 2000000}, NULL);
}

static void wait_for_writing(struct fetch *fetch, int64_t most)
{
	while (content_backlog(fetch->content) > most && !fetch_is_over(fetch))
		pause_a_little();
}

static void wait_until_written(struct fetch *fetch)
{
	while (!content_is_settled(fetch->content) && !fetch_is_over(fetch))
		pause_a_little();
}

/* What is kept is read as well: a checksum tells whether it is still so. */
static int read_piece(struct fetch *fetch, const struct node *node,
    int64_t offset, size_t *ret_len)
{
	struct sync_bytes bytes;
	struct fetch_question question = {.op = {
					      .node_id = node->id,
					      .offset = (uint64_t)offset,
					      .len = PIECE,
					  }};
	wait_for_writing(fetch, WAITING_MOST);
	int r = fetch_is_over(fetch) ? -EINTR
				     : sync_read_now(fetch->sync, node,
					   (uint64_t)offset, PIECE, &bytes);
	if (r == 0) {
		*ret_len = bytes.len;
		sync_bytes_done(&bytes);
	} else if (r == -EAGAIN) {
		r = fetch_ask(fetch, &question, sync_read);
		*ret_len = question.op.got;
	}
	return r;
}

static int read_once(
    struct fetch *fetch, struct fetch_object *object, int64_t *seen)
{
	struct node node;
	int64_t offset = 0;
	size_t len = 0;
	int r = current(fetch, object, &node);
	struct fetch_question question = {.op = {.node_id = object->id}};
	if (r == 0 && !sync_size_is_known(fetch->sync, &node))
		r = fetch_ask(fetch, &question, sync_measure);
	if (r == 0)
		r = current(fetch, object, &node);
	while (r == 0 && (offset < node.size || !node.proven)) {
		int64_t id = node.id;
		r = read_piece(fetch, &node, offset, &len);
		offset += (int64_t)len;
		if (r == 0 && offset > *seen) {
			progress_add(fetch->progress, 0, offset - *seen);
			*seen = offset;
		}
		if (r == 0)
			r = current(fetch, object, &node);
		if (r == 0 && (node.id != id || (!len && offset < node.size)))
			r = -EIO;
		if (r == 0 && !len)
			break;
	}
	return r == 0 && !node.proven ? -EIO : r;
}

/* Whether more is known of it than before: then it is worth another try. What
 * went wrong otherwise was tried for long enough. */
static bool has_news(
    struct fetch *fetch, struct fetch_object *object, const struct node *before)
{
	struct node now;
	return current(fetch, object, &now) == 0 &&
	       (now.id != before->id || now.size != before->size ||
		   now.proven != before->proven);
}

static void read_object(struct fetch *fetch, struct fetch_object *object)
{
	int64_t seen = 0;
	struct node before;
	for (int i = 0; i < TRIES_MAX; i++) {
		object->err = current(fetch, object, &before);
		if (!object->err)
			object->err = read_once(fetch, object, &seen);
		if (object->err != -EIO || !has_news(fetch, object, &before))
			break;
	}
	progress_add(fetch->progress, 1, 0);
}

/* ---- all of them ---- */

static void *read_objects(void *ctx)
{
	struct fetch *fetch = ctx;
	pthread_setname_np(pthread_self(), "fetch");
	while (!fetch_is_over(fetch)) {
		lock_acquire(&fetch->lock);
		size_t index = fetch->next_object++;
		lock_release(&fetch->lock);
		if (index >= fetch->object_count)
			break;
		if (!fetch->objects[index].kept)
			read_object(fetch, &fetch->objects[index]);
	}
	return NULL;
}

static int pin(struct fetch *fetch)
{
	struct fetch_question question = {0};
	return fetch_ask(fetch, &question, sync_pin_objects);
}

/* Those that are not kept yet. */
static void read_all(struct fetch *fetch)
{
	pthread_t threads[THREADS_MOST];
	unsigned count = 0;
	unsigned most = fetch->options->connections;
	fetch->next_object = 0;
	while (count < THREADS_MOST && count < most &&
	       count < fetch->object_count &&
	       pthread_create(&threads[count], NULL, read_objects, fetch) == 0)
		count++;
	if (!count)
		read_objects(fetch);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* How many came, and are not on the disk all the same; their bytes. What failed
 * to come was tried for long enough. */
static int64_t find_lost(struct fetch *fetch, int64_t *ret_bytes)
{
	int64_t count = 0;
	*ret_bytes = 0;
	for (size_t i = 0; i < fetch->object_count; i++) {
		struct fetch_object *object = &fetch->objects[i];
		struct node node;
		object->kept =
		    object->err != 0 || current(fetch, object, &node) < 0 ||
		    (node.proven &&
			content_has(fetch->content, node.id, node.size));
		if (object->kept)
			continue;
		count++;
		*ret_bytes += node.size > 0 ? node.size : 0;
	}
	return count;
}

/* As long as each round leaves fewer of them. */
static void read_lost(struct fetch *fetch)
{
	int64_t before = INT64_MAX;
	for (int i = 0; i < ROUNDS_MAX; i++) {
		int64_t bytes, count;
		wait_until_written(fetch);
		if (fetch_is_over(fetch))
			return;
		count = find_lost(fetch, &bytes);
		if (count == 0 || count >= before)
			return;
		before = count;
		progress_begin(
		    fetch->progress, "storage, again", "files", count, bytes);
		read_all(fetch);
	}
}

void fetch_objects(struct fetch *fetch)
{
	/* Before the first: none shall be pushed out by the next ones. */
	int r = pin(fetch);
	progress_begin(fetch->progress, "storage", "files",
	    (int64_t)fetch->object_count, fetch->bytes);
	for (size_t i = 0; i < fetch->object_count; i++)
		fetch->objects[i].err = -EINTR;
	if (r == 0) {
		read_all(fetch);
		read_lost(fetch);
	}
	/* Those that were found to be others, too. */
	if (r == 0)
		r = pin(fetch);
	if (r < 0 && r != -EINTR)
		fetch_misses(fetch, "storage", strerror(-r));
}

/* ---- what came of it ---- */

static const char *why(struct fetch *fetch, struct fetch_object *object)
{
	struct node node;
	if (object->err == -EACCES)
		return "the server refuses it";
	if (object->err == -ENOENT)
		return "it is listed, but not there any more";
	if (object->err)
		return strerror(-object->err);
	int r = current(fetch, object, &node);
	if (r < 0)
		return strerror(-r);
	if (!node.proven || !content_has(fetch->content, node.id, node.size))
		return "it came, but could not be kept on the disk";
	return node.pinned ? NULL : "it changed meanwhile";
}

void fetch_prove_objects(struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->object_count; i++) {
		struct fetch_object *object = &fetch->objects[i];
		const char *reason = why(fetch, object);
		CLEANUP_BUF struct buf name;
		buf_init(&name, BUF_MAX_DEFAULT);
		if (!reason)
			continue;
		buf_adds(&name, "storage/");
		replica_name(fetch->replica, object->id, &name);
		fetch_misses(fetch, buf_str(&name), reason);
	}
}
