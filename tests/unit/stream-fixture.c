#include "stream-fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/retry.h"
#include "unit.h"

static unsigned char byte_at(int64_t pos)
{
	return (unsigned char)(pos * 7 + (pos >> 8) * 13 + 3);
}

char *bytes(int64_t first, int64_t len)
{
	char *data = malloc((size_t)len + 1);
	assert_non_null(data);
	for (int64_t i = 0; i < len; i++)
		data[i] = (char)byte_at(first + i);
	return data;
}

void assert_range(struct http_call *call, int64_t first, int64_t last)
{
	char expected[64];
	snprintf(expected, sizeof(expected), "bytes=%" PRId64 "-%" PRId64,
	    first, last);
	assert_non_null(fake_header(call, "Range"));
	assert_string_equal(fake_header(call, "Range"), expected);
}

/* What a range of an object of so many bytes is answered with; the caller
 * frees its body. */
bool range_of(struct http_call *call, int64_t *ret_first, int64_t *ret_last)
{
	const char *range = fake_header(call, "Range");
	if (range)
		assert_int_equal(sscanf(range, "bytes=%" SCNd64 "-%" SCNd64,
				     ret_first, ret_last),
		    2);
	return range != NULL;
}

struct fake_answer partial(
    struct http_call *call, int64_t size, const char *etag)
{
	int64_t first = 0, last = 0;
	assert_true(range_of(call, &first, &last));
	if (last >= size)
		last = size - 1;
	if (first >= size)
		return (struct fake_answer){
		    .status = 416, .nowhere = true, .range_total = size};
	return (struct fake_answer){.status = 206,
	    .body = bytes(first, last - first + 1),
	    .len = (size_t)(last - first + 1),
	    .chunk = 100000,
	    .length_told = true,
	    .range = true,
	    .range_start = first,
	    .range_end = last,
	    .range_total = size,
	    .etag = etag};
}

void serve_range(struct http_call *call, int64_t size, const char *etag)
{
	struct fake_answer answer = partial(call, size, etag);
	fake_answer(call, &answer);
	free((char *)answer.body);
}

static int serial;

void give_url(void)
{
	char body[128];
	snprintf(body, sizeof(body),
	    "{\"url\":\"" STORE "%d\",\"filename\":\"a.bin\","
	    "\"contentType\":\"image/png\"}",
	    ++serial);
	ANSWER(request(URL_LINE), .status = 200, .body = body);
}

struct http_call *next_request(void)
{
	while (!fake_open_count(fake))
		assert_true(fake_advance_to_timer(fake));
	if (fake_find(fake, URL_LINE))
		give_url();
	return request(GET_LINE);
}

struct http_call *asked_again(const struct ask *read)
{
	assert_int_equal(read->count, 0);
	return next_request();
}

void answer_to_the_end(struct ask *read, const struct fake_answer *answer)
{
	for (int i = 0; !read->count; i++) {
		assert_in_range(i, 0, RETRY_GARBLED_MAX);
		fake_answer(next_request(), answer);
	}
	assert_int_equal(fake_open_count(fake), 0);
}

/* Serve URLs and ranges until nothing is asked for. */
void serve_store(int64_t size)
{
	fake_run(fake);
	while (fake_open_count(fake)) {
		struct http_call *call = fake_open(fake, 0);
		if (strcmp(fake_line(call), URL_LINE) == 0)
			give_url();
		else
			serve_range(call, size, ETAG);
	}
}

struct node current(void)
{
	struct node node = {0};
	assert_int_equal(replica_lookup(replica, NODE_STORAGE, NAME, &node), 0);
	return node;
}

/* Mount, and look up the stored file, whose metadata claim that size. */
int64_t stored_file(const char *claim)
{
	char body[256];
	serial = 0;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_STORAGE, NAME);
	snprintf(body, sizeof(body),
	    "{\"id\":\"f1\",\"originalName\":\"a.bin\",\"size\":%s}", claim);
	ANSWER(request("GET /v1/files/f1"), .status = 200, .body = body);
	assert_ended(lookup, 0);
	sent();
	return lookup->op.node.id;
}

void assert_bytes(const struct ask *ask, int64_t offset, int64_t len)
{
	assert_ended(ask, 0);
	assert_int_equal(ask->op.got, len);
	char *expected = bytes(offset, len);
	assert_memory_equal(ask->data, expected, (size_t)len);
	free(expected);
}

/* Read the beginning of an object of 3 MiB, then ask for more. */
struct ask *read_begun(int64_t *ret_node)
{
	int64_t node = stored_file("3145728");
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	serve_range(request(GET_LINE), 3 * MIB, ETAG);
	assert_bytes(read, 0, 4096);
	read = ask_read(node, 2 * MIB, 4096);
	assert_string_equal(fake_header(request(GET_LINE), "If-Range"), ETAG);
	*ret_node = node;
	return read;
}
