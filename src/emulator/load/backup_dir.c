#include "emulator/load/backup_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"

int backup_dir_fail(const char *path, int error)
{
	log_error("%s: %s", path, strerror(error));
	return -error;
}

char *backup_dir_path(const struct backup_dir *folder, const char *name)
{
	size_t len = strlen(folder->path), name_len = strlen(name);
	char *joined = malloc(len + 1 + name_len + 1);
	if (!joined)
		return NULL;
	memcpy(joined, folder->path, len);
	joined[len] = '/';
	memcpy(joined + len + 1, name, name_len + 1);
	return joined;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static int add_name(struct backup_dir_names *names, const struct dirent *entry)
{
	size_t count = names->count;
	/* Room is made in powers of two. */
	if ((count & (count - 1)) == 0) {
		struct backup_dir_entry *grown = reallocarray(
		    names->entries, count ? count * 2 : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		names->entries = grown;
	}
	char *name = strdup(entry->d_name);
	if (!name)
		return -ENOMEM;
	names->entries[count] = (struct backup_dir_entry){name, entry->d_ino};
	names->count++;
	return 0;
}

/* Its kind, as in d_type, which not every file system tells. */
static int look_at(const struct backup_dir *folder, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(folder->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return IFTODT(st.st_mode);
}

static int add_entry(struct backup_dir *folder, const struct dirent *entry)
{
	const char *name = entry->d_name;
	int kind = look_at(folder, entry);
	if (kind == DT_REG)
		return add_name(&folder->files, entry);
	if (kind == DT_DIR && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		return add_name(&folder->folders, entry);
	if (kind == DT_DIR)
		return 0;
	CLEANUP_FREE char *path = backup_dir_path(folder, name);
	if (!path)
		return -ENOMEM;
	if (kind < 0)
		return backup_dir_fail(path, -kind);
	if (kind == DT_LNK)
		log_warn("%s: a symbolic link, not followed, not served", path);
	else
		log_warn("%s: not a file, not served", path);
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct backup_dir_entry *left = a, *right = b;
	return (left->number > right->number) - (left->number < right->number);
}

/* Directories give names in an order of their own (ext4: of their hashes), in
 * which each file is somewhere else: numbers go by where things lie. */
static void sort_names(struct backup_dir_names *names)
{
	if (names->count > 0)
		qsort(names->entries, names->count, sizeof(*names->entries),
		    compare_numbers);
}

static int read_entries(struct backup_dir *folder, DIR *directory)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (!entry)
			return errno ? backup_dir_fail(folder->path, errno) : 0;
		int r = add_entry(folder, entry);
		if (r < 0)
			return r;
	}
}

int backup_dir_read(const char *path, struct backup_dir *ret_dir)
{
	*ret_dir = (struct backup_dir){.fd = -1, .path = strdup(path)};
	if (!ret_dir->path)
		return -ENOMEM;
	CLEANUP(close_directory) DIR *directory = NULL;
	ret_dir->fd =
	    open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd = ret_dir->fd < 0 ? -1 : fcntl(ret_dir->fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		directory = fdopendir(fd);
	if (!directory)
		return backup_dir_fail(path, errno);
	int r = read_entries(ret_dir, directory);
	sort_names(&ret_dir->files);
	sort_names(&ret_dir->folders);
	return r;
}

static void names_done(struct backup_dir_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->entries[i].name);
	free(names->entries);
}

void backup_dir_done(struct backup_dir *folder)
{
	names_done(&folder->files);
	names_done(&folder->folders);
	cleanup_close(&folder->fd);
	free(folder->path);
	*folder = (struct backup_dir){.fd = -1};
}
