/*
 * Cut a listing's body into records while it streams in.
 *
 * The body is {"items":[…], …}, or the same inside {"data":{…}}. Each element
 * of the first items array found in one of those two places is handed out as
 * the very bytes that the server sent, without the white space around it. What
 * is left, with the array's elements taken out ("items":[]), is the skeleton:
 * small, and meant for an ordinary parser. Memory is bounded by the largest
 * record. Called by api/list.c, and by the emulator for exports. Not
 * thread-safe.
 */
#ifndef JSON_SPLIT_H
#define JSON_SPLIT_H

#include <stddef.h>

struct json_split;

/* Called with each record, in order; text is borrowed for the call and holds
 * one strictly valid JSON object. Non-zero (-errno) stops the feed. */
typedef int (*json_split_record_fn)(void *ctx, const char *text, size_t len);

/* The largest record that is accepted: MongoDB's 16 MiB document limit, as
 * JSON text, which can be several times as long as the BSON. */
#define JSON_RECORD_MAX ((size_t)64 << 20)

/* The largest skeleton that is accepted: pagination is a few hundred bytes. */
#define JSON_SKELETON_MAX ((size_t)256 << 10)

/* Begin; json_split_free is owed. 0 or -ENOMEM. */
int json_split_new(
    json_split_record_fn fn, void *ctx, struct json_split **ret_split);

/* fn checks each text itself, strictly: once is enough. */
void json_split_leave_checks(struct json_split *split);

/* Also in the middle, but not from fn. NULL is fine. */
void json_split_free(struct json_split *split);

/* Take the next bytes. 0; -EPROTO when they cannot belong to a listing (broken
 * JSON, an element that is not an object); -EMSGSIZE past a cap; -ENOMEM; or
 * what fn returned. After an error only json_split_free may be called. */
int json_split_feed(struct json_split *split, const char *data, size_t len);

/*
 * The body is over. 0, and the skeleton (borrowed until the split is freed);
 * -EPROTO when the text ended early or is not strictly valid JSON.
 * *ret_found tells whether an items array was there at all.
 */
int json_split_end(struct json_split *split, const char **ret_skeleton,
    size_t *ret_len, int *ret_found);

#endif
