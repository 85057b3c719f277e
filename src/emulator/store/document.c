#include "emulator/store/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"

void place_done(struct place *place)
{
	free(place->owned);
	free(place->path);
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

int place_open(const struct place *place)
{
	const char *slash = strrchr(place->path, '/');
	if (!slash)
		return -EINVAL;
	CLEANUP_FREE char *parent =
	    strndup(place->path, (size_t)(slash - place->path) + 1);
	if (!parent)
		return -ENOMEM;
	/* The way to the data directory was resolved; what is in it may have
	 * become a link since. */
	if (slash > place->path)
		parent[slash - place->path] = '\0';
	CLEANUP_CLOSE int dir =
	    open(parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd = dir < 0 ? -1
			 : openat(dir, slash + 1,
			       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
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

int record_new(const char *id, size_t id_len, struct place text,
    struct place object, struct record **ret_record)
{
	struct record *record = calloc(1, sizeof(*record));
	char *copy = malloc(id_len + 1);
	if (!record || !copy) {
		free(record);
		free(copy);
		place_done(&text);
		place_done(&object);
		return -ENOMEM;
	}
	memcpy(copy, id, id_len);
	copy[id_len] = '\0';
	*record = (struct record){
	    .refs = 1,
	    .created_ms = RECORD_NO_TIME,
	    .updated_ms = RECORD_NO_TIME,
	    .text = text,
	    .id = copy,
	    .id_len = id_len,
	};
	record_take_object(record, &object);
	*ret_record = record;
	return 0;
}

void record_take_object(struct record *record, struct place *object)
{
	record->object = *object;
	if (object->memory)
		record->etag =
		    hash_fnv1a(HASH_FNV1A_INIT, object->memory, object->len);
	*object = (struct place){0};
}

struct record *record_ref(struct record *record)
{
	__atomic_add_fetch(&record->refs, 1, __ATOMIC_RELAXED);
	return record;
}

void record_unref(struct record *record)
{
	if (!record ||
	    __atomic_sub_fetch(&record->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	place_done(&record->text);
	place_done(&record->object);
	free(record->id);
	free(record);
}

int64_t record_time(struct json_span token)
{
	int64_t ms;
	return json_date(token, &ms) < 0 ? RECORD_NO_TIME : ms;
}

static int read_id(struct json_span token, struct buf *ret_id)
{
	if (json_is_string(token))
		return json_string_decode(token, ret_id);
	if (json_is_number(token))
		return buf_add(ret_id, token.text, token.len);
	return 0;
}

int record_read_members(const char *text, size_t len, struct buf *ret_id,
    int64_t *ret_created_ms, int64_t *ret_updated_ms)
{
	static const char *const names[] = {
	    "id", "_id", "createdAt", "updatedAt"};
	struct json_span spans[ARRAY_SIZE(names)];
	int r = json_members(text, len, names, ARRAY_SIZE(names), spans);
	if (r == 0 && spans[0].text)
		r = read_id(spans[0], ret_id);
	if (r == 0 && ret_id->len == 0 && spans[1].text)
		r = read_id(spans[1], ret_id);
	if (r < 0)
		return r;
	*ret_created_ms = record_time(spans[2]);
	*ret_updated_ms = record_time(spans[3]);
	return 0;
}
