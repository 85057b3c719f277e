#include "emulator/exchange/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"

#define STATUS_MAX 600

struct stats {
	struct lock lock;
	/* Under lock. */
	uint64_t requests;
	uint64_t storage;
	uint64_t by_kind[ROUTE_CONTROL + 1];
	uint64_t by_status[STATUS_MAX];
	uint64_t connections;
	uint64_t early;
	uint64_t inflight;
	uint64_t inflight_max;
	int log_fd; /* -1: no log */
};

int stats_new(struct stats **ret_stats)
{
	struct stats *stats = calloc(1, sizeof(*stats));
	if (!stats)
		return -ENOMEM;
	lock_init(&stats->lock);
	stats->log_fd = -1;
	*ret_stats = stats;
	return 0;
}

void stats_free(struct stats *stats)
{
	if (!stats)
		return;
	if (stats->log_fd >= 0)
		close(stats->log_fd);
	lock_done(&stats->lock);
	free(stats);
}

void stats_reset(struct stats *stats)
{
	lock_acquire(&stats->lock);
	stats->requests = stats->storage = stats->connections = 0;
	stats->early = 0;
	memset(stats->by_kind, 0, sizeof(stats->by_kind));
	memset(stats->by_status, 0, sizeof(stats->by_status));
	stats->inflight_max = stats->inflight;
	lock_release(&stats->lock);
}

int stats_open_log(struct stats *stats, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	lock_acquire(&stats->lock);
	int old = stats->log_fd;
	stats->log_fd = fd;
	lock_release(&stats->lock);
	if (old >= 0)
		close(old);
	return 0;
}

void stats_add_connection(struct stats *stats)
{
	lock_acquire(&stats->lock);
	stats->connections++;
	lock_release(&stats->lock);
}

void stats_begin(struct stats *stats, const struct request *request)
{
	lock_acquire(&stats->lock);
	stats->requests++;
	stats->storage += request_is_storage(request);
	stats->by_kind[request->kind]++;
	if (++stats->inflight > stats->inflight_max)
		stats->inflight_max = stats->inflight;
	lock_release(&stats->lock);
}

/* METHOD path status flags; nothing in it can break the line. */
static int format_line(
    const struct request *request, int status, struct buf *line)
{
	const struct request_headers *headers = &request->headers;
	/* A page's address holds the key to all pages. */
	const char *uri =
	    request->kind == ROUTE_PAGE ? "/page/*" : request->uri;
	int r = buf_printf(line, "%s %s %d ", request->method, uri, status);
	if (r == 0 && headers->authorization)
		r = buf_adds(line, "auth,");
	if (r == 0 && headers->api_key)
		r = buf_adds(line, "key,");
	if (r == 0 && headers->range)
		r = buf_printf(line, "range=%s,", headers->range);
	if (r == 0 && line->data[line->len - 1] == ',')
		line->len--;
	else if (r == 0)
		r = buf_addc(line, '-');
	for (size_t i = 0; r == 0 && i < line->len; i++)
		if (line->data[i] < ' ' || line->data[i] > '~')
			line->data[i] = '?';
	return r == 0 ? buf_addc(line, '\n') : r;
}

void stats_answer(
    struct stats *stats, const struct request *request, int status, bool early)
{
	CLEANUP_BUF struct buf line;
	buf_init(&line, BUF_MAX_DEFAULT);
	int r = format_line(request, status, &line);
	lock_acquire(&stats->lock);
	if (status >= 0 && status < STATUS_MAX)
		stats->by_status[status]++;
	stats->early += early;
	int fd = stats->log_fd;
	/* Under the lock, so that the file is not closed meanwhile. */
	if (r == 0 && fd >= 0 && write(fd, line.data, line.len) < 0)
		stats->log_fd = -1;
	lock_release(&stats->lock);
}

void stats_end(struct stats *stats)
{
	lock_acquire(&stats->lock);
	stats->inflight--;
	lock_release(&stats->lock);
}

static int print_locked(const struct stats *stats, struct buf *out)
    REQUIRES(stats->lock)
{
	const uint64_t *kind = stats->by_kind;
	int r = buf_printf(out,
	    "{\"requests\":%" PRIu64 ",\"api\":%" PRIu64 ",\"storage\":%" PRIu64
	    ",\"pages\":%" PRIu64 ",\"spec\":%" PRIu64 ",\"records\":%" PRIu64
	    ",\"urls\":%" PRIu64 ",\"signin\":%" PRIu64 ",\"refresh\":%" PRIu64
	    ",\"inflight_max\":%" PRIu64 ",\"connections\":%" PRIu64
	    ",\"early\":%" PRIu64 ",\"by_status\":{",
	    stats->requests, stats->requests - stats->storage, stats->storage,
	    kind[ROUTE_LIST] + kind[ROUTE_FILES], kind[ROUTE_SPEC],
	    kind[ROUTE_RECORD] + kind[ROUTE_FILE], kind[ROUTE_DOWNLOAD_URL],
	    kind[ROUTE_SIGNIN], kind[ROUTE_REFRESH], stats->inflight_max,
	    stats->connections, stats->early);
	const char *comma = "";
	for (int i = 0; r == 0 && i < STATUS_MAX; i++) {
		if (stats->by_status[i] == 0)
			continue;
		r = buf_printf(
		    out, "%s\"%d\":%" PRIu64, comma, i, stats->by_status[i]);
		comma = ",";
	}
	return r == 0 ? buf_adds(out, "}}") : r;
}

int stats_print(struct stats *stats, struct buf *out)
{
	lock_acquire(&stats->lock);
	int r = print_locked(stats, out);
	lock_release(&stats->lock);
	return r;
}
