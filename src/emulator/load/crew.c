#include "emulator/load/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* More threads than this find the disk busy. */
#define THREADS_MAX 8

/* Files that a thread takes at a time. */
#define TURN 64

struct crew {
	const struct backup_dir *folder;
	const struct backup_dir_entry *files;
	size_t count;
	bool with_original;
	struct crew_result *results;
	size_t next; /* atomic: the first file that nobody has taken */
};

/* Open, and read to the end that it has now. */
static int read_file(const struct backup_dir *folder, const char *name,
    struct place *place, struct buf *text)
{
	struct stat st;
	CLEANUP_CLOSE int fd = openat(
	    folder->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	place->len = (uint64_t)st.st_size;
	place->tag = place_tag(&st);
	int r = buf_reserve(text, place->len);
	while (r == 0 && text->len < place->len) {
		ssize_t n =
		    read(fd, text->data + text->len, place->len - text->len);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text->len += (size_t)n;
	}
	if (r == 0 && text->data)
		text->data[text->len] = '\0';
	return r;
}

static int read_one(const struct crew *crew, const char *name, struct buf *text,
    struct unpacked **spool, struct saved *ret_saved)
{
	struct place place = {.path = backup_dir_path(crew->folder, name)};
	if (!place.path)
		return -ENOMEM;
	buf_clear(text);
	int r = read_file(crew->folder, name, &place, text);
	if (r < 0) {
		place_done(&place);
		return r;
	}
	return saved_take(place, text, crew->with_original, spool, ret_saved);
}

static void *work(void *arg)
{
	struct crew *crew = arg;
	struct unpacked *spool = NULL; /* each writes to one of its own */
	struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	for (;;) {
		size_t at =
		    __atomic_fetch_add(&crew->next, TURN, __ATOMIC_RELAXED);
		if (at >= crew->count)
			break;
		for (size_t i = at; i < at + TURN && i < crew->count; i++)
			crew->results[i].error =
			    read_one(crew, crew->files[i].name, &text, &spool,
				&crew->results[i].saved);
	}
	buf_done(&text);
	unpacked_unref(spool);
	return NULL;
}

static size_t processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	return count < 1	     ? 1
	       : count > THREADS_MAX ? THREADS_MAX
				     : (size_t)count;
}

int crew_read(const struct backup_dir *folder, size_t first, size_t count,
    bool with_original, struct crew_result **ret_results)
{
	pthread_t threads[THREADS_MAX];
	size_t started = 0, most = processors();
	struct crew crew = {
	    .folder = folder,
	    .files = folder->files.entries + first,
	    .count = count,
	    .with_original = with_original,
	    .results = calloc(count + 1, sizeof(*crew.results)),
	};
	if (!crew.results)
		return -ENOMEM;
	/* This thread works, too: with those that could be had. */
	while (started + 1 < most && started * TURN < count &&
	       pthread_create(&threads[started], NULL, work, &crew) == 0)
		started++;
	work(&crew);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	*ret_results = crew.results;
	return 0;
}

void crew_done(struct crew_result *results, size_t count)
{
	for (size_t i = 0; results && i < count; i++)
		saved_done(&results[i].saved);
	free(results);
}
