/*
 * A model of one stored file: a random store, random readers, and what they may
 * be given. Whatever happens, each read gives bytes that are all of one version
 * of the object, the same one for each node (which is an inode), or an error;
 * nobody waits without a reason; and once the store is honest and quiet, the
 * object can be read whole.
 *
 *     test-object-model [--seed N] [--runs N] [--seconds N] [--verbose]
 *
 * Each seed makes a batch of runs over one mount; a failure says which seed to
 * begin with to see it in the first batch.
 */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../random.h"
#include "../sync-fixture.h"
#include "../unit.h"
#include "base/cleanup.h"
#include "store.h"

#define RUNS_A_BATCH 256
#define READS 6
#define NODES 64
#define KIB INT64_C(1024)

/* What is known of a node: an inode, for the kernel. */
struct known {
	int64_t id;
	uint32_t versions; /* that it may stand for, after all that was seen */
};

struct reading {
	struct sync_op op;
	bool busy;
	int64_t node;
	int64_t offset;
	size_t len;
	int err;
	char *data;
};

static struct store store;
static struct reading readings[READS];
static struct known nodes[NODES];
static size_t node_count;
static char name[32];
static uint64_t random_state;
static int64_t cursor;	      /* of a reader who goes on */
static bool calm;	      /* nothing may fail */
static unsigned late_percent; /* how often the loop has other things to do */

static uint64_t batch_seed;
static int run_number;
static bool verbose;
static uint64_t reads_done, bytes_read, errors_seen;

static size_t below(size_t limit)
{
	return random_below(&random_state, limit);
}

static bool chance(unsigned percent)
{
	return below(100) < percent;
}

static void trace(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static void trace(const char *format, ...)
{
	va_list args;
	if (!verbose)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static _Noreturn void found(const char *what)
{
	fprintf(stderr,
	    "FOUND: %s\n  %s\n  run %d of --seed %" PRIu64 " (batch of %d)\n",
	    what, store_text(&store), run_number % RUNS_A_BATCH, batch_seed,
	    RUNS_A_BATCH);
	exit(1);
}

/* ---- what may be seen ---- */

/* A node that is met for the first time may stand for all that there was. */
static struct known *known(int64_t id)
{
	for (size_t i = 0; i < node_count; i++) {
		if (nodes[i].id == id)
			return &nodes[i];
	}
	if (node_count == NODES)
		node_count--;
	nodes[node_count] = (struct known){id, UINT32_MAX};
	return &nodes[node_count++];
}

static void narrow(int64_t id, uint32_t versions, const char *what)
{
	struct known *node = known(id);
	trace("  node %" PRId64 " is one of %x (was %x)", id,
	    node->versions & versions, node->versions);
	if (!versions)
		found(what);
	node->versions &= versions;
	if (!node->versions)
		found("a node that was another version before");
}

static void check_bytes(
    int64_t id, int64_t offset, const char *data, size_t got, size_t len)
{
	reads_done++;
	bytes_read += got;
	trace("  read %zu of %zu at %" PRId64, got, len, offset);
	narrow(id, store_versions_with(&store, offset, data, got, len),
	    "bytes of no version: mixed, or cut");
}

/* A size that is proven is the version's. */
static void check_size(int64_t id)
{
	struct node node;
	if (replica_get(replica, id, &node) < 0 || !node.proven || node.spoiled)
		return;
	narrow(id, store_versions_of(&store, node.size),
	    "a proven size that no version has");
}

static void check_error(int err)
{
	errors_seen++;
	if (calm)
		found("an error from an honest, quiet store");
	if (err > 0 || err < -4095)
		found("an error that is none");
}

/* ---- readers ---- */

/* The loop's turn, which may also come later. */
static void turn(void)
{
	if (!chance(late_percent))
		fake_run(fake);
}

static int64_t current_node(void)
{
	struct node node;
	if (replica_lookup(replica, NODE_STORAGE, name, &node) < 0)
		found("a name that leads nowhere");
	known(node.id);
	return node.id;
}

static void on_read(struct sync_op *op, int err)
{
	struct reading *reading = (struct reading *)op;
	if (!reading->busy)
		found("an operation that ended twice");
	reading->busy = false;
	reading->err = err;
	trace("  ended: %d", err);
	if (err == 0)
		check_bytes(reading->node, reading->offset, op->data, op->got,
		    reading->len);
	else if (err != -EINTR)
		check_error(err);
}

static void on_measure(struct sync_op *op, int err)
{
	struct reading *reading = (struct reading *)op;
	if (!reading->busy)
		found("an operation that ended twice");
	reading->busy = false;
	reading->err = err;
	trace("  measured: %d, %" PRId64, err, op->node.size);
	/* One that can never be read shows what it was told to have. */
	if (err == 0 && !op->node.spoiled)
		narrow(op->node.id, store_versions_of(&store, op->node.size),
		    "a measured size that no version has");
	else if (err < 0 && err != -EINTR)
		check_error(err);
}

static struct reading *free_reading(void)
{
	for (size_t i = 0; i < READS; i++) {
		if (!readings[i].busy)
			return &readings[i];
	}
	return NULL;
}

static struct reading *start(int64_t node, int64_t offset, size_t len,
    void (*done)(struct sync_op *, int))
{
	struct reading *reading = free_reading();
	if (!reading)
		return NULL;
	*reading = (struct reading){
	    .busy = true, .node = node, .offset = offset, .len = len};
	reading->op.id = sync_op_id(sync_under_test);
	reading->op.done = done;
	reading->op.node_id = node;
	reading->op.offset = (uint64_t)offset;
	reading->op.len = len;
	trace("%s %" PRId64 " %zu at %" PRId64,
	    done == on_read ? "read" : "measure", node, len, offset);
	if (done == on_read)
		sync_read(sync_under_test, &reading->op);
	else
		sync_measure(sync_under_test, &reading->op);
	turn();
	return reading;
}

/* At once, as a thread of fs/ does it. */
static bool read_now(int64_t id, int64_t offset, size_t len)
{
	struct sync_bytes bytes;
	struct node node;
	if (replica_get(replica, id, &node) < 0 ||
	    sync_read_now(
		sync_under_test, &node, (uint64_t)offset, len, &bytes) < 0)
		return false;
	trace("read now %" PRId64, id);
	check_bytes(id, offset, bytes.data, bytes.len, len);
	sync_bytes_done(&bytes);
	turn();
	return true;
}

/* The one that its name leads to, or one that is held open. */
static int64_t some_node(void)
{
	int64_t node = current_node();
	return chance(20) ? nodes[below(node_count)].id : node;
}

static void read_some(void)
{
	int64_t node = some_node();
	int64_t size = store.versions[store.count - 1].size;
	size_t len = chance(50) ? 1 + below(4096) : 131072;
	if (chance(30))
		len = 1 + below(300 * KIB);
	if (chance(40))
		cursor = (int64_t)below((size_t)size + 100);
	if (cursor > size)
		cursor = 0;
	if (!chance(60) || !read_now(node, cursor, len))
		start(node, cursor, len, on_read);
	cursor += (int64_t)len;
}

static void interrupt(void)
{
	struct reading *reading = &readings[below(READS)];
	if (calm || !reading->busy)
		return;
	trace("interrupt");
	sync_interrupt(sync_under_test, reading->op.id);
	fake_run(fake);
	if (reading->busy)
		found("an operation that cannot be interrupted");
}

/* ---- the mount ---- */

/* What is to be kept is on the disk now: the same in every run. */
static void settle(void)
{
	if (!settings.content)
		return;
	content_close(settings.content);
	assert_int_equal(
	    content_open(replica, content_limit, &settings.content), 0);
	sync_core(sync_under_test)->config.content = settings.content;
}

static unsigned evict_percent;

static int remove_segment(
    const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
	(void)info;
	(void)ftw;
	if (flag == FTW_F && strchr(strrchr(path, '/'), '-') &&
	    chance(evict_percent))
		unlink(path);
	return 0;
}

static void evict(unsigned percent)
{
	CLEANUP_FREE char *path = NULL;
	size_t stem = strlen(replica_path(replica)) - strlen(".db");
	if (!settings.content)
		return;
	settle();
	trace("evict");
	evict_percent = percent;
	assert_true(asprintf(&path, "%.*s.content", (int)stem,
			replica_path(replica)) >= 0);
	nftw(path, remove_segment, 16, FTW_PHYS);
}

static void forget_nodes(void)
{
	size_t kept = 0;
	struct node node;
	for (size_t i = 0; i < node_count; i++) {
		if (replica_get(replica, nodes[i].id, &node) == 0)
			nodes[kept++] = nodes[i];
	}
	node_count = kept;
}

static void remount(void)
{
	bool was_calm = calm;
	trace("remount");
	calm = false; /* who waits is told an error */
	fake_run(fake);
	fixture_stop();
	for (size_t i = 0; i < READS; i++) {
		if (readings[i].busy)
			found("an operation that never ends");
	}
	calm = was_calm;
	store_forget();
	fixture_start();
	forget_nodes();
}

/* ---- steps ---- */

static void answer(bool part)
{
	size_t open = fake_open_count(fake);
	if (!open)
		return;
	struct http_call *call = fake_open(fake, below(open));
	const char *range = fake_header(call, "Range");
	trace("answer%s %s %s", part ? " a part of" : "", fake_line(call),
	    range ? range : "");
	store_answer(&store, call, part);
	settle();
}

static void change(void)
{
	if (calm)
		return;
	store_change(&store);
	trace("version %d has %" PRId64 " bytes", store.count - 1,
	    store.versions[store.count - 1].size);
}

static void pass_time(void)
{
	static const int64_t steps[] = {1, 50, 1000, 4000, 11000, 70000};
	int64_t ms = steps[below(ARRAY_SIZE(steps))];
	bool busy = chance(late_percent);
	trace("%" PRId64 " ms%s", ms, busy ? " in timers alone" : "");
	if (busy)
		fake_run_timers(fake, ms);
	else
		fake_advance(fake, ms);
}

static void step(void)
{
	switch (below(20)) {
	case 0:
	case 1:
		change();
		break;
	case 2:
		pass_time();
		break;
	case 3:
		interrupt();
		break;
	case 4:
		start(some_node(), 0, 0, on_measure);
		break;
	case 5:
		if (chance(5))
			remount();
		else if (chance(20))
			evict(60);
		break;
	case 6:
		fake_advance_to_timer(fake);
		break;
	case 7:
	case 8:
	case 9:
	case 10:
	case 11:
		read_some();
		break;
	default:
		answer(chance(40));
	}
	for (size_t i = 0; i < node_count; i++)
		check_size(nodes[i].id);
}

/* ---- the end of a run ---- */

static bool is_busy(void)
{
	for (size_t i = 0; i < READS; i++) {
		if (readings[i].busy)
			return true;
	}
	return false;
}

/* Serve until nobody waits. Who waits has a request or a timer. */
static void finish_all(void)
{
	fake_run(fake);
	for (int i = 0; is_busy(); i++) {
		if (i > 5000)
			found("an operation that never ends");
		if (fake_open_count(fake))
			answer(false);
		else if (!fake_advance_to_timer(fake))
			found("an operation that waits for nothing");
	}
}

/* Read all of it, to its end; false: an error. */
static bool read_whole(int64_t node)
{
	const size_t piece = 100 * KIB;
	for (int64_t pos = 0;; pos += (int64_t)piece) {
		struct reading *reading = start(node, pos, piece, on_read);
		finish_all();
		if (reading->err)
			return false;
		if (reading->op.got < piece)
			return true;
	}
}

/*
 * Once the store is honest and quiet, at most a few errors tell that the object
 * has changed, or that its claim was false. Who has not all of an older version
 * gets what is there.
 */
static void read_in_the_end(void)
{
	bool from_store = chance(50);
	store_calm(&store);
	if (from_store) {
		streams_drop_all(sync_streams(sync_under_test));
		evict(100);
	}
	for (int i = 0; i < 5; i++) {
		int64_t id = current_node();
		uint64_t before = bytes_read; /* of nothing, nobody asks */
		if (!read_whole(id))
			continue;
		check_size(id);
		bool asked = from_store && bytes_read > before;
		if (asked && !store_is_among(&store, known(id)->versions))
			found("an object that was long replaced");
		return;
	}
	if (store_is_sure(&store))
		found("an object that can never be read");
}

static void add_object(int serial)
{
	char key[16];
	struct node node;
	bool again;
	snprintf(key, sizeof(key), "f%d", serial);
	snprintf(name, sizeof(name), "f%d_a.bin", serial);
	struct replica_row row = {
	    .dir = NODE_STORAGE,
	    .kind = NODE_KIND_OBJECT,
	    .key = key,
	    .key_len = strlen(key),
	    .name = name,
	    .mtime_ms = 1000,
	    .size = store.claim,
	    .other_size = store.claim,
	};
	assert_int_equal(replica_begin(replica), 0);
	const struct replica_place nowhere = {0};
	assert_int_equal(
	    replica_put(replica, &row, &nowhere, &node, &again), 0);
	assert_int_equal(replica_commit(replica), 0);
}

static void run(int serial)
{
	size_t steps = 4 + below(40);
	calm = chance(15);
	late_percent = chance(25) ? 70 : 5;
	node_count = 0;
	cursor = 0;
	store_init(&store, &random_state, serial, calm);
	trace("---- run %d: %s; %" PRId64 " bytes%s", serial,
	    store_text(&store), store.versions[0].size, calm ? "; calm" : "");
	add_object(serial);
	for (size_t i = 0; i < steps; i++)
		step();
	finish_all();
	read_in_the_end();
	streams_drop_all(sync_streams(sync_under_test));
	fake_run(fake);
	store_forget();
}

static void run_batch(void)
{
	void *state = NULL;
	random_state = batch_seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	assert_int_equal(fixture_setup(&state), 0);
	if (chance(10))
		content_limit = INT64_C(1) << 30;
	fixture_start();
	for (int i = 0; i < RUNS_A_BATCH; i++, run_number++)
		run(i + 1);
	assert_int_equal(fixture_teardown(&state), 0);
}

static int64_t seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int main(int argc, char **argv)
{
	int64_t runs = INT64_MAX, seconds = 0;
	batch_seed = 1;
	/* In memory, where there is such a place: thousands of runs a second.
	 */
	if (access("/dev/shm", W_OK) == 0) {
		fixture_place = "/dev/shm";
		setenv("TMPDIR", "/dev/shm", 1);
	}
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--verbose") == 0) {
			verbose = true;
			continue;
		}
		if (!value)
			return 2;
		if (strcmp(argv[i], "--seed") == 0)
			batch_seed = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--runs") == 0)
			runs = strtoll(value, NULL, 10);
		else if (strcmp(argv[i], "--seconds") == 0)
			seconds = strtoll(value, NULL, 10);
		else
			return 2;
		i++;
	}
	int64_t end = seconds_now() + seconds;
	for (; run_number < runs; batch_seed++) {
		if (seconds && seconds_now() >= end)
			break;
		if (!seconds && runs == INT64_MAX && run_number >= 20000)
			break;
		run_batch();
	}
	printf("%d runs, %" PRIu64 " reads of %" PRIu64 " MiB, %" PRIu64
	       " errors\n",
	    run_number, reads_done, bytes_read >> 20, errors_seen);
	return 0;
}
