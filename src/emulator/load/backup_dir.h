/* A directory's entries, looked at once. For the loading thread. */
#ifndef EMULATOR_BACKUP_DIR_H
#define EMULATOR_BACKUP_DIR_H

#include <stddef.h>
#include <sys/types.h>

struct backup_dir_entry {
	char *name;
	ino_t number;
};

struct backup_dir_names {
	struct backup_dir_entry *entries;
	size_t count;
};

struct backup_dir {
	char *path;
	int fd;
	struct backup_dir_names files;
	struct backup_dir_names folders;
};

/* Read the directory at path, in the order in which its files most likely lie
 * on the disk. Links in it, which might lead to any file that we may read and
 * others may not, and what is neither file nor directory are said on stderr,
 * and left out. backup_dir_done is owed, also on failure. 0, -ENOMEM, or what
 * opening and reading it says, which is said as well. */
int backup_dir_read(const char *path, struct backup_dir *ret_dir);

/* Let it go. */
void backup_dir_done(struct backup_dir *folder);

/* The path of one entry, which the caller frees. NULL: out of memory. */
char *backup_dir_path(const struct backup_dir *folder, const char *name);

/* Say on stderr what went wrong with a path. Returns -error. */
int backup_dir_fail(const char *path, int error);

#endif
