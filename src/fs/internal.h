/* Inside fs/. */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/lock.h"
#include "fs/beliefs.h"
#include "fs/fs.h"

/* Nodes never change, so what is said of them holds for good. In seconds. */
#define FOREVER_S (365.0 * 24 * 3600)

/* Inode numbers of .bkendfs' files: each lookup makes a new one. */
#define CONTROL_FIRST (INT64_C(1) << 60)

struct control;
struct notifier;
struct pusher;
struct text_shelf;

struct dir;
struct request;

/* A directory whose listing the kernel may hold. */
struct cached_dir {
	int64_t dir;
	uint64_t version; /* of sync_dir_version */
};

/* Of so many it is remembered. */
#define CACHED_DIRS 64

struct fs {
	struct fs_config config;
	struct sync *sync;
	struct fuse_session *session;
	struct control *control;
	struct notifier *notifier;
	struct pusher *pusher;
	struct text_shelf *shelf;
	pthread_t main_thread; /* in fs_run */
	bool mounted;
	int64_t started_ms; /* wall clock; also the fixed directories' mtime */
	uid_t uid;
	gid_t gid;
	pthread_rwlock_t channel_lock; /* read: writing to the kernel */
	_Atomic bool closing;
	bool answering_init; /* the next reply is INIT's: see channel.c */
	struct lock lock;
	/* Under lock: open directories, and lookups that wait for sync. */
	LIST_HEAD(, dir) dirs;
	LIST_HEAD(, request) lookups;
	struct cached_dir cached_dirs[CACHED_DIRS];
	size_t next_cached;
	bool no_open; /* the kernel takes ENOSYS for an answer to open */
};

/* A request that waits for sync. One exit: request_finish frees it. */
struct request {
	struct sync_op op; /* first: op and request are the same address */
	struct fs *fs;
	fuse_req_t req;
	char *name;
	int64_t since;	 /* lookup: for sync_valid_ms */
	size_t size;	 /* of the reply: read, readdir */
	bool plus;	 /* readdirplus */
	struct dir *dir; /* readdir, opendir */
	uint64_t ticket; /* lookup: see notifier_ticket */
	struct fuse_file_info fi;
	LIST_ENTRY(request) lookup_link;
};

struct request *request_new(
    struct fs *fs, fuse_req_t req, void (*done)(struct sync_op *op, int err));
void request_free(struct request *request);

static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Reply with an error; err is -errno. */
void reply_error(fuse_req_t req, int err);

/* What stat says of a node. */
void attr_of_node(
    const struct fs *fs, const struct node *node, struct stat *out);

/* The same of a directory that always exists. False: there is none such. */
bool attr_of_fixed(const struct fs *fs, int64_t id, struct stat *out);

/* What tells a node from one that had its number in a replica before this one:
 * file handles (NFS) outlive mounts, and may outlive a replica. */
uint64_t generation_of(const struct fs *fs, fuse_ino_t ino);

/* ---- channel.c ---- */

/* Put ourselves between libfuse and a session that is mounted. 0 or -errno. */
int channel_open(struct fs *fs);

/* Take all names back that the kernel believes: who looks for one next asks us.
 * Any thread; takes no lock that another may hold who waits for us. 0; -ENODEV
 * once the channel is closed; or -EINVAL: the kernel is older than 6.16. */
int channel_take_back_names(struct fs *fs);

/* Answer what the kernel still asks, with -EIO, once nobody serves it. Waits
 * for at most wait_ms for something to be asked. */
void channel_refuse(struct fs *fs, int wait_ms);

/* From here on nothing is written any more: -ENODEV to who tries. */
void channel_close(struct fs *fs);

/* ---- node.c ---- */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);

/* Whether a lookup of the name is waiting. The kernel makes who finds the name
 * in a readdirplus reply wait for it as well. */
bool lookup_is_waiting(struct fs *fs, int64_t dir, const char *name);

/* ---- dir.c ---- */

/* What was left open when the mount ended. */
void dir_free_all(struct fs *fs);

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ---- notify.c: which names the kernel may believe, and how that ends ---- */

struct notifier *notifier_new(struct fs *fs); /* NULL: out of memory */
void notifier_free(struct notifier *notifier);

/* The mount stands, and serves nobody yet. 0 or -ENOMEM. */
int notifier_open(struct notifier *notifier);

/* Reply to all who wait here. Once the loop has ended. */
void notifier_end(struct notifier *notifier);

/* To be had before the replica is asked for a name of dir. Any thread. */
uint64_t notifier_ticket(struct notifier *notifier, int64_t dir);

/* For how long the kernel may believe what a reply says of a name that is good
 * for valid_ms, in seconds. Any thread. */
double notifier_tell(
    struct notifier *notifier, int64_t dir, uint64_t ticket, int64_t valid_ms);

/* The same for a reply of many names; told is the open directory's. It has been
 * taken in when the next request for that comes. Any thread. */
double notifier_tell_many(struct notifier *notifier, struct told *told,
    int64_t dir, uint64_t ticket, int64_t valid_ms);
void notifier_taken_in(struct notifier *notifier, struct told *told);
void notifier_untell(struct notifier *notifier, struct told *told);

/* A name of dir leads to another node now; all names may, for all the kernel
 * knows. Any thread; do not block. */
void notifier_name_changed(struct notifier *notifier, int64_t dir);
void notifier_names_expired(struct notifier *notifier);

/* Reply with an error, once no name is believed that changed before: whoever
 * gets it and tries again finds what the name leads to now. Loop thread. */
void notifier_reply_error(struct notifier *notifier, fuse_req_t req, int err);

/* ---- xattr.c ---- */
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);

/* ---- control.c: the files of .bkendfs ---- */

struct control *control_new(struct fs *fs);
void control_free(struct control *control);

extern const char *const control_names[]; /* NULL ends */

/* Make a file's content of this moment; its inode number, which the kernel is
 * to be told once. -ENOENT, -ENOMEM; -ENFILE: too many are held open. */
int64_t control_lookup(struct control *control, const char *name);

/* The kernel has forgotten the number, or was not told it after all. */
void control_forget(struct control *control, int64_t id);

/* 0 or -ESTALE: the kernel has forgotten it. */
int control_attr(struct control *control, int64_t id, struct stat *out);
int control_read(struct control *control, int64_t id, size_t offset, size_t len,
    struct buf *out);

#endif
