/* The FUSE session: what is asked of the kernel, mounting, serving. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "fs/channel.h"
#include "fs/control.h"
#include "fs/dirs.h"
#include "fs/fs.h"
#include "fs/lookups.h"
#include "fs/mount_args.h"
#include "fs/mounter.h"
#include "fs/mounting.h"
#include "fs/ndjsons.h"
#include "fs/notify.h"
#include "fs/op_dir.h"
#include "fs/op_getattr.h"
#include "fs/op_lookup.h"
#include "fs/op_read.h"
#include "fs/op_xattr.h"
#include "fs/push.h"
#include "fs/text.h"

/* Requests that the kernel may have under way in the background: asynchronous
 * reads count among them, and are held back beyond it. */
#define MAX_BACKGROUND 128

/* Handlers never wait for the network, so a few threads are enough. */
#define THREADS_MAX 8

struct fs {
	struct fs_context context; /* the session's data */
	struct fs_config config;
	pthread_t main_thread; /* in fs_run */
	bool mounted;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	bool served; /* fs_run is over */
};

static void want(struct fuse_conn_info *conn, unsigned capability, bool on)
{
	if (on)
		conn->want |= conn->capable & capability;
	else
		conn->want &= ~capability;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs_context *fs = userdata;
	want(conn, FUSE_CAP_READDIRPLUS, true);
	want(conn, FUSE_CAP_READDIRPLUS_AUTO, false);
	want(conn, FUSE_CAP_PARALLEL_DIROPS, true);
	if (conn->capable & FUSE_CAP_PARALLEL_DIROPS)
		channel_answers_init(fs->channel);
	want(conn, FUSE_CAP_ASYNC_READ, true);
	/* Replies are copied: splice was measured to be slower. */
	want(conn,
	    FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE,
	    false);
	want(conn, FUSE_CAP_NO_OPEN_SUPPORT, true);
	/* File handles of nodes that the kernel has forgotten: see op_lookup.c.
	 */
	want(conn, FUSE_CAP_EXPORT_SUPPORT, true);
	fs->no_open = (conn->capable & FUSE_CAP_NO_OPEN_SUPPORT) != 0;
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND * 3 / 4;
}

/* Nothing is kept for an open file, so the kernel need not tell of one: it
 * takes ENOSYS for the whole mount, and saves two requests a file. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (context_of(req)->no_open) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

/* A node id is a row id: there is nothing to forget but what .bkendfs showed,
 * each under a number that the kernel was told once. */
static void forget(struct fs_context *fs, fuse_ino_t ino, uint64_t count)
{
	if ((int64_t)ino >= NDJSON_FIRST)
		ndjsons_forget(fs->ndjsons, (int64_t)ino, count);
	else if ((int64_t)ino >= CONTROL_FIRST)
		control_forget(fs->control, (int64_t)ino);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	forget(context_of(req), ino, nlookup);
	fuse_reply_none(req);
}

static void op_forget_multi(
    fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(context_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct replica_totals totals;
	(void)ino;
	replica_totals(context_of(req)->replica, &totals);
	struct statvfs statvfs = {
	    .f_bsize = 4096,
	    .f_frsize = 4096,
	    .f_blocks = (fsblkcnt_t)(totals.bytes + 4095) / 4096,
	    .f_files = (fsfilcnt_t)totals.nodes,
	    .f_namemax = 255,
	    .f_flag = ST_RDONLY,
	};
	fuse_reply_statfs(req, &statvfs);
}

static const struct fuse_lowlevel_ops operations = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .statfs = op_statfs,
};

/* ---- life ---- */

const char *fs_library_version(void)
{
	return fuse_pkgversion();
}

const char *fs_last_message(void)
{
	return mounting_message();
}

static void on_wake(int signal)
{
	(void)signal; /* only to end a blocking call */
}

/* SIGUSR1 wakes the thread that serves, so that it sees that it shall end. */
static void install_wake(void)
{
	struct sigaction action = {.sa_handler = on_wake};
	sigaction(SIGUSR1, &action, NULL);
}

/* All that the handlers will find, but for the session and sync. */
static int make_context(
    struct fs_context *context, const struct fs_config *config)
{
	context->replica = config->replica;
	context->attrs = (struct attrs){
	    .uid = getuid(),
	    .gid = getgid(),
	    .raw = config->raw,
	    .made_ms = replica_made_ms(config->replica),
	    .started_ms = timestamp_now_ms(),
	};
	context->channel = channel_new();
	context->control = control_new(config->files);
	context->notifier = notifier_new(context->channel, config->http);
	context->pusher = pusher_new(context);
	context->texts = texts_new(config->replica, config->raw);
	context->lookups = lookups_new();
	context->dirs = dirs_new();
	context->ndjsons = ndjsons_new(config->replica, context->texts);
	return context->channel && context->control && context->notifier &&
		       context->pusher && context->texts && context->lookups &&
		       context->dirs && context->ndjsons
		   ? 0
		   : -ENOMEM;
}

static void free_context(struct fs_context *context)
{
	pusher_free(context->pusher);
	ndjsons_free(context->ndjsons);
	dirs_free(context->dirs, context->notifier);
	notifier_free(context->notifier);
	lookups_free(context->lookups);
	texts_free(context->texts);
	control_free(context->control);
	channel_free(context->channel);
}

static int new_session(struct fs *fs)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_lowlevel_ops chosen = operations;
	/* Without -o xattr the kernel is told once that there are none. */
	if (fs->config.xattr) {
		chosen.getxattr = op_getxattr;
		chosen.listxattr = op_listxattr;
	}
	int r = mount_args_add(
	    &args, fs->config.source, fs->config.options, fs->config.debug);
	if (r == 0) {
		fs->context.session = fuse_session_new(
		    &args, &chosen, sizeof(chosen), &fs->context);
		r = fs->context.session ? 0 : -EINVAL;
	}
	fuse_opt_free_args(&args);
	return r;
}

/* The kernel's end is the session's once it is mounted. */
static int mount_it(struct fs *fs)
{
	char end[32];
	int fd;
	int r = mounter_mount(fs->config.mounter, &fd);
	if (r < 0)
		return r;
	fs->mounted = true;
	snprintf(end, sizeof(end), "/dev/fd/%d", fd);
	if (fuse_session_mount(fs->context.session, end) != 0) {
		close(fd);
		return -EIO;
	}
	mounting_listen_late(fs->config.debug);
	return 0;
}

int fs_new(const struct fs_config *config, struct fs **ret_fs)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	fs->config = *config;
	fs->main_thread = pthread_self();
	lock_init(&fs->lock);
	pthread_cond_init(&fs->news, NULL);
	int r = make_context(&fs->context, config);
	if (r < 0)
		goto fail;
	mounting_listen(config->debug);
	r = new_session(fs);
	if (r < 0)
		goto fail;
	install_wake();
	r = mount_it(fs);
	if (r == 0)
		r = channel_open(fs->context.channel, fs->context.session);
	if (r == 0)
		r = notifier_open(fs->context.notifier);
	if (r < 0)
		goto fail;
	*ret_fs = fs;
	return 0;
fail:
	fs_free(fs);
	return r;
}

void fs_set_sync(struct fs *fs, struct sync *sync)
{
	fs->context.sync = sync;
}

void fs_name_changed(void *ctx, int64_t dir, const char *name)
{
	struct fs *fs = ctx;
	(void)name;
	notifier_name_changed(fs->context.notifier, dir);
}

void fs_names_expired(void *ctx)
{
	struct fs *fs = ctx;
	notifier_names_expired(fs->context.notifier);
}

static void serve(struct fs *fs)
{
	if (fs->config.single_threaded) {
		fuse_session_loop(fs->context.session);
		return;
	}
	struct fuse_loop_config *loop = fuse_loop_cfg_create();
	fuse_loop_cfg_set_clone_fd(loop, 1);
	fuse_loop_cfg_set_max_threads(loop,
	    fs->config.max_threads ? fs->config.max_threads : THREADS_MAX);
	if (fs->config.max_idle_threads)
		fuse_loop_cfg_set_idle_threads(
		    loop, fs->config.max_idle_threads);
	fuse_session_loop_mt(fs->context.session, loop);
	fuse_loop_cfg_destroy(loop);
}

void fs_run(struct fs *fs)
{
	serve(fs);
	lock_acquire(&fs->lock);
	fs->served = true;
	pthread_cond_signal(&fs->news);
	lock_release(&fs->lock);
}

/* A wake that comes between a thread's look at whether it shall end and the
 * call that blocks is lost. It is given again after so long, in milliseconds.
 */
#define WAKE_MS 10

void fs_stop(struct fs *fs)
{
	fuse_session_exit(fs->context.session);
	if (pthread_equal(pthread_self(), fs->main_thread))
		return; /* it does not serve yet, and will not */
	lock_acquire(&fs->lock);
	while (!fs->served) {
		pthread_kill(fs->main_thread, SIGUSR1);
		lock_wait_ms(&fs->lock, &fs->news, WAKE_MS);
	}
	lock_release(&fs->lock);
}

/* How long the end of the pusher is waited for between two looks at what the
 * kernel asks, in milliseconds. */
#define LOOK_MS 20

/* The pusher reads what others will free now. What it stores may wait in the
 * kernel for a page that is being read: by a request that nobody serves any
 * more, and which is only ended with the mount, which waits for the pusher. */
static void end_pusher(struct fs *fs)
{
	while (fs->mounted && !pusher_end(fs->context.pusher))
		channel_refuse(fs->context.channel, LOOK_MS);
	pusher_free(TAKE(fs->context.pusher));
}

/* Whether the mount is gone already, or was cut off. */
static bool is_gone(int fd)
{
	struct pollfd pollfd = {.fd = fd};
	return poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLERR);
}

/* The kernel's end is closed first, or taking the mount away could wait for an
 * answer of ours. Its number stays taken until the session goes. */
static void take_away(struct fs *fs)
{
	int fd = fuse_session_fd(fs->context.session);
	bool gone = fd >= 0 && is_gone(fd);
	if (fd >= 0)
		dup2(STDIN_FILENO, fd);
	int r = gone ? 0 : mounter_unmount(fs->config.mounter);
	if (r < 0)
		log_warn("%s stays mounted, but nobody serves it: free it with"
			 " fusermount3 -u: %s",
		    fs->config.mountpoint, strerror(-r));
}

void fs_unmount(struct fs *fs)
{
	notifier_end(fs->context.notifier);
	ndjsons_end(fs->context.ndjsons);
	end_pusher(fs);
	channel_close(fs->context.channel);
	if (fs->mounted)
		take_away(fs);
	fs->mounted = false;
}

void fs_free(struct fs *fs)
{
	if (!fs)
		return;
	if (fs->context.session) {
		fs_unmount(fs);
		fuse_session_destroy(fs->context.session);
	}
	free_context(&fs->context);
	pthread_cond_destroy(&fs->news);
	lock_done(&fs->lock);
	free(fs);
}
