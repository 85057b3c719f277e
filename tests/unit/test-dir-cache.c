/*
 * Directories that the kernel keeps: what it may keep is what the reader who
 * filled it was given, and goes under that one's number. A listing may be made
 * anew at any moment, also between the steps of opendir.
 */
#include "unit.h"

#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>

#include "lister-fixture.h"

#include "fs/channel.h"
#include "fs/dirs.h"
#include "fs/lookups.h"
#include "fs/notify.h"
#include "fs/op_dir.h"

static struct fs_context fs;

/* What libfuse was told last. */
static struct fuse_file_info opened;
static char *reply;
static size_t reply_size;
static int replies;

/* ---- in libfuse's place ---- */

void *fuse_req_userdata(fuse_req_t req)
{
	(void)req;
	return &fs;
}

int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
	(void)req;
	opened = *fi;
	replies++;
	return 0;
}

int fuse_reply_err(fuse_req_t req, int err)
{
	(void)req;
	assert_int_equal(err, 0);
	replies++;
	return 0;
}

int fuse_reply_buf(fuse_req_t req, const char *data, size_t size)
{
	(void)req;
	free(reply);
	reply = malloc(size + 1);
	assert_non_null(reply);
	memcpy(reply, data, size);
	reply_size = size;
	replies++;
	return 0;
}

/* ---- what may happen meanwhile ---- */

static void (*meanwhile)(void);

int __wrap_sync_dir_open_now(
    struct sync *sync, int64_t dir, struct sync_dir *ret_dir);
int __real_sync_dir_open_now(
    struct sync *sync, int64_t dir, struct sync_dir *ret_dir);

int __wrap_sync_dir_open_now(
    struct sync *sync, int64_t dir, struct sync_dir *ret_dir)
{
	int r = __real_sync_dir_open_now(sync, dir, ret_dir);
	void (*happens)(void) = meanwhile;
	meanwhile = NULL;
	if (happens)
		happens();
	return r;
}

/* ---- in the kernel's place ---- */

/* It keeps what it read of the one directory. */
static char kept[4096];

static void read_all(struct fuse_file_info *fi, char out[4096])
{
	size_t len = 0;
	off_t offset = 0;
	out[0] = '\0';
	do {
		op_readdir(NULL, (fuse_ino_t)posts, 4096, offset, fi);
		for (size_t at = 0; at < reply_size;) {
			const struct fuse_dirent *entry =
			    (const void *)(reply + at);
			offset = (off_t)entry->off;
			at += FUSE_DIRENT_SIZE(entry);
			if (entry->name[0] == 'r')
				len += (size_t)snprintf(out + len, 4096 - len,
				    "%.*s ", (int)entry->namelen, entry->name);
		}
	} while (reply_size);
}

/* The names that a program gets to see; "r0001.json r0002.json ". */
static const char *seen(void)
{
	static char names_read[4096];
	struct fuse_file_info fi = {0};
	replies = 0;
	op_opendir(NULL, (fuse_ino_t)posts, &fi);
	assert_int_equal(replies, 1);
	fi = opened;
	if (fi.cache_readdir && fi.keep_cache) {
		strcpy(names_read, kept);
	} else {
		read_all(&fi, names_read);
		if (fi.cache_readdir)
			strcpy(kept, names_read);
	}
	op_releasedir(NULL, (fuse_ino_t)posts, &fi);
	return names_read;
}

/* ---- life ---- */

static int setup(void **state)
{
	int r = fixture_setup(state);
	service.limit_max = 100;
	service_fill(3);
	fixture_start();
	fs = (struct fs_context){
	    .replica = replica,
	    .sync = sync_under_test,
	    .channel = channel_new(),
	    .lookups = lookups_new(),
	    .dirs = dirs_new(),
	};
	fs.notifier = notifier_new(fs.channel, fake_http(fake));
	kept[0] = '\0';
	meanwhile = NULL;
	if (!fs.channel || !fs.lookups || !fs.dirs || !fs.notifier)
		return -1;
	/* There is no kernel to take names back from. */
	channel_close(fs.channel);
	return notifier_open(fs.notifier) < 0 ? -1 : r;
}

static int teardown(void **state)
{
	dirs_free(fs.dirs, fs.notifier);
	notifier_free(fs.notifier);
	lookups_free(fs.lookups);
	channel_free(fs.channel);
	free(reply);
	reply = NULL;
	return fixture_teardown(state);
}

#define THREE "r0001.json r0002.json r0003.json "
#define FOUR THREE "r0004.json "

static void list(void)
{
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
}

static void list_anew(void)
{
	go_stale();
	list();
}

static void one_is_added(void)
{
	service_create(4);
	list_anew();
}

static void one_is_deleted(void)
{
	service_delete(2);
	list_anew();
}

/* ---- tests ---- */

static void a_listing_is_kept_while_it_is_believed(void **state)
{
	(void)state;
	list();
	for (int i = 0; i < 3; i++) {
		assert_string_equal(seen(), THREE);
		assert_true(opened.cache_readdir);
		assert_int_equal(opened.keep_cache, i > 0);
	}
	/* Confirmed or changed since: its names' time begins anew. */
	list_anew();
	assert_string_equal(seen(), THREE);
	assert_true(opened.cache_readdir);
	assert_false(opened.keep_cache);
	one_is_added();
	assert_string_equal(seen(), FOUR);
	assert_false(opened.keep_cache);
	assert_string_equal(seen(), FOUR);
	assert_true(opened.keep_cache);
}

static void an_old_listing_is_never_kept_as_the_new_one(void **state)
{
	static void (*const changes[])(void) = {one_is_added, one_is_deleted};
	static const char *const after[] = {FOUR, "r0001.json r0003.json "};
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		for (int kept_before = 0; kept_before < 2; kept_before++) {
			list();
			if (kept_before)
				assert_string_equal(seen(), THREE);
			/* Who opens it begins with the listing of before. */
			meanwhile = changes[i];
			assert_string_equal(seen(), THREE);
			assert_string_equal(seen(), after[i]);
			assert_string_equal(seen(), after[i]);
			assert_true(opened.keep_cache);
			assert_int_equal(teardown(state), 0);
			assert_int_equal(setup(state), 0);
		}
	}
}

/* The kernel has one memory for all who read a directory. */
static void who_reads_on_fills_no_memory_that_others_read(void **state)
{
	(void)state;
	struct fuse_file_info slow = {0};
	list();
	op_opendir(NULL, (fuse_ino_t)posts, &slow);
	slow = opened;
	assert_true(slow.cache_readdir);
	one_is_added();
	assert_string_equal(seen(), FOUR);
	assert_false(opened.cache_readdir);
	read_all(&slow, kept);
	assert_string_equal(kept, THREE);
	op_releasedir(NULL, (fuse_ino_t)posts, &slow);
	assert_string_equal(seen(), FOUR);
	assert_false(opened.keep_cache);
	assert_string_equal(seen(), FOUR);
	assert_true(opened.keep_cache);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_listing_is_kept_while_it_is_believed),
	    TEST(an_old_listing_is_never_kept_as_the_new_one),
	    TEST(who_reads_on_fills_no_memory_that_others_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
