/*
 * --fetch: a sync without a mount. The replica's rooms are made as for one, and
 * everything that a reader could ask for is asked for.
 */
#include "command/fetch_all.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/confine.h"
#include "command/fetch_parts.h"
#include "command/fingerprint.h"
#include "command/local_server.h"
#include "command/mount.h"
#include "command/own_mcp.h"
#include "command/own_replica.h"
#include "command/token_file.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/config.h"
#include "config/secrets.h"

/* Between two looks at how far it has got. */
#define SHOW_MS 200

/* A directory that has just changed is looked at again so often. */
#define SETTLE_MS 500
#define SETTLE_TRIES 10

/* ---- the walk, and the look at it ---- */

static void *walk(void *ctx)
{
	struct fetch *fetch = ctx;
	pthread_setname_np(pthread_self(), "walk");
	fetch_tables(fetch);
	/* By now the database has its size, too. */
	if (!fetch_is_over(fetch) && fetch_has_room(fetch))
		fetch_objects(fetch);
	lock_acquire(&fetch->lock);
	fetch->walked = true;
	pthread_cond_broadcast(&fetch->news);
	lock_release(&fetch->lock);
	return NULL;
}

static void on_signal(void *ctx, int number)
{
	struct fetch *fetch = ctx;
	lock_acquire(&fetch->lock);
	fetch->signal = number;
	pthread_cond_broadcast(&fetch->news);
	lock_release(&fetch->lock);
}

/* Until it is through, or a signal comes. */
static void watch(struct fetch *fetch)
{
	signals_watch(contact_signals(fetch->contact), on_signal, fetch);
	lock_acquire(&fetch->lock);
	while (!fetch->walked && !fetch->signal) {
		lock_wait_ms(&fetch->lock, &fetch->news, SHOW_MS);
		lock_release(&fetch->lock);
		progress_show(fetch->progress);
		lock_acquire(&fetch->lock);
	}
	lock_release(&fetch->lock);
	progress_clear(fetch->progress);
	signals_watch(contact_signals(fetch->contact), NULL, NULL);
}

/* Nobody is asked any more; who waits is told so, and what is to be kept is
 * written. */
static void end_asking(struct fetch *fetch)
{
	contact_stop(fetch->contact);
	mcp_stop(fetch->mcp);
	sync_end(fetch->sync);
	lock_acquire(&fetch->lock);
	fetch->over = true;
	pthread_cond_broadcast(&fetch->news);
	lock_release(&fetch->lock);
}

/* ---- what came of it ---- */

static int tell_missing(const struct fetch *fetch)
{
	char line[1024];
	fprintf(stderr, "bkendfs: the replica is not whole; missing:\n");
	for (size_t i = 0; i < fetch->missing_count; i++) {
		const char *text =
		    fetch->missing[i] ? fetch->missing[i] : "(no memory)";
		log_make_safe(text, line, sizeof(line));
		fprintf(stderr, "  %s\n", line);
	}
	return EXIT_COULD_NOT;
}

static int tell_too_small(const struct fetch *fetch)
{
	int64_t bytes = fetch->bytes;
	struct stat st;
	if (stat(replica_path(fetch->replica), &st) == 0)
		bytes += (int64_t)st.st_blocks * 512;
	/* With what the segments and their directories take up. */
	int64_t megabytes =
	    (bytes + bytes / 50 + (int64_t)fetch->object_count * 16384) /
		(1 << 20) +
	    8;
	return failed("cache_size is too small: the %zu stored files have"
		      " %" PRId64 " bytes, and the cache takes %" PRId64
		      "; set -o cache_size=%" PRId64 "M, or more",
	    fetch->object_count, fetch->bytes, fetch->options->cache_size,
	    megabytes);
}

static void tell_gone(const struct fetch *fetch)
{
	char line[1024];
	if (!fetch->gone.len)
		return;
	log_make_safe(buf_str(&fetch->gone), line, sizeof(line));
	printf("Not on the server: %s\n", line);
}

static int on_text(void *ctx, int64_t id, const char *text, size_t len)
{
	(void)ctx;
	(void)id;
	(void)text;
	(void)len;
	return 0;
}

/* What the disk has made of records that came earlier. */
static void prove_records(struct fetch *fetch)
{
	if (replica_texts(fetch->replica, 0, INT64_MAX, on_text, NULL) < 0)
		fetch_misses(fetch, "(records)",
		    "not all that is kept of them can be read: move the"
		    " replica's database away, and fetch again");
}

static int tell(struct fetch *fetch)
{
	if (fetch->signal)
		return failed("ended by a signal (%s): what came is kept, and"
			      " bkendfs --fetch goes on from there",
		    strsignal(fetch->signal));
	if (fetch->too_small)
		return tell_too_small(fetch);
	fetch_prove_objects(fetch);
	prove_records(fetch);
	tell_gone(fetch);
	if (fetch->missing_count)
		return tell_missing(fetch);
	printf("The replica is whole: %zu tables with %" PRId64
	       " records, and %zu stored files with %" PRId64 " bytes.\n",
	    fetch->tables, fetch->records, fetch->object_count, fetch->bytes);
	return fflush(stdout) == 0 ? 0 : failed("cannot write the report");
}

/* ---- together ---- */

static int open_content(struct fetch *fetch)
{
	const struct options *options = fetch->options;
	int r =
	    content_open(fetch->replica, options->cache_size, &fetch->content);
	return r < 0 ? failed("file contents cannot be kept in %s: %s",
			   options->cache_dir, strerror(-r))
		     : 0;
}

static int open_replica(struct fetch *fetch)
{
	int r = own_replica_open(fetch->options, false, &fetch->replica);
	return r < 0 ? own_replica_complain(fetch->options, r)
		     : open_content(fetch);
}

static int open_sync(struct fetch *fetch)
{
	const struct options *options = fetch->options;
	/* The server of a directory names all tables that there are. */
	if (!options->directory &&
	    own_mcp_new(options, contact_http(fetch->contact),
		contact_failures(fetch->contact), &fetch->mcp) < 0)
		return failed_for_memory();
	const struct sync_config config = {
	    .http = contact_http(fetch->contact),
	    .api = contact_api(fetch->contact),
	    .mcp = fetch->mcp,
	    .replica = fetch->replica,
	    .content = fetch->content,
	    .failures = contact_failures(fetch->contact),
	    .tables = (const char *const *)options->tables,
	    .ttl_ms = options->ttl_ms,
	    .connections = options->connections,
	    .verify_sizes = options->verify_sizes,
	    .untold_max = options->cache_size,
	};
	int r = sync_new(&config, &fetch->sync);
	return r < 0 ? own_replica_complain(options, r) : 0;
}

static int open_parts(struct fetch *fetch)
{
	int status = contact_open(fetch->options, &fetch->contact);
	if (!status)
		status = contact_begin(fetch->contact);
	if (!status)
		status = contact_end(fetch->contact);
	if (!status)
		status = open_replica(fetch);
	if (!status)
		status = open_sync(fetch);
	if (!status && !(fetch->progress = progress_new()))
		status = failed_for_memory();
	return status;
}

static void close_parts(struct fetch *fetch)
{
	contact_stop(fetch->contact);
	mcp_stop(fetch->mcp);
	sync_end(fetch->sync);
	content_close(fetch->content);
	sync_free(fetch->sync);
	mcp_free(fetch->mcp);
	contact_free(fetch->contact);
	replica_close(fetch->replica);
	progress_free(fetch->progress);
	for (size_t i = 0; i < fetch->missing_count; i++)
		free(fetch->missing[i]);
	free(fetch->missing);
	free(fetch->objects);
}

/* Only what is on the disk counts: so it is looked at once all is written. */
static int go_through(struct fetch *fetch)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, walk, fetch) != 0)
		return failed_for_memory();
	watch(fetch);
	end_asking(fetch);
	pthread_join(thread, NULL);
	content_close(fetch->content);
	fetch->content = NULL;
	sync_free(fetch->sync);
	fetch->sync = NULL;
	int status = open_content(fetch);
	return status ? status : tell(fetch);
}

static int run(const struct options *options)
{
	struct fetch fetch = {.options = options};
	signals_block();
	buf_init(&fetch.gone, BUF_MAX_DEFAULT);
	lock_init(&fetch.lock);
	pthread_cond_init(&fetch.news, NULL);
	int status = confine_command(options);
	if (!status)
		status = open_parts(&fetch);
	if (!status)
		status = go_through(&fetch);
	close_parts(&fetch);
	buf_done(&fetch.gone);
	pthread_cond_destroy(&fetch.news);
	lock_done(&fetch.lock);
	return status;
}

static int check_settings(const struct options *options)
{
	if (options->offline)
		return complain("--fetch asks the server: not with offline");
	if (options->nocache)
		return complain("--fetch is for what is kept: not with"
				" nocache");
	return 0;
}

/* What was written a moment ago may change without a trace: a copy that has
 * just ended becomes old enough soon. */
static void let_settle(const struct options *options)
{
	const struct timespec pause = {.tv_nsec = SETTLE_MS * 1000000L};
	for (int i = 0; i < SETTLE_TRIES; i++) {
		CLEANUP_FREE char *edition = NULL;
		if (fingerprint_of(options->directory, &edition) < 0 || edition)
			return;
		nanosleep(&pause, NULL);
	}
}

/* A directory has a server of our own. */
static int run_local(struct options *options)
{
	struct local_server *server = NULL;
	let_settle(options);
	int status = local_server_start(options, &server);
	if (!status && !local_server_edition(server))
		status = failed("%s keeps changing: what is brought of it"
				" might be neither of before nor of after; try"
				" again when nobody writes to it",
		    options->directory);
	if (!status)
		status = run(options);
	local_server_end(server);
	return status;
}

int fetch_all(const struct arguments *arguments)
{
	struct options options;
	int status = config_read(arguments, &options);
	if (!status)
		status = check_settings(&options);
	if (!status && !options.directory)
		status = account_complete(&options);
	if (!status && !options.directory)
		status = token_file_prepare(&options);
	secrets_forget();
	/* What fails is in the report. */
	options.foreground = true;
	if (!options.log_path)
		options.log_level = LOG_LEVEL_ERROR;
	if (!status)
		status = mount_open_log(&options);
	if (!status)
		status =
		    options.directory ? run_local(&options) : run(&options);
	options_done(&options);
	return status;
}
