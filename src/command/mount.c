#include "command/mount.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/activity.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "command/background.h"
#include "command/confine.h"
#include "command/contact.h"
#include "command/local_server.h"
#include "command/mountpoint.h"
#include "command/own_mcp.h"
#include "command/own_replica.h"
#include "command/service.h"
#include "command/token_file.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/config.h"
#include "config/secrets.h"
#include "fs/fs.h"
#include "fs/mounter.h"
#include "content/content.h"
#include "replica/replica.h"
#include "status/status.h"
#include "sync/sync.h"

/* How long an object may be of which nobody tells that, with cache_size=0. */
#define UNTOLD_MAX ((int64_t)1 << 30)

/* At the end, what was to be kept is written for so long, and so is SQLite's
 * log, each in milliseconds: whoever unmounts does not wait for a slow disk. */
#define KEEP_MS 1000
#define LOG_MS 500

/* Everything that lives while the mount does. */
struct house {
	struct options *options;
	struct contact *contact;
	struct activities *activities;
	struct replica *replica;
	struct content *content; /* NULL: file contents are not kept */
	int replica_err;	 /* why there is none */
	bool replica_is_private;
	struct mcp *mcp; /* NULL: offline */
	struct sync_config sync_config;
	struct sync *sync;
	struct status *status;
	struct mounter *mounter;
	char sandbox[SANDBOX_WORDS];
	struct fs_config fs_config;
	struct fs *fs;
};

static int make_replica(struct house *house)
{
	struct options *options = house->options;
	int r = own_replica_open(options, options->nocache, &house->replica);
	if (r == -EWOULDBLOCK && !options->offline) {
		r = own_replica_open(options, true, &house->replica);
		house->replica_is_private = r == 0;
	}
	return r;
}

/* Sign in, and open the replica while the server thinks. */
static int connect_api(struct house *house)
{
	int status = contact_begin(house->contact);
	if (status)
		return status;
	house->replica_err = make_replica(house);
	return contact_end(house->contact);
}

/* ---- the rooms, from the ground up ---- */

/* Say what is wrong with it. */
static int open_replica(struct house *house)
{
	struct options *options = house->options;
	if (options->offline)
		house->replica_err = make_replica(house);
	replica_copy_forget();
	return house->replica_err
		   ? own_replica_complain(options, house->replica_err)
		   : 0;
}

/* File contents: without a place for them all else still works. */
static void open_content(struct house *house)
{
	struct options *options = house->options;
	if (options->nocache || house->replica_is_private ||
	    options->cache_size == 0)
		return;
	int r =
	    content_open(house->replica, options->cache_size, &house->content);
	if (r < 0)
		log_warn("file contents cannot be kept in %s: %s",
		    options->cache_dir, strerror(-r));
}

static int open_status(struct house *house)
{
	house->activities = activities_new();
	if (!house->activities)
		return failed_for_memory();
	house->status = status_new(&(struct status_source){
	    .replica = house->replica,
	    .content = house->content,
	    .api = contact_api(house->contact),
	    .failures = contact_failures(house->contact),
	    .activities = house->activities,
	    .tables = (const char *const *)house->options->tables,
	    .url = house->options->directory ? NULL : house->options->url,
	    .directory = house->options->directory,
	    .sandbox = house->sandbox,
	    .raw = house->options->raw,
	});
	return house->status ? 0 : failed_for_memory();
}

/* Nothing is asked before somebody looks; the login may come while we live. */
static int open_mcp(struct house *house)
{
	if (house->options->offline || house->options->directory)
		return 0;
	return own_mcp_new(house->options, contact_http(house->contact),
		   contact_failures(house->contact), &house->mcp) < 0
		   ? failed_for_memory()
		   : 0;
}

static int open_fs(struct house *house)
{
	struct options *options = house->options;
	house->fs_config = (struct fs_config){
	    .mounter = house->mounter,
	    .http = contact_http(house->contact),
	    .replica = house->replica,
	    .files = status_files(house->status),
	    .source = options_source(options),
	    .mountpoint = options->mountpoint,
	    .options = options->mount_options,
	    .raw = options->raw,
	    .xattr = options->xattr,
	    .debug = options->debug,
	    .single_threaded = options->single_threaded,
	    .max_threads = options->max_threads,
	    .max_idle_threads = options->max_idle_threads,
	};
	if (access("/dev/fuse", F_OK) < 0)
		return failed("there is no /dev/fuse: load the kernel's module"
			      " with modprobe fuse");
	if (fs_new(&house->fs_config, &house->fs) < 0)
		return failed("cannot mount on %s: %s", options->mountpoint,
		    fs_last_message());
	return 0;
}

static int open_sync(struct house *house)
{
	struct options *options = house->options;
	house->sync_config = (struct sync_config){
	    .http = contact_http(house->contact),
	    .api = contact_api(house->contact),
	    .mcp = house->mcp,
	    .replica = house->replica,
	    .content = house->content,
	    .failures = contact_failures(house->contact),
	    .activities = house->activities,
	    .tables = (const char *const *)options->tables,
	    .ttl_ms = options->ttl_ms,
	    .connections = options->connections,
	    .verify_sizes = options->verify_sizes,
	    .untold_max =
		options->cache_size ? options->cache_size : UNTOLD_MAX,
	    .name_changed = fs_name_changed,
	    .names_expired = fs_names_expired,
	    .ctx = house->fs,
	};
	int r = sync_new(&house->sync_config, &house->sync);
	if (r < 0)
		return own_replica_complain(options, r);
	fs_set_sync(house->fs, house->sync);
	return 0;
}

/* What its server had to say when it read the directory. */
static void tell_remarks(struct house *house)
{
	const struct local_server *server = house->options->server;
	const char *remark;
	for (size_t i = 0; (remark = local_server_remark(server, i)); i++)
		failures_add(contact_failures(house->contact), "(start)", "", 0,
		    0, "", remark);
}

static void warn_of(struct house *house, const char *warning)
{
	fprintf(stderr, "bkendfs: %s\n", warning);
	failures_add(
	    contact_failures(house->contact), "(start)", "", 0, 0, "", warning);
}

/* What an earlier mount heard of its server, which may not be there any more:
 * offline nobody else says so. */
static void tell_incomplete(struct house *house)
{
	CLEANUP_BUF struct buf lines;
	char *rest, *line;
	buf_init(&lines, BUF_MAX_DEFAULT);
	if (status_incomplete(house->status, &lines) < 0 || !lines.len)
		return;
	for (line = strtok_r(lines.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		warn_of(house, line);
}

/* What --fetch has brought stays also where less is allowed by now: nothing of
 * it goes in silence, but nor is anything else kept. */
static void tell_pinned(struct house *house)
{
	int64_t limit = house->options->cache_size, bytes = 0;
	char line[400];
	struct stat st;
	if (!house->content || replica_is_archived(house->replica) ||
	    replica_pinned(house->replica, &bytes) < 0 || bytes == 0)
		return;
	if (stat(replica_path(house->replica), &st) == 0)
		bytes += (int64_t)st.st_blocks * 512;
	if (bytes <= limit)
		return;
	snprintf(line, sizeof(line),
	    "what bkendfs --fetch has brought takes %" PRId64 " MB, more than"
	    " cache_size allows: it stays, but no other file contents are kept;"
	    " set -o cache_size=%" PRId64 "M, or more",
	    bytes >> 20, (bytes + bytes / 8 + (8 << 20)) >> 20);
	warn_of(house, line);
}

/* A mount without tables looks fine, and is copied as such. Who has logged in
 * is told of them once he looks. */
static void warn(struct house *house)
{
	tell_remarks(house);
	tell_incomplete(house);
	tell_pinned(house);
	if (house->replica_is_private)
		warn_of(house,
		    "this project is mounted elsewhere too: this mount has a"
		    " replica of its own, which is gone when it ends");
	const char *warning = status_warning(house->status);
	if (warning && !(house->mcp && mcp_has_login(house->mcp)))
		warn_of(house, warning);
}

/* ---- what happens meanwhile ---- */

/* Its errors alone, of a connection that nobody knows of, would say nothing. */
static void on_server_ended(void *ctx, const char *how)
{
	struct house *house = ctx;
	char line[512];
	snprintf(line, sizeof(line),
	    "the bkend-emulator that serves this mount has ended (%s): what"
	    " was not read yet cannot be; unmount, and mount again",
	    how);
	log_error("%s", line);
	failures_add(contact_failures(house->contact), "(server)", "", 0, -EIO,
	    "", line);
}

/* Without the watch, all else works. */
static void watch_server(struct house *house)
{
	struct local_server *server = house->options->server;
	int r = server ? local_server_watch(server, on_server_ended, house) : 0;
	if (r < 0)
		log_warn("the end of bkend-emulator would not be noticed: %s",
		    strerror(-r));
}

/* While the mount lives. */
static void on_signal(void *ctx, int number)
{
	struct house *house = ctx;
	if (number != SIGHUP) {
		fs_stop(house->fs);
		return;
	}
	int r = log_reopen();
	if (r < 0)
		log_warn("log=%s cannot be opened anew: %s",
		    house->options->log_path, strerror(-r));
	sync_expire(house->sync);
}

/* ---- together ---- */

static void close_house(struct house *house)
{
	content_hurry(house->content, KEEP_MS);
	replica_hurry(house->replica, LOG_MS);
	contact_stop(house->contact);
	mcp_stop(house->mcp);
	/* Who waits is answered while there is a way to him. */
	sync_end(house->sync);
	if (house->fs)
		fs_unmount(house->fs);
	/* What is still to be kept is written; sync accounts for it. */
	content_close(house->content);
	sync_free(house->sync);
	fs_free(house->fs);
	status_free(house->status);
	mcp_free(house->mcp);
	contact_free(house->contact);
	activities_free(house->activities);
	replica_close(house->replica);
	replica_copy_forget();
	mounter_free(house->mounter);
}

/* In the process that mounts. */
static void forget(void *ctx)
{
	options_done(ctx);
}

/* What comes after this cannot mount any more. */
static int start_mounter(struct house *house)
{
	struct options *options = house->options;
	int r = mounter_start(
	    &(struct mounter_config){
		.source = options_source(options),
		.mountpoint = options->mountpoint,
		.options = options->mount_options,
		.debug = options->debug,
		.forget = forget,
		.ctx = options,
	    },
	    &house->mounter);
	return r < 0 ? failed("cannot start: %s", strerror(-r)) : 0;
}

static int open_house(struct house *house)
{
	struct options *options = house->options;
	int status = confine_mount(options, house->sandbox);
	if (!status)
		status = contact_open(options, &house->contact);
	if (!status && !options->offline)
		status = connect_api(house);
	if (!status)
		status = open_replica(house);
	if (!status)
		open_content(house);
	if (!status)
		status = open_status(house);
	if (!status)
		status = open_mcp(house);
	if (!status)
		status = contact_was_ended(house->contact);
	/* Whoever sees the mount may take it for alive: what is sent to it from
	 * here on is for it, and kept until it is. */
	if (!status)
		status = open_fs(house);
	if (!status)
		status = open_sync(house);
	return status;
}

int mount_serve(struct options *options, void (*on_live)(void *ctx), void *ctx)
{
	struct house house = {.options = options};
	int status = start_mounter(&house);
	service_reach();
	signals_block();
	if (!status)
		status = open_house(&house);
	if (!status) {
		log_info("mounted %s on %s", options_source(options),
		    options->mountpoint);
		warn(&house);
		watch_server(&house);
		on_live(ctx);
		service_is_ready(options->mountpoint);
		signals_watch(
		    contact_signals(house.contact), on_signal, &house);
		fs_run(house.fs);
		service_is_ending();
		log_info("unmounted %s", options->mountpoint);
		local_server_unwatch(options->server);
	}
	close_house(&house);
	return status;
}

int mount_open_log(const struct options *options)
{
	log_set_level(options->log_level);
	int r = log_open_file(options->log_path);
	if (r < 0) {
		fprintf(stderr, "bkendfs: log=%s: %s\n", options->log_path,
		    strerror(-r));
		return EXIT_USAGE;
	}
	if (!options->log_path && !options->foreground)
		log_open_syslog("bkendfs");
	return 0;
}

int mount_run(struct options *options, background_serve_fn serve)
{
	int status = mount_open_log(options);
	if (!status)
		status = mountpoint_check(options);
	if (!status)
		status = background_run(options, serve);
	return status;
}

int mount_project(const struct arguments *arguments)
{
	struct options options;
	int status = config_read(arguments, &options);
	/* A question on the terminal is asked while there is one. */
	if (!status)
		status = account_complete(&options);
	if (!status && !options.offline)
		status = token_file_prepare(&options);
	secrets_forget();
	if (!status)
		status = mount_run(&options, mount_serve);
	options_done(&options);
	return status;
}
