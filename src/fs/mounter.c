#include "fs/mounter.h"

#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/mount_args.h"
#include "fs/mounting.h"
#include "fs/words.h"

/* What `ps` calls the process. */
#define NAME "bkendfs-mount"

/* Where the new process has its end of the socket: nothing else is open. */
#define CHILD_SOCKET 3

/* Taking a mount away is waited for for so long, in milliseconds, and so is the
 * process's end: the kernel may have it wait for somebody else. */
#define UNMOUNT_MS 1000
#define END_MS 200

enum word { MOUNT = 'm', UNMOUNT = 'u' };

/* A descriptor comes with it where something was mounted. */
struct reply {
	int err;
	char words[WORDS_SIZE];
};

struct mounter {
	pid_t pid;
	int socket;
};

/* Room for one descriptor beside a message. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

/* ---- in the new process ---- */

struct child {
	struct fuse_args args;
	char *mountpoint;
	bool debug;
	struct fuse_session *session; /* NULL: not mounted */
};

/* Whoever waits for the end of our output does not wait for this process. */
static void let_go_of_output(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null >= 0)
		close(null);
}

/* It ends with its parent alone, and keeps nothing open. It stays in the
 * process group that it was started in, until it has mounted: an automounter
 * lets none but its own group near the mount point meanwhile. */
static void settle(int socket)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, NAME);
	if (chdir("/") < 0 || dup2(socket, CHILD_SOCKET) < 0)
		_exit(1);
	fcntl(CHILD_SOCKET, F_SETFD, FD_CLOEXEC);
	close_range(CHILD_SOCKET + 1, ~0u, 0);
	/* The log was among them. */
	log_set_level(LOG_LEVEL_ERROR);
}

/* The kernel's end, or -errno. */
static int mount_it(struct child *child)
{
	static const struct fuse_lowlevel_ops none;
	mounting_listen(child->debug);
	struct fuse_session *session =
	    fuse_session_new(&child->args, &none, sizeof(none), NULL);
	int r = session
		    ? mounting_mount(session, child->mountpoint, child->debug)
		    : -EINVAL;
	let_go_of_output();
	setsid(); /* from here on it is nobody's terminal's */
	if (r != 0)
		return -EIO;
	child->session = session;
	return fuse_session_fd(session);
}

/* The kernel's end is closed, as its number in this process is: libfuse takes
 * the mount away by its place then. */
static int unmount_it(struct child *child)
{
	if (!child->session)
		return -EINVAL;
	fuse_session_unmount(child->session);
	return 0;
}

static bool answer(int err, int fd)
{
	struct reply reply = {.err = err};
	union control control;
	strncpy(reply.words, mounting_message(), sizeof(reply.words) - 1);
	struct iovec iov = {&reply, sizeof(reply)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	return sendmsg(CHILD_SOCKET, &message, MSG_NOSIGNAL) >= 0;
}

/* The mount lives as long as its kernel's end is open in the one that serves.
 * Its number stays taken here, by what nobody reads. */
static void close_end(int fd)
{
	if (dup2(STDIN_FILENO, fd) < 0)
		close(fd);
}

static void obey(struct child *child)
{
	char word;
	while (recv(CHILD_SOCKET, &word, 1, 0) == 1) {
		if (word == MOUNT) {
			int r = mount_it(child);
			answer(r < 0 ? r : 0, r);
			if (r >= 0)
				close_end(r);
		} else {
			answer(unmount_it(child), -1);
		}
	}
}

static void run(
    const struct mounter_config *config, struct child *child, int socket)
{
	config->forget(config->ctx);
	settle(socket);
	obey(child);
	_exit(0);
}

/* ---- for it ---- */

static void child_done(struct child *child)
{
	fuse_opt_free_args(&child->args);
	free(child->mountpoint);
}

static int child_init(struct child *child, const struct mounter_config *config)
{
	*child = (struct child){
	    .args = FUSE_ARGS_INIT(0, NULL), .debug = config->debug};
	child->mountpoint = strdup(config->mountpoint);
	int r = child->mountpoint ? mount_args_add(&child->args, config->source,
					config->options, config->debug)
				  : -ENOMEM;
	if (r < 0)
		child_done(child);
	return r;
}

static int start(const struct mounter_config *config, struct child *child,
    struct mounter *mounter)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	mounter->pid = fork();
	if (mounter->pid == 0)
		run(config, child, ends[1]);
	int r = mounter->pid < 0 ? -errno : 0;
	close(ends[1]);
	if (r < 0)
		close(ends[0]);
	else
		mounter->socket = ends[0];
	return r;
}

int mounter_start(
    const struct mounter_config *config, struct mounter **ret_mounter)
{
	struct child child;
	struct mounter *mounter = calloc(1, sizeof(*mounter));
	int r = mounter ? child_init(&child, config) : -ENOMEM;
	if (r == 0) {
		r = start(config, &child, mounter);
		child_done(&child);
	}
	if (r < 0) {
		free(mounter);
		return r;
	}
	*ret_mounter = mounter;
	return 0;
}

/* ---- from the one that serves ---- */

/* The descriptor that came along; -1: none did. */
static int taken_fd(struct msghdr *message)
{
	int fd = -1;
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	if (head && head->cmsg_level == SOL_SOCKET &&
	    head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* Whether there is something to read, or the end, within so long; -1: for ever.
 */
static bool comes(int fd, int wait_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int n;
	do {
		n = poll(&pollfd, 1, wait_ms);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* 0 or -errno: what became of it; -EPIPE: nobody is there; -ETIMEDOUT: nothing
 * was heard for so long. */
static int tell(
    const struct mounter *mounter, char word, int wait_ms, int *ret_fd)
{
	struct reply reply;
	union control control;
	struct iovec iov = {&reply, sizeof(reply)};
	struct msghdr message = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	ssize_t n;
	if (send(mounter->socket, &word, 1, MSG_NOSIGNAL) < 0)
		return -EPIPE;
	if (!comes(mounter->socket, wait_ms))
		return -ETIMEDOUT;
	do {
		n = recvmsg(mounter->socket, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(reply))
		return -EPIPE;
	*ret_fd = taken_fd(&message);
	reply.words[sizeof(reply.words) - 1] = '\0';
	if (reply.err)
		mounting_add_message(reply.words);
	return reply.err;
}

int mounter_mount(struct mounter *mounter, int *ret_fd)
{
	int fd = -1;
	int r = tell(mounter, MOUNT, -1, &fd);
	if (r < 0)
		return r;
	if (fd < 0) { /* there was no room for it */
		mounter_unmount(mounter);
		return -EMFILE;
	}
	*ret_fd = fd;
	return 0;
}

int mounter_unmount(struct mounter *mounter)
{
	int none;
	return tell(mounter, UNMOUNT, UNMOUNT_MS, &none);
}

void mounter_free(struct mounter *mounter)
{
	if (!mounter)
		return;
	close(mounter->socket);
	CLEANUP_CLOSE int end = pidfd_open(mounter->pid, 0);
	/* One that is held up ends by itself, later, as nobody's child. */
	if (end < 0 || comes(end, END_MS))
		while (waitpid(mounter->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(mounter);
}
