/* The FUSE session: what is asked of the kernel, mounting, serving. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "fs/push.h"
#include "fs/text.h"
#include "fs/words.h"

/* Requests that the kernel may have under way in the background: asynchronous
 * reads count among them, and are held back beyond it. */
#define MAX_BACKGROUND 128

/* Handlers never wait for the network, so a few threads are enough. */
#define THREADS_MAX 8

static void want(struct fuse_conn_info *conn, unsigned capability, bool on)
{
	if (on)
		conn->want |= conn->capable & capability;
	else
		conn->want &= ~capability;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;
	want(conn, FUSE_CAP_READDIRPLUS, true);
	want(conn, FUSE_CAP_READDIRPLUS_AUTO, false);
	want(conn, FUSE_CAP_PARALLEL_DIROPS, true);
	fs->answering_init = (conn->capable & FUSE_CAP_PARALLEL_DIROPS) != 0;
	want(conn, FUSE_CAP_ASYNC_READ, true);
	/* Replies are copied: splice was measured to be slower. */
	want(conn,
	    FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE,
	    false);
	want(conn, FUSE_CAP_NO_OPEN_SUPPORT, true);
	/* File handles of nodes that the kernel has forgotten: see node.c. */
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
	if (fs_of(req)->no_open) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

/* A node id is a row id: there is nothing to forget but what .bkendfs showed,
 * each under a number that the kernel was told once. */
static void forget(struct fs *fs, fuse_ino_t ino)
{
	if ((int64_t)ino >= CONTROL_FIRST)
		control_forget(fs->control, (int64_t)ino);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	(void)nlookup;
	forget(fs_of(req), ino);
	fuse_reply_none(req);
}

static void op_forget_multi(
    fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(fs_of(req), forgets[i].ino);
	fuse_reply_none(req);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fs_of(req);
	struct replica_totals totals;
	(void)ino;
	replica_totals(fs->config.replica, &totals);
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

/* fsname: what `mount` and `df` show; a comma would end the option. */
static int add_options(struct fs *fs, struct fuse_args *args)
{
	const struct fs_config *config = &fs->config;
	char options[1024], name[256];
	size_t used = 0;
	for (const char *c = config->url; *c && used < sizeof(name) - 1; c++)
		name[used++] = *c == ',' || *c == '\\' || *c < ' ' ? '_' : *c;
	name[used] = '\0';
	snprintf(options, sizeof(options),
	    "ro,nosuid,nodev,default_permissions,subtype=bkendfs,fsname=%s",
	    name);
	if (fuse_opt_add_arg(args, "bkendfs") != 0 ||
	    fuse_opt_add_arg(args, "-o") != 0 ||
	    fuse_opt_add_arg(args, options) != 0)
		return -ENOMEM;
	if (config->options && config->options[0] &&
	    (fuse_opt_add_arg(args, "-o") != 0 ||
		fuse_opt_add_arg(args, config->options) != 0))
		return -ENOMEM;
	if (config->debug && fuse_opt_add_arg(args, "-d") != 0)
		return -ENOMEM;
	return 0;
}

/* libfuse writes to stderr otherwise; its words are part of our own line. */
static struct words last_words;

static void on_message(enum fuse_log_level level, const char *format,
    va_list args) __attribute__((format(printf, 2, 0)));

static void on_message(
    enum fuse_log_level level, const char *format, va_list args)
{
	char message[WORDS_SIZE];
	vsnprintf(message, sizeof(message), format, args);
	if (level <= FUSE_LOG_ERR)
		words_add(&last_words, message);
	log_debug("%.*s", (int)strcspn(message, "\n"), message);
}

/* The same while the mount lives: nobody asks for the last words then. */
static void on_late_message(enum fuse_log_level level, const char *format,
    va_list args) __attribute__((format(printf, 2, 0)));

static void on_late_message(
    enum fuse_log_level level, const char *format, va_list args)
{
	char message[WORDS_SIZE];
	(void)level;
	vsnprintf(message, sizeof(message), format, args);
	log_debug("%.*s", (int)strcspn(message, "\n"), message);
}

const char *fs_last_message(void)
{
	return last_words.used ? last_words.text : "FUSE refuses";
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

/* What a child wrote. */
static void take_words(int from)
{
	char words[WORDS_SIZE];
	ssize_t n = pread(from, words, sizeof(words) - 1, 0);
	if (n <= 0)
		return;
	words[n] = '\0';
	words_add(&last_words, words);
}

/* fusermount3 writes to stderr, too: its words become part of our line. And
 * with auto_unmount it lives as long as the mount: it must not keep what we got
 * from whoever waits for the end of our output. */
static int mount_quietly(struct fs *fs)
{
	CLEANUP_CLOSE int kept_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	CLEANUP_CLOSE int kept_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	CLEANUP_CLOSE int words = memfd_create("words", MFD_CLOEXEC);
	bool quiet = kept_out >= 0 && kept_err >= 0 && words >= 0 &&
		     !fs->config.debug && dup2(words, STDOUT_FILENO) >= 0 &&
		     dup2(words, STDERR_FILENO) >= 0;
	int r = fuse_session_mount(fs->session, fs->config.mountpoint);
	if (quiet) {
		dup2(kept_out, STDOUT_FILENO);
		dup2(kept_err, STDERR_FILENO);
		if (r != 0)
			take_words(words);
	}
	return r;
}

int fs_new(const struct fs_config *config, struct fs **ret_fs)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fs *fs = calloc(1, sizeof(*fs));
	int r = -ENOMEM;
	if (!fs)
		return -ENOMEM;
	fs->config = *config;
	fs->uid = getuid();
	fs->gid = getgid();
	fs->started_ms = timestamp_now_ms();
	lock_init(&fs->lock);
	pthread_rwlock_init(&fs->channel_lock, NULL);
	fs->main_thread = pthread_self();
	LIST_INIT(&fs->dirs);
	LIST_INIT(&fs->lookups);
	fs->control = control_new(fs);
	fs->notifier = notifier_new(fs);
	fs->pusher = pusher_new(fs);
	fs->shelf = text_shelf_new();
	if (!fs->control || !fs->notifier || !fs->pusher || !fs->shelf ||
	    add_options(fs, &args) < 0)
		goto fail;
	r = -EINVAL;
	if (!config->debug)
		fuse_set_log_func(on_message);
	/* Without -o xattr the kernel is told once that there are none. */
	struct fuse_lowlevel_ops chosen = operations;
	if (config->xattr) {
		chosen.getxattr = op_getxattr;
		chosen.listxattr = op_listxattr;
	}
	fs->session = fuse_session_new(&args, &chosen, sizeof(chosen), fs);
	if (!fs->session)
		goto fail;
	install_wake();
	r = -EIO;
	if (mount_quietly(fs) != 0)
		goto fail;
	fs->mounted = true;
	if (!config->debug)
		fuse_set_log_func(on_late_message);
	r = channel_open(fs);
	if (r == 0)
		r = notifier_open(fs->notifier);
	if (r < 0)
		goto fail;
	fuse_opt_free_args(&args);
	*ret_fs = fs;
	return 0;
fail:
	fuse_opt_free_args(&args);
	fs_free(fs);
	return r;
}

void fs_set_sync(struct fs *fs, struct sync *sync)
{
	fs->sync = sync;
}

void fs_name_changed(void *ctx, int64_t dir, const char *name)
{
	struct fs *fs = ctx;
	(void)name;
	notifier_name_changed(fs->notifier, dir);
}

void fs_names_expired(void *ctx)
{
	struct fs *fs = ctx;
	notifier_names_expired(fs->notifier);
}

void fs_run(struct fs *fs)
{
	if (fs->config.single_threaded) {
		fuse_session_loop(fs->session);
		return;
	}
	struct fuse_loop_config *loop = fuse_loop_cfg_create();
	fuse_loop_cfg_set_clone_fd(loop, 1);
	fuse_loop_cfg_set_max_threads(loop,
	    fs->config.max_threads ? fs->config.max_threads : THREADS_MAX);
	if (fs->config.max_idle_threads)
		fuse_loop_cfg_set_idle_threads(
		    loop, fs->config.max_idle_threads);
	fuse_session_loop_mt(fs->session, loop);
	fuse_loop_cfg_destroy(loop);
}

void fs_stop(struct fs *fs)
{
	fuse_session_exit(fs->session);
	pthread_kill(fs->main_thread, SIGUSR1);
}

/* How long the end of the pusher is waited for between two looks at what the
 * kernel asks, in milliseconds. */
#define LOOK_MS 20

/* The pusher reads what others will free now. What it stores may wait in the
 * kernel for a page that is being read: by a request that nobody serves any
 * more, and which is only ended with the mount, which waits for the pusher. */
static void end_pusher(struct fs *fs)
{
	while (fs->mounted && !pusher_end(fs->pusher))
		channel_refuse(fs, LOOK_MS);
	pusher_free(TAKE(fs->pusher));
}

void fs_unmount(struct fs *fs)
{
	notifier_end(fs->notifier);
	end_pusher(fs);
	channel_close(fs);
	if (fs->mounted)
		fuse_session_unmount(fs->session);
	fs->mounted = false;
}

void fs_free(struct fs *fs)
{
	if (!fs)
		return;
	if (fs->session) {
		fs_unmount(fs);
		fuse_session_destroy(fs->session);
	}
	pusher_free(fs->pusher);
	dir_free_all(fs);
	notifier_free(fs->notifier);
	text_shelf_free(fs->shelf);
	control_free(fs->control);
	pthread_rwlock_destroy(&fs->channel_lock);
	lock_done(&fs->lock);
	free(fs);
}
