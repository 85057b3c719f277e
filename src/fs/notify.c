#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "fs/internal.h"

/* A name to expire; or an error to reply with, once those before are done. */
struct notice {
	int64_t dir;
	char *name; /* NULL: a reply */
	fuse_req_t req;
	int err;
	STAILQ_ENTRY(notice) link;
};

struct notifier {
	struct fs *fs;
	pthread_t thread;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	STAILQ_HEAD(, notice) queue;
	bool all; /* names are to expire */
	bool stopping;
};

static void tell(struct notifier *notifier, int64_t dir, const char *name)
{
	struct fs *fs = notifier->fs;
	size_t len = strlen(name);
	if (fs->can_expire)
		fuse_lowlevel_notify_expire_entry(fs->session, (fuse_ino_t)dir,
		    name, len, FUSE_LL_EXPIRE_ONLY);
	else
		fuse_lowlevel_notify_inval_entry(
		    fs->session, (fuse_ino_t)dir, name, len);
}

static bool is_stopping(struct notifier *notifier)
{
	lock_acquire(&notifier->lock);
	bool stopping = notifier->stopping;
	lock_release(&notifier->lock);
	return stopping;
}

/* Names are taken from the replica so many at a time. */
#define BATCH 64

struct batch {
	size_t count;
	char *names[BATCH];
};

static int collect_name(void *ctx, const char *name)
{
	struct batch *batch = ctx;
	char *copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	batch->names[batch->count++] = copy;
	return batch->count == BATCH;
}

/* What the kernel does not know costs it a look. */
static void tell_all_of(struct notifier *notifier, int64_t dir)
{
	char *last = strdup("");
	int r = 1;
	while (r == 1 && last && !is_stopping(notifier)) {
		struct batch batch = {0};
		r = replica_names(notifier->fs->config.replica, dir, last,
		    collect_name, &batch);
		for (size_t i = 0; i < batch.count; i++) {
			tell(notifier, dir, batch.names[i]);
			free(last);
			last = batch.names[i];
		}
	}
	free(last);
}

static int next_table(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	int64_t *table = ctx;
	(void)name, (void)pos;
	*table = node->id;
	return 1;
}

static void tell_all(struct notifier *notifier)
{
	int64_t table = 0;
	/* A directory must not be torn from under those who stand in it. */
	if (notifier->fs->can_expire)
		tell_all_of(notifier, NODE_ROOT);
	tell_all_of(notifier, NODE_FILES);
	tell_all_of(notifier, NODE_STORAGE);
	while (replica_tables(notifier->fs->config.replica, table, next_table,
		   &table) == 1)
		tell_all_of(notifier, table);
}

static void notice_free(struct notice *notice)
{
	free(notice->name);
	free(notice);
}

static void *run(void *ctx)
{
	struct notifier *notifier = ctx;
	pthread_setname_np(pthread_self(), "notifier");
	lock_acquire(&notifier->lock);
	while (!notifier->stopping) {
		struct notice *notice = STAILQ_FIRST(&notifier->queue);
		if (notifier->all) {
			notifier->all = false;
			lock_release(&notifier->lock);
			tell_all(notifier);
			lock_acquire(&notifier->lock);
			continue;
		}
		if (!notice) {
			lock_wait(&notifier->lock, &notifier->news);
			continue;
		}
		STAILQ_REMOVE_HEAD(&notifier->queue, link);
		lock_release(&notifier->lock);
		if (notice->name)
			tell(notifier, notice->dir, notice->name);
		else
			reply_error(notice->req, notice->err);
		notice_free(notice);
		lock_acquire(&notifier->lock);
	}
	lock_release(&notifier->lock);
	return NULL;
}

struct notifier *notifier_new(struct fs *fs)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	if (!notifier)
		return NULL;
	notifier->fs = fs;
	lock_init(&notifier->lock);
	pthread_cond_init(&notifier->news, NULL);
	STAILQ_INIT(&notifier->queue);
	if (pthread_create(&notifier->thread, NULL, run, notifier) == 0)
		return notifier;
	lock_done(&notifier->lock);
	free(notifier);
	return NULL;
}

void notifier_free(struct notifier *notifier)
{
	struct notice *notice;
	if (!notifier)
		return;
	lock_acquire(&notifier->lock);
	notifier->stopping = true;
	pthread_cond_signal(&notifier->news);
	lock_release(&notifier->lock);
	pthread_join(notifier->thread, NULL);
	while ((notice = STAILQ_FIRST(&notifier->queue))) {
		STAILQ_REMOVE_HEAD(&notifier->queue, link);
		if (!notice->name)
			reply_error(notice->req, notice->err);
		notice_free(notice);
	}
	pthread_cond_destroy(&notifier->news);
	lock_done(&notifier->lock);
	free(notifier);
}

static void enqueue(struct notifier *notifier, struct notice *notice)
{
	lock_acquire(&notifier->lock);
	STAILQ_INSERT_TAIL(&notifier->queue, notice, link);
	pthread_cond_signal(&notifier->news);
	lock_release(&notifier->lock);
}

void notifier_expire_name(
    struct notifier *notifier, int64_t dir, const char *name)
{
	struct notice *notice = calloc(1, sizeof(*notice));
	if (!notice || !(notice->name = strdup(name))) {
		free(notice); /* the name expires by itself, later */
		return;
	}
	notice->dir = dir;
	enqueue(notifier, notice);
}

void notifier_reply_error(struct notifier *notifier, fuse_req_t req, int err)
{
	struct notice *notice = calloc(1, sizeof(*notice));
	if (!notice) {
		reply_error(req, err);
		return;
	}
	notice->req = req;
	notice->err = err;
	enqueue(notifier, notice);
}

void notifier_expire_all(struct notifier *notifier)
{
	lock_acquire(&notifier->lock);
	notifier->all = true;
	pthread_cond_signal(&notifier->news);
	lock_release(&notifier->lock);
}
