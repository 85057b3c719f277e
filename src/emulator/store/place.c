#include "emulator/store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"

void place_done(struct place *place)
{
	free(place->owned);
	free(place->path);
	unpacked_unref(place->unpacked);
	*place = (struct place){0};
}

int place_copy(const char *data, size_t len, struct place *ret_place)
{
	char *owned = malloc(len + 1);
	if (!owned)
		return -ENOMEM;
	if (len)
		memcpy(owned, data, len);
	owned[len] = '\0';
	*ret_place =
	    (struct place){.owned = owned, .memory = owned, .len = len};
	return 0;
}

bool place_is_set(const struct place *place)
{
	return place->memory || place_is_file(place);
}

bool place_is_file(const struct place *place)
{
	return place->path || place->unpacked;
}

int place_slice(const struct place *place, uint64_t offset, uint64_t len,
    struct place *ret_slice)
{
	struct place slice = {
	    .offset = place->offset + offset,
	    .len = len,
	    .tag = place->tag,
	};
	if (place->memory)
		slice.memory = place->memory + offset;
	if (place->path && !(slice.path = strdup(place->path)))
		return -ENOMEM;
	if (place->unpacked)
		slice.unpacked = unpacked_ref(place->unpacked);
	*ret_slice = slice;
	return 0;
}

/* The way to the data directory was resolved; what is on it, or in it, may have
 * become a link since. */
static int open_path(const char *path)
{
	static const struct open_how how = {
	    .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
	    .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	/* Linux before 5.6 looks at the last name alone. */
	if (fd < 0 && errno == ENOSYS)
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The same, and what it is now: a file, for a pipe or a directory may have come
 * in its place. */
static int open_file(const char *path, struct stat *ret_st)
{
	int fd = open_path(path);
	if (fd < 0)
		return fd;
	int r = fstat(fd, ret_st) < 0	   ? -errno
		: S_ISREG(ret_st->st_mode) ? 0
					   : -ENXIO;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

uint64_t place_tag(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000000 +
	       (uint64_t)st->st_mtim.tv_nsec;
}

int place_open(const struct place *place)
{
	struct stat st;
	if (place->unpacked)
		return unpacked_open(place->unpacked);
	int fd = open_file(place->path, &st);
	if (fd >= 0 && place->tag && place->tag != place_tag(&st)) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

/* Of a file of its own. */
static int stat_path(const struct place *place, struct stat *ret_st)
{
	CLEANUP_CLOSE int fd = open_file(place->path, ret_st);
	return fd < 0 ? fd : 0;
}

int place_stat(const struct place *place, uint64_t *ret_size, uint64_t *ret_tag)
{
	struct stat st;
	if (place->unpacked) {
		*ret_size = place->len;
		*ret_tag = place->tag;
		return 0;
	}
	int r = stat_path(place, &st);
	if (r < 0)
		return r;
	*ret_size = (uint64_t)st.st_size;
	*ret_tag = place_tag(&st);
	return 0;
}

int place_stat_strictly(
    const struct place *place, uint64_t *ret_size, uint64_t *ret_tag)
{
	struct stat st;
	if (place->unpacked)
		return place_stat(place, ret_size, ret_tag);
	int r = stat_path(place, &st);
	if (r < 0)
		return r;
	const int64_t facts[] = {(int64_t)place_tag(&st),
	    (int64_t)st.st_ctim.tv_sec, (int64_t)st.st_ctim.tv_nsec,
	    (int64_t)st.st_ino};
	*ret_size = (uint64_t)st.st_size;
	*ret_tag = hash_fnv1a(HASH_FNV1A_INIT, facts, sizeof(facts));
	return 0;
}

int place_read(const struct place *place, struct buf *out)
{
	if (place->memory)
		return buf_add(out, place->memory, place->len);
	CLEANUP_CLOSE int fd = place_open(place);
	if (fd < 0)
		return fd;
	int r = buf_reserve(out, place->len);
	uint64_t done = 0;
	while (r == 0 && done < place->len) {
		ssize_t n = pread(fd, out->data + out->len, place->len - done,
		    (off_t)(place->offset + done));
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (uint64_t)n;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	return r;
}
