/* Tokens are written down while the loop goes on with its work. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/lock.h"
#include "command/token_file.h"
#include "command/token_worker.h"
#include "config/options.h"
#include "http/http.h"
#include "remove-tree.h"

static char dir[64], state_home[96];
static struct options options;
static struct http *http;
static struct token_file *file;
static struct token_worker *worker;
static struct api_keeper keeper;

/* What the loop's thread waits for, and tells. */
static struct lock lock;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static int turns; /* of the loop, as asked for */
static int taken; /* answers */
static int err;
static struct answer_tokens pair;
static char taken_by[16];
static bool disk_is_stuck;
static int syncs;
static int syncs_by_loop;

/* The disk, in the place of libc's. */
int fsync(int fd);
int fsync(int fd)
{
	char name[16];
	(void)fd;
	pthread_getname_np(pthread_self(), name, sizeof(name));
	lock_acquire(&lock);
	syncs++;
	syncs_by_loop += strcmp(name, "http") == 0;
	pthread_cond_broadcast(&news);
	while (disk_is_stuck)
		lock_wait(&lock, &news);
	lock_release(&lock);
	return 0;
}

static void wait_for(const int *count, int least)
{
	lock_acquire(&lock);
	while (*count < least)
		lock_wait(&lock, &news);
	lock_release(&lock);
}

static void count(int *what)
{
	lock_acquire(&lock);
	++*what;
	pthread_cond_broadcast(&news);
	lock_release(&lock);
}

static void on_taken(void *ctx, int r, struct answer_tokens *got)
{
	(void)ctx;
	answer_tokens_done(&pair);
	err = r;
	pair = *got;
	pthread_getname_np(pthread_self(), taken_by, sizeof(taken_by));
	count(&taken);
}

/* What the loop is told to do next. */
static struct {
	struct http_task task;
	bool take;
	bool keep;
	struct answer_tokens pair;
} wish;

static void do_wish(void *ctx)
{
	(void)ctx;
	if (wish.keep)
		keeper.keep(keeper.ctx, &wish.pair);
	if (wish.take)
		keeper.take(keeper.ctx, on_taken, NULL);
	count(&turns);
}

static void wish_for(
    bool keep, const char *access, const char *refresh, bool take)
{
	wish.task = (struct http_task){.fn = do_wish};
	wish.take = take;
	wish.keep = keep;
	wish.pair = (struct answer_tokens){.access = (char *)access,
	    .refresh = (char *)refresh,
	    .lifetime_ms = 3600000};
	http_post(http, &wish.task);
}

static void begin(void)
{
	assert_int_equal(token_file_open(&options, &file), 0);
	assert_int_equal(http_curl_new(1, NULL, &http), 0);
	assert_int_equal(token_worker_new(file, http, &worker), 0);
	keeper = token_worker_keeper(worker);
	turns = taken = syncs = syncs_by_loop = 0;
	disk_is_stuck = false;
}

static void end(void)
{
	http_stop(http);
	token_worker_free(worker);
	token_file_close(file);
	http_free(http);
	answer_tokens_done(&pair);
	pair = (struct answer_tokens){0};
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test-token-worker-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(state_home, sizeof(state_home), "%s/state", dir);
	setenv("XDG_STATE_HOME", state_home, 1);
	lock_init(&lock);
	options = (struct options){.url = (char *)"https://api.test",
	    .key = (char *)"pk_1",
	    .refresh_token = (char *)"one"};
	return token_file_prepare(&options);
}

static int teardown(void **state)
{
	(void)state;
	lock_done(&lock);
	remove_tree(dir);
	return 0;
}

static void take_and_expect(const char *refresh)
{
	int before = taken;
	wish_for(false, NULL, NULL, true);
	wait_for(&taken, before + 1);
	assert_int_equal(err, refresh ? 0 : -ENOENT);
	assert_null(pair.access);
	if (refresh)
		assert_string_equal(pair.refresh, refresh);
	assert_string_equal(taken_by, "http");
}

static void the_loop_goes_on_while_the_disk_is_stuck(void **state)
{
	(void)state;
	begin();
	disk_is_stuck = true;
	wish_for(false, NULL, NULL, true);
	wait_for(&syncs, 1);
	/* And still: */
	wish_for(false, NULL, NULL, false);
	wait_for(&turns, 2);
	assert_int_equal(taken, 0);
	lock_acquire(&lock);
	disk_is_stuck = false;
	pthread_cond_broadcast(&news);
	lock_release(&lock);
	wait_for(&taken, 1);
	assert_string_equal(pair.refresh, "one");
	wish_for(true, "a2", "two", false);
	wait_for(&turns, 3);
	end();
	assert_int_equal(syncs_by_loop, 0);
	assert_true(syncs >= 4);
}

static void what_was_kept_is_what_is_taken_next(void **state)
{
	(void)state;
	begin();
	take_and_expect("one");
	for (int i = 2; i < 10; i++) {
		char refresh[8];
		snprintf(refresh, sizeof(refresh), "r%d", i);
		int before = taken;
		wish_for(true, "access", refresh, true);
		wait_for(&taken, before + 1);
		assert_int_equal(err, 0);
		assert_string_equal(pair.refresh, refresh);
	}
	wish_for(true, "access", "last", false);
	wait_for(&turns, 10);
	end();
	/* Also when the end came before it was written. */
	begin();
	take_and_expect("last");
	end();
	begin();
	take_and_expect(NULL); /* it is gone with whoever took it */
	end();
}

/* The end comes before the loop is told. */
static void one_that_was_never_handed_over_goes_back(void **state)
{
	(void)state;
	begin();
	disk_is_stuck = true;
	wish_for(false, NULL, NULL, true);
	wait_for(&syncs, 1);
	http_stop(http);
	lock_acquire(&lock);
	disk_is_stuck = false;
	pthread_cond_broadcast(&news);
	lock_release(&lock);
	end();
	assert_int_equal(taken, 0);
	begin();
	take_and_expect("one");
	end();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    TEST(the_loop_goes_on_while_the_disk_is_stuck),
	    TEST(what_was_kept_is_what_is_taken_next),
	    TEST(one_that_was_never_handed_over_goes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
