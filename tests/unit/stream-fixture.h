/*
 * A stored file f1, and the object store behind its URL.
 */
#ifndef STREAM_FIXTURE_H
#define STREAM_FIXTURE_H

#include "sync-fixture.h"

#define MIB (INT64_C(1) << 20)
#define URL_LINE "POST /v1/files/f1/download-url"
#define STORE "https://s.test/f1?sig="
#define GET_LINE "GET " STORE
#define NAME "f1_a.bin"
#define ETAG "\"one\""

char *bytes(int64_t first, int64_t len);
void assert_range(struct http_call *call, int64_t first, int64_t last);

/* The range that a call asks for, both ends in it; false: the whole. */
bool range_of(struct http_call *call, int64_t *ret_first, int64_t *ret_last);

/* What a range of an object of so many bytes is answered with; the caller
 * frees its body. */
struct fake_answer partial(
    struct http_call *call, int64_t size, const char *etag);

void serve_range(struct http_call *call, int64_t size, const char *etag);
void give_url(void);

/* The next request for the object, whenever it comes. */
struct http_call *next_request(void);

/* The same, while a read waits: what contradicts an earlier answer is asked for
 * again before it counts. */
struct http_call *asked_again(const struct ask *read);

/* What is not the object is asked for again, a few times, before that counts:
 * answer so until the read ends. */
void answer_to_the_end(struct ask *read, const struct fake_answer *answer);

/* Serve URLs and ranges until nothing is asked for. */
void serve_store(int64_t size);

struct node current(void);

/* Mount, and look up the stored file, whose metadata claim that size. */
int64_t stored_file(const char *claim);

void assert_bytes(const struct ask *ask, int64_t offset, int64_t len);

/* Read the beginning of an object of 3 MiB, then ask for more. */
struct ask *read_begun(int64_t *ret_node);

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
