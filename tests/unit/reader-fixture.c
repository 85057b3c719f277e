#include "reader-fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#define KEPT_AMPLE (256 * MIB)

int64_t object_size;
const char *object_etag;

int64_t kept_file(int64_t size)
{
	char claim[32];
	object_size = size;
	object_etag = ETAG;
	content_limit = KEPT_AMPLE;
	snprintf(claim, sizeof(claim), "%" PRId64, size);
	return stored_file(claim);
}

void serve_object(void)
{
	fake_run(fake);
	while (fake_open_count(fake)) {
		struct http_call *call = fake_open(fake, 0);
		if (strcmp(fake_line(call), URL_LINE) == 0)
			give_url();
		else
			serve_range(call, object_size, object_etag);
	}
}

struct node node_of(int64_t id)
{
	struct node node = {0};
	assert_int_equal(replica_get(replica, id, &node), 0);
	return node;
}

int read_as_fs(int64_t id, int64_t offset, int64_t len)
{
	struct sync_bytes got;
	struct node node = node_of(id);
	int64_t there = object_size - offset < len ? object_size - offset : len;
	if (sync_read_now(sync_under_test, &node, (uint64_t)offset, (size_t)len,
		&got) == 0) {
		char *expected = bytes(offset, there);
		assert_int_equal(got.len, there);
		assert_memory_equal(got.data, expected, (size_t)there);
		free(expected);
		sync_bytes_done(&got);
		fake_run(fake);
		return 0;
	}
	struct ask *read = ask_read(id, (uint64_t)offset, (size_t)len);
	for (int i = 0; i < 1000 && !read->count; i++) {
		/* Or it hangs. */
		while (fake_open_count(fake) == 0)
			assert_true(fake_advance_to_timer(fake));
		struct http_call *call = fake_open(fake, 0);
		if (strcmp(fake_line(call), URL_LINE) == 0)
			give_url();
		else
			serve_range(call, object_size, object_etag);
	}
	assert_int_equal(read->count, 1);
	if (read->err == 0)
		assert_bytes(read, offset, there);
	return read->err;
}

int64_t asked_since(size_t number)
{
	int64_t asked = 0;
	for (size_t i = number; i < fake_count(fake); i++) {
		int64_t first, last;
		if (!range_of(fake_call(fake, i), &first, &last))
			continue;
		if (last >= object_size)
			last = object_size - 1;
		asked += last - first + 1;
	}
	return asked;
}

int64_t asked_until(int64_t first, int64_t end)
{
	int64_t until = first;
	for (size_t i = 0; i < fake_count(fake); i++) {
		int64_t from, last;
		if (!range_of(fake_call(fake, i), &from, &last))
			continue;
		if (from >= first && from < end && last >= until)
			until = last + 1;
	}
	return until;
}
