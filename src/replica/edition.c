#include "replica/edition.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"

/* Descriptors for a walk over contents. */
#define DEPTH 16

static const char lock_tail[] = ".lock";

char *edition_lock_path(const char *database)
{
	char *lock;
	size_t stem = strlen(database) - strlen(".db");
	return asprintf(&lock, "%.*s%s", (int)stem, database, lock_tail) < 0
		   ? NULL
		   : lock;
}

static void close_stream(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	remove(path);
	return 0;
}

/* Whether a file's name is a replica's, which stem is the name of. */
static bool belongs_to(const char *file, const char *stem)
{
	size_t len = strlen(stem);
	return strncmp(file, stem, len) == 0 && file[len] == '.';
}

/* The lock goes last: while it is there, nobody makes what is being removed. */
static void remove_all(const char *dir, DIR *stream, const char *stem)
{
	const struct dirent *entry;
	CLEANUP_FREE char *lock = NULL;
	rewinddir(stream);
	while ((entry = readdir(stream))) {
		CLEANUP_FREE char *path = NULL;
		if (!belongs_to(entry->d_name, stem) ||
		    strcmp(entry->d_name + strlen(stem), lock_tail) == 0)
			continue;
		if (asprintf(&path, "%s/%s", dir, entry->d_name) >= 0)
			nftw(path, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS);
	}
	if (asprintf(&lock, "%s/%s%s", dir, stem, lock_tail) >= 0)
		unlink(lock);
}

static void sweep_one(const char *dir, const char *stem)
{
	CLEANUP(close_stream) DIR *stream = opendir(dir);
	CLEANUP_FREE char *name = NULL;
	if (!stream || asprintf(&name, "%s%s", stem, lock_tail) < 0)
		return;
	CLEANUP_CLOSE int lock =
	    openat(dirfd(stream), name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
		remove_all(dir, stream, stem);
}

void edition_sweep(const char *dir, const char *prefix, const char *own)
{
	const struct dirent *entry;
	CLEANUP(close_stream) DIR *stream = opendir(dir);
	while (stream && (entry = readdir(stream))) {
		const char *name = entry->d_name, *dot = strchr(name, '.');
		if (strncmp(name, prefix, strlen(prefix)) != 0 || !dot ||
		    strcmp(dot, lock_tail) != 0 || belongs_to(name, own))
			continue;
		CLEANUP_FREE char *stem = strndup(name, (size_t)(dot - name));
		if (stem)
			sweep_one(dir, stem);
	}
}
