#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "fs/internal.h"

struct notice {
	int64_t dir;
	char *name;
	STAILQ_ENTRY(notice) link;
};

struct notifier {
	struct fs *fs;
	pthread_t thread;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	STAILQ_HEAD(, notice) queue;
	bool stopping;
};

static void tell(struct notifier *notifier, const struct notice *notice)
{
	struct fs *fs = notifier->fs;
	size_t len = strlen(notice->name);
	if (fs->can_expire)
		fuse_lowlevel_notify_expire_entry(fs->session,
		    (fuse_ino_t)notice->dir, notice->name, len,
		    FUSE_LL_EXPIRE_ONLY);
	else
		fuse_lowlevel_notify_inval_entry(
		    fs->session, (fuse_ino_t)notice->dir, notice->name, len);
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
		if (!notice) {
			lock_wait(&notifier->lock, &notifier->news);
			continue;
		}
		STAILQ_REMOVE_HEAD(&notifier->queue, link);
		lock_release(&notifier->lock);
		tell(notifier, notice);
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
		notice_free(notice);
	}
	pthread_cond_destroy(&notifier->news);
	lock_done(&notifier->lock);
	free(notifier);
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
	lock_acquire(&notifier->lock);
	STAILQ_INSERT_TAIL(&notifier->queue, notice, link);
	pthread_cond_signal(&notifier->news);
	lock_release(&notifier->lock);
}
