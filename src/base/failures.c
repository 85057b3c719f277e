#include "base/failures.h"

#include <string.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/timestamp.h"

#define PATH_SHOWN 300
#define REQUEST_SHOWN 300
#define CODE_SHOWN 80
#define MESSAGE_SHOWN 400

struct failure {
	int64_t time_ms;
	int status;
	int err;
	char path[PATH_SHOWN];
	char request[REQUEST_SHOWN];
	char code[CODE_SHOWN];
	char message[MESSAGE_SHOWN];
};

struct failures {
	struct lock lock;
	/* Under lock. A ring: the next goes to total % FAILURES_MAX. */
	uint64_t total;
	struct failure ring[FAILURES_MAX];
};

struct failures *failures_new(void)
{
	struct failures *failures = calloc(1, sizeof(*failures));
	if (failures)
		lock_init(&failures->lock);
	return failures;
}

void failures_free(struct failures *failures)
{
	if (!failures)
		return;
	lock_done(&failures->lock);
	free(failures);
}

static void copy_safe(char *out, size_t size, const char *text)
{
	log_make_safe(text ? text : "", out, size);
}

void failures_add(struct failures *failures, const char *path,
    const char *request, int status, int err, const char *code,
    const char *message)
{
	lock_acquire(&failures->lock);
	struct failure *f = &failures->ring[failures->total++ % FAILURES_MAX];
	f->time_ms = timestamp_now_ms();
	f->status = status;
	f->err = err;
	copy_safe(f->path, sizeof(f->path), path);
	copy_safe(f->request, sizeof(f->request), request);
	copy_safe(f->code, sizeof(f->code), code);
	copy_safe(f->message, sizeof(f->message), message);
	lock_release(&failures->lock);
}

uint64_t failures_count(struct failures *failures)
{
	lock_acquire(&failures->lock);
	uint64_t total = failures->total;
	lock_release(&failures->lock);
	return total;
}

int failures_print(struct failures *failures, struct buf *out)
{
	int r = 0;
	lock_acquire(&failures->lock);
	uint64_t first =
	    failures->total > FAILURES_MAX ? failures->total - FAILURES_MAX : 0;
	for (uint64_t i = first; i < failures->total && r == 0; i++) {
		const struct failure *f = &failures->ring[i % FAILURES_MAX];
		char time[TIMESTAMP_SIZE];
		r = buf_printf(out, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n",
		    timestamp_format(f->time_ms, time), f->path, f->request,
		    f->status, strerrorname_np(-f->err), f->code, f->message);
	}
	lock_release(&failures->lock);
	return r;
}
