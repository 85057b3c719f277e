/*
 * The way to the kernel and back, for one bit's sake: libfuse up to 3.14 takes
 * FUSE_CAP_PARALLEL_DIROPS as a wish, but leaves it out of its answer to INIT.
 * The kernel then holds a mutex for each directory, so that one slow lookup
 * would hold up all others there, and nothing could interrupt them. So the
 * answer is completed on its way out; everything else passes as it is.
 *
 * And when the session's descriptor is closed, replies and notices that come
 * late must not go to whatever file gets its number next.
 *
 * Made by session.c, whose session's data is a struct fs_context that has it.
 */
#ifndef FS_CHANNEL_H
#define FS_CHANNEL_H

struct channel;
struct fuse_session;

/* NULL: out of memory. */
struct channel *channel_new(void);

/* NULL is fine. */
void channel_free(struct channel *channel);

/* Put ourselves between libfuse and a session that is mounted. 0 or -errno. */
int channel_open(struct channel *channel, struct fuse_session *session);

/* The kernel can look several names of a directory up at once: the next reply
 * is that to INIT, and is to say that we can. */
void channel_answers_init(struct channel *channel);

/* Take all names back that the kernel believes: who looks for one next asks us.
 * Any thread; takes no lock that another may hold who waits for us. 0; -ENODEV
 * once the channel is closed; or -EINVAL: the kernel is older than 6.16. */
int channel_take_back_names(struct channel *channel);

/* Answer what the kernel still asks, with -EIO, once nobody serves it. Waits
 * for at most wait_ms for something to be asked. */
void channel_refuse(struct channel *channel, int wait_ms);

/* From here on nothing is written any more: -ENODEV to who tries. */
void channel_close(struct channel *channel);

#endif
