/*
 * JSON text as text: strict validation (RFC 8259), members and strings found
 * without a tree, and pretty-printing that keeps every token as it stands.
 *
 * Record text goes through here and never through a parser that turns numbers
 * into doubles or strings into C strings: a 19-digit integer, 1e400, an escaped
 * NUL, a lone surrogate and a repeated key must all survive. All functions are
 * pure and thread-safe; none recurses.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "json/limits.h"

/* A piece of some text; text NULL when there is none. Borrowed. */
struct json_span {
	const char *text;
	size_t len;
};

/* Strictly one valid JSON value, white space around it allowed: 0, else
 * -EPROTO. The bytes inside strings need not be UTF-8 (names are made safe
 * elsewhere), but control characters below U+0020 are refused. */
int json_check(const char *text, size_t len);

/*
 * Validate text as one object and find top-level members: spans[i] becomes the
 * value's token text for names[i] (compared after decoding the key's escapes;
 * of a repeated key the last counts, as in JSON.parse), or {NULL, 0}.
 * 0; -EPROTO when text is not a strictly valid JSON object; -ENOMEM.
 */
int json_members(const char *text, size_t len, const char *const names[],
    size_t count, struct json_span spans[]);

/* The same, and what json_pretty_size says of it, in one reading. */
int json_members_and_size(const char *text, size_t len,
    const char *const names[], size_t count, struct json_span spans[],
    uint64_t *ret_size);

/*
 * Tell of each top-level member of an object, in order, whose value is a string
 * or a number: its name's and its value's token text, both borrowed. 0; -EPROTO
 * when text is not a strictly valid JSON object, maybe after some were told.
 */
typedef void (*json_member_fn)(
    void *ctx, struct json_span name, struct json_span value);
int json_plain_members(
    const char *text, size_t len, json_member_fn fn, void *ctx);

/* A value's kind, by its token text: a string, a number, an object, an array,
 * and true (a kind of its own). */
bool json_is_string(struct json_span value);
bool json_is_number(struct json_span value);
bool json_is_object(struct json_span value);
bool json_is_array(struct json_span value);
bool json_is_true(struct json_span value);

/* Append a string token's decoded bytes to out. \uXXXX becomes UTF-8; a lone
 * surrogate becomes its three bytes (as in WTF-8), \u0000 a NUL byte.
 * 0, -EPROTO when value is not a string token, -ENOMEM, -EMSGSIZE. */
int json_string_decode(struct json_span value, struct buf *out);

/* A non-negative integer token (also "12.0" or 1e3 forms are refused) that
 * fits int64_t: 0, else -EPROTO. A string holding such an integer counts. */
int json_int64(struct json_span value, int64_t *ret);

/*
 * Append the id that a value is: a string's bytes, a number's token, or what
 * MongoDB's extended JSON makes of a string, {"$oid":"…"}. 0; -EPROTO for
 * anything else, an empty one and an absent value among it, when something may
 * have been added; -ENOMEM, -EMSGSIZE.
 */
int json_id(struct json_span value, struct buf *out);

/*
 * A value as a point in time, in milliseconds since 1970: a string (as
 * timestamp_parse reads it), a number (as timestamp_parse_count does), or what
 * MongoDB's extended JSON makes of either: {"$date":"…"}, {"$date":N} and
 * {"$date":{"$numberLong":"N"}} with N in milliseconds, {"$numberLong":"N"}.
 * 0; -EPROTO for anything else, null and an absent value among it; -ENOMEM.
 */
int json_date(struct json_span value, int64_t *ret_ms);

/* Append data as a JSON string token, quotes included, everything but
 * printable ASCII and valid UTF-8 escaped. 0, -ENOMEM, -EMSGSIZE. */
int json_string_encode(const char *data, size_t len, struct buf *out);

/*
 * Append text, laid out: two spaces a level, one member or element a line,
 * "key": value, {} and [] when empty, one newline at the end. Tokens stand as
 * they are; only white space changes. 0, -EPROTO, -ENOMEM, -EMSGSIZE.
 */
int json_pretty(const char *text, size_t len, struct buf *out);

/* A number that tells texts apart by their tokens: the same for all layouts of
 * one, FNV-1a of each token and a NUL. 0 or -EPROTO. */
int json_hash(const char *text, size_t len, uint64_t *ret_hash);

/* How many bytes json_pretty would append: 0 or -EPROTO. */
int json_pretty_size(const char *text, size_t len, uint64_t *ret_size);

#endif
