#include "fs/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/timestamp.h"
#include "fs/channel.h"
#include "fs/pending.h"
#include "http/http.h"

/* Where names cannot be taken back, they are believed for so long. */
#define MOMENT_MS 500

/* An error that is told when the moment is over. */
struct late_reply {
	fuse_req_t req;
	int err;
	struct http_timer *timer;
	LIST_ENTRY(late_reply) link;
};

struct notifier {
	struct channel *channel;
	struct http *http;
	struct beliefs *beliefs;
	bool can_take_back; /* immutable once the mount stands */
	/* Loop thread only. */
	LIST_HEAD(, late_reply) late_replies;
};

struct notifier *notifier_new(struct channel *channel, struct http *http)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	if (!notifier)
		return NULL;
	notifier->channel = channel;
	notifier->http = http;
	LIST_INIT(&notifier->late_replies);
	return notifier;
}

int notifier_open(struct notifier *notifier)
{
	notifier->can_take_back =
	    channel_take_back_names(notifier->channel) == 0;
	notifier->beliefs =
	    beliefs_new(notifier->can_take_back ? INT64_MAX : MOMENT_MS);
	return notifier->beliefs ? 0 : -ENOMEM;
}

static void late_reply_end(struct late_reply *late)
{
	LIST_REMOVE(late, link);
	reply_error(late->req, late->err);
	free(late);
}

void notifier_end(struct notifier *notifier)
{
	struct late_reply *late;
	while ((late = LIST_FIRST(&notifier->late_replies))) {
		http_timer_stop(notifier->http, late->timer);
		late_reply_end(late);
	}
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	notifier_end(notifier);
	beliefs_free(notifier->beliefs);
	free(notifier);
}

/* ---- what is told ---- */

uint64_t notifier_ticket(struct notifier *notifier, int64_t dir)
{
	return beliefs_ticket(notifier->beliefs, dir);
}

double notifier_tell(
    struct notifier *notifier, int64_t dir, uint64_t ticket, int64_t valid_ms)
{
	return (double)beliefs_tell(notifier->beliefs, dir, ticket, valid_ms,
		   timestamp_mono_ms()) /
	       1000;
}

double notifier_tell_many(struct notifier *notifier, struct told *told,
    int64_t dir, uint64_t ticket, int64_t valid_ms)
{
	return (double)beliefs_tell_many(notifier->beliefs, told, dir, ticket,
		   valid_ms, timestamp_mono_ms()) /
	       1000;
}

void notifier_untell(struct notifier *notifier, struct told *told)
{
	beliefs_untell(notifier->beliefs, told);
}

/* ---- what is taken back ---- */

static void take_back(struct notifier *notifier)
{
	if (notifier->can_take_back)
		channel_take_back_names(notifier->channel);
}

void notifier_taken_in(struct notifier *notifier, struct told *told)
{
	if (beliefs_taken_in(notifier->beliefs, told))
		take_back(notifier);
}

void notifier_name_changed(struct notifier *notifier, int64_t dir)
{
	if (beliefs_change(notifier->beliefs, dir, timestamp_mono_ms()))
		take_back(notifier);
}

void notifier_names_expired(struct notifier *notifier)
{
	if (beliefs_change_all(notifier->beliefs, timestamp_mono_ms()))
		take_back(notifier);
}

/* ---- who hears of it ---- */

static void on_moment_over(void *ctx)
{
	late_reply_end(ctx);
}

void notifier_reply_error(struct notifier *notifier, fuse_req_t req, int err)
{
	struct http *http = notifier->http;
	struct late_reply *late = NULL;
	if (!notifier->can_take_back)
		late = calloc(1, sizeof(*late));
	if (late)
		late->timer =
		    http_timer_start(http, MOMENT_MS, on_moment_over, late);
	if (!late || !late->timer) {
		free(late);
		reply_error(req, err);
		return;
	}
	late->req = req;
	late->err = err;
	LIST_INSERT_HEAD(&notifier->late_replies, late, link);
}
