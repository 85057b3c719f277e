#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* As in linux/landlock.h, of which the machine that builds may have an older
 * edition than the one that runs. */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_REMOVE_DIR (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_CHAR (1ull << 6)
#define FS_MAKE_DIR (1ull << 7)
#define FS_MAKE_REG (1ull << 8)
#define FS_MAKE_SOCK (1ull << 9)
#define FS_MAKE_FIFO (1ull << 10)
#define FS_MAKE_BLOCK (1ull << 11)
#define FS_MAKE_SYM (1ull << 12)
#define FS_REFER (1ull << 13)	  /* from ABI 2 on */
#define FS_TRUNCATE (1ull << 14)  /* 3 */
#define FS_IOCTL_DEV (1ull << 15) /* 5 */

#define NET_BIND_TCP (1ull << 0) /* 4 */
#define NET_CONNECT_TCP (1ull << 1)

#define SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0) /* 6 */

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

struct sandbox {
	int abi;	 /* 0: the kernel has none */
	int fd;		 /* of the ruleset; -1: there is none */
	int err;	 /* why not; 0: as it should be */
	uint64_t rights; /* of files, that this kernel knows */
};

/* Rights that make sense of a file; all others are of directories only, and
 * refused of a file. */
#define OF_FILES                                                               \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

static const uint64_t uses[] = {
    [SANDBOX_READ] = FS_READ_FILE | FS_READ_DIR,
    [SANDBOX_KEEP] = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE |
		     FS_MAKE_REG | FS_MAKE_DIR | FS_REMOVE_FILE |
		     FS_REMOVE_DIR | FS_REFER,
    [SANDBOX_SPOOL] = FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE,
    [SANDBOX_APPEND] = FS_WRITE_FILE | FS_MAKE_REG,
    [SANDBOX_TIDY] = FS_REMOVE_DIR,
    [SANDBOX_DEVICE] = FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV,
};

static uint64_t rights_of(int abi)
{
	uint64_t rights = FS_REFER - 1;
	if (abi >= 2)
		rights |= FS_REFER;
	if (abi >= 3)
		rights |= FS_TRUNCATE;
	if (abi >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

/* Each edition of the kernel takes as much of it as it knows. */
static size_t attr_size(int abi)
{
	return abi >= 6	  ? sizeof(struct ruleset_attr)
	       : abi >= 4 ? offsetof(struct ruleset_attr, scoped)
			  : offsetof(struct ruleset_attr, handled_access_net);
}

static void create(struct sandbox *sandbox, enum sandbox_net net)
{
	long abi = syscall(
	    SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	sandbox->err = abi < 0 ? errno : 0;
	if (abi <= 0)
		return;
	sandbox->abi = (int)abi;
	sandbox->rights = rights_of(sandbox->abi);
	const struct ruleset_attr attr = {
	    .handled_access_fs = sandbox->rights,
	    .handled_access_net =
		net == SANDBOX_CLIENT ? NET_BIND_TCP : NET_CONNECT_TCP,
	    .scoped = SCOPE_ABSTRACT_UNIX_SOCKET,
	};
	sandbox->fd = (int)syscall(
	    SYS_landlock_create_ruleset, &attr, attr_size(sandbox->abi), 0u);
	sandbox->err = sandbox->fd < 0 ? errno : 0;
}

int sandbox_new(enum sandbox_net net, struct sandbox **ret_sandbox)
{
	struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
	if (!sandbox)
		return -ENOMEM;
	sandbox->fd = -1;
	create(sandbox, net);
	*ret_sandbox = sandbox;
	return 0;
}

void sandbox_free(struct sandbox *sandbox)
{
	if (!sandbox)
		return;
	if (sandbox->fd >= 0)
		close(sandbox->fd);
	free(sandbox);
}

int sandbox_allow(
    struct sandbox *sandbox, const char *path, enum sandbox_use use)
{
	struct stat st;
	if (sandbox->fd < 0)
		return 0;
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	/* What cannot be reached now is no loss. */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			   ? 0
			   : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	uint64_t rights = uses[use] & sandbox->rights;
	if (!S_ISDIR(st.st_mode))
		rights &= OF_FILES;
	const struct path_beneath_attr rule = {
	    .allowed_access = rights, .parent_fd = fd};
	return syscall(SYS_landlock_add_rule, sandbox->fd, RULE_PATH_BENEATH,
		   &rule, 0u) < 0
		   ? -errno
		   : 0;
}

void sandbox_enter(struct sandbox *sandbox, char ret_words[SANDBOX_WORDS])
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    (sandbox->fd >= 0 &&
		syscall(SYS_landlock_restrict_self, sandbox->fd, 0u) < 0))
		sandbox->err = errno;
	if (sandbox->err)
		snprintf(ret_words, SANDBOX_WORDS, "none: the kernel says %s",
		    strerrorname_np(sandbox->err));
	else
		snprintf(
		    ret_words, SANDBOX_WORDS, "landlock ABI %d", sandbox->abi);
}
