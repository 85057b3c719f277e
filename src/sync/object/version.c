/*
 * Which version of an object an answer is of, held against what is known.
 *
 * A strong validator ties answers together: each further one must have it as
 * well, and one without it is of another version. Where there is none, nothing
 * ties two answers together, so that such an object is taken only as a whole,
 * from one answer, and a hash of its bytes stands for its version from then on.
 * It is kept where others' validators are.
 */
#include <inttypes.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "sync/object/stream.h"

/* No ETag or date begins so. */
#define HASH_PREFIX "fnv1a:"

/* A second look at a whole that nothing proves. */
static bool is_as_before(const struct stream *stream)
{
	return stream->before.size == stream->spooled &&
	       stream->before.hash == stream->spool_hash;
}

void version_load(struct stream *stream, const char *kept)
{
	stream->hash_known =
	    sscanf(kept, HASH_PREFIX "%" SCNx64, &stream->hash) == 1;
	if (!stream->hash_known)
		snprintf(
		    stream->validator, sizeof(stream->validator), "%s", kept);
	stream->alone = stream->node.proven && !stream->validator[0];
}

void version_text(const struct stream *stream, char out[VERSION_TEXT])
{
	if (stream->alone)
		snprintf(out, VERSION_TEXT, HASH_PREFIX "%016" PRIx64,
		    stream->spool_hash);
	else
		snprintf(out, VERSION_TEXT, "%s", stream->validator);
}

int version_check(struct stream *stream, const struct http_head *head)
{
	if (stream->validator[0])
		return http_head_matches(head, stream->validator) ? 0 : -ESTALE;
	if (stream->node.proven || stream->size >= 0)
		return 0; /* its bytes will tell */
	snprintf(stream->validator, sizeof(stream->validator), "%s",
	    http_head_validator(head));
	stream->alone = !stream->validator[0];
	return 0;
}

/* The size that it must have, as far as is known; -1: nothing is. */
static int64_t proven_size(const struct stream *stream)
{
	return stream->size >= 0     ? stream->size
	       : stream->node.proven ? stream->node.size
				     : -1;
}

/*
 * Where the body ends with the connection, a cut looks like an end. The size
 * that is known, or else claimed, proves that it is none. Where nothing is
 * claimed, or more came than that (which no cut does), two attempts must bring
 * the same: no accident cuts twice at one byte. What is shorter than claimed is
 * never believed: a cut is the likelier reason.
 */
static enum whole judge_closed(const struct stream *stream)
{
	int64_t expected = proven_size(stream);
	if (expected < 0 && stream->node.size > 0)
		expected = stream->node.size;
	if (stream->spooled < expected)
		return WHOLE_CUT;
	if (stream->spooled == expected || is_as_before(stream))
		return WHOLE_SURE;
	return WHOLE_UNSURE;
}

enum whole version_judge_whole(
    const struct stream *stream, int64_t told, bool ends_by_close)
{
	int64_t known = proven_size(stream);
	enum whole verdict = WHOLE_SURE;
	if (told >= 0 && stream->spooled != told)
		return WHOLE_CUT;
	if (told < 0 && ends_by_close)
		verdict = judge_closed(stream);
	if (verdict != WHOLE_SURE)
		return verdict;
	if (known >= 0 && stream->spooled != known)
		return WHOLE_ANOTHER;
	if (stream->hash_known && stream->spool_hash != stream->hash)
		return WHOLE_ANOTHER;
	return WHOLE_SURE;
}
