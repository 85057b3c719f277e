/*
 * What the handlers of a mount share: FUSE's own data of the session. Made by
 * session.c; immutable once the mount serves. Inside fs/ only.
 */
#ifndef FS_CONTEXT_H
#define FS_CONTEXT_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include "fs/attr.h"

struct fs_context {
	struct replica *replica;
	struct sync *sync;
	struct fuse_session *session;
	struct channel *channel;
	struct control *control;
	struct notifier *notifier;
	struct pusher *pusher;
	struct ndjsons *ndjsons;
	struct texts *texts;
	struct lookups *lookups; /* those that wait */
	struct dirs *dirs;	 /* those that are open */
	struct attrs attrs;
	bool no_open; /* the kernel takes ENOSYS for an answer to open */
};

/* Nodes never change, so what is said of them holds for good. In seconds. */
#define FOREVER_S (365.0 * 24 * 3600)

/* The mount that a request is for; borrowed. */
static inline struct fs_context *context_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

#endif
