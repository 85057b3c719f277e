#include "sync/object/version.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No answer has such a size, nor does one lack it so. */
#define NOTHING_TOLD (-2)

/* No ETag or date begins so. */
#define HASH_PREFIX "fnv1a:"

struct version {
	char validator[VERSION_TEXT]; /* ETag or date; or "" */
	bool alone;
	bool hash_known; /* of an object that is alone and has answered ... */
	uint64_t hash;	 /* ... this */
	struct {
		int64_t size;
		uint64_t hash;
	} before; /* what the last whole that nothing proves brought */
	struct {
		int64_t size;
		char validator[VERSION_TEXT];
	} told; /* by the last head that contradicted what was claimed, or what
		   answered before; or NOTHING_TOLD */
};

struct version *version_new(const char *kept, bool proven)
{
	struct version *version = calloc(1, sizeof(*version));
	if (!version)
		return NULL;
	version->hash_known =
	    sscanf(kept, HASH_PREFIX "%" SCNx64, &version->hash) == 1;
	if (!version->hash_known)
		snprintf(
		    version->validator, sizeof(version->validator), "%s", kept);
	version->alone = proven && !version->validator[0];
	version->told.size = NOTHING_TOLD;
	return version;
}

void version_free(struct version *version)
{
	free(version);
}

const char *version_validator(const struct version *version)
{
	return version->validator;
}

bool version_is_alone(const struct version *version)
{
	return version->alone;
}

void version_text(
    const struct version *version, uint64_t hash, char out[VERSION_TEXT])
{
	if (version->alone)
		snprintf(out, VERSION_TEXT, HASH_PREFIX "%016" PRIx64, hash);
	else
		snprintf(out, VERSION_TEXT, "%s", version->validator);
}

int version_check(
    struct version *version, const struct http_head *head, bool is_first)
{
	if (version->validator[0])
		return http_head_matches(head, version->validator) ? 0
								   : -ESTALE;
	if (!is_first)
		return 0; /* its bytes will tell */
	snprintf(version->validator, sizeof(version->validator), "%s",
	    http_head_validator(head));
	version->alone = !version->validator[0];
	return 0;
}

void version_forget(struct version *version)
{
	version->validator[0] = '\0';
	version->alone = false;
}

static bool is_told_again(
    struct version *version, int64_t size, const char *validator)
{
	if (version->told.size == size &&
	    strcmp(version->told.validator, validator) == 0)
		return true;
	version->told.size = size;
	snprintf(version->told.validator, sizeof(version->told.validator), "%s",
	    validator);
	return false;
}

bool version_confirms(struct version *version, const struct http_head *head)
{
	const char *validator = http_head_validator(head);
	return head->content_length < 0 || !*validator ||
	       is_told_again(version, head->content_length, validator);
}

bool version_is_another(struct version *version, const struct http_head *head)
{
	int64_t size =
	    head->status == 200 ? head->content_length : head->range_total;
	return is_told_again(version, size, http_head_validator(head));
}

void version_stands(struct version *version)
{
	version->told.size = NOTHING_TOLD;
}

/* A second look at a whole that nothing proves. */
static bool is_as_before(
    const struct version *version, const struct whole *whole)
{
	return version->before.size == whole->size &&
	       version->before.hash == whole->hash;
}

/*
 * Where nothing frames the body, a cut looks like an end. The size
 * that is known, or else claimed, proves that it is none. Where nothing is
 * claimed, or more came than that (which no cut does), two attempts must bring
 * the same: no accident cuts twice at one byte. What is shorter than claimed is
 * never believed: a cut is the likelier reason.
 */
static enum whole_verdict judge_unframed(
    const struct version *version, const struct whole *whole)
{
	int64_t expected = whole->proven;
	if (expected < 0 && whole->claimed > 0)
		expected = whole->claimed;
	if (whole->size < expected)
		return WHOLE_CUT;
	if (whole->size == expected || is_as_before(version, whole))
		return WHOLE_SURE;
	return WHOLE_UNSURE;
}

/* Another size than was claimed, by an object that never answered before: it
 * may be a proxy's page, or what a cache kept of half an answer. */
static bool is_doubtful(
    const struct version *version, const struct whole *whole)
{
	bool is_confirmed = whole->told >= 0 && !version->alone;
	return whole->proven < 0 && whole->claimed > 0 &&
	       whole->size != whole->claimed && !is_confirmed &&
	       !is_as_before(version, whole);
}

/* Than what has answered before. */
static bool is_another(const struct version *version, const struct whole *whole)
{
	return (whole->proven >= 0 && whole->size != whole->proven) ||
	       (version->hash_known && whole->hash != version->hash);
}

static enum whole_verdict judge(
    const struct version *version, const struct whole *whole)
{
	enum whole_verdict verdict = WHOLE_SURE;
	if (whole->told < 0 && whole->unframed)
		verdict = judge_unframed(version, whole);
	if (verdict != WHOLE_SURE)
		return verdict;
	if (is_another(version, whole))
		return is_as_before(version, whole) ? WHOLE_ANOTHER
						    : WHOLE_DOUBTED;
	return is_doubtful(version, whole) ? WHOLE_DOUBTED : WHOLE_SURE;
}

enum whole_verdict version_judge_whole(
    struct version *version, const struct whole *whole)
{
	if (whole->told >= 0 && whole->size != whole->told)
		return WHOLE_CUT;
	enum whole_verdict verdict = judge(version, whole);
	if (verdict == WHOLE_UNSURE || verdict == WHOLE_DOUBTED) {
		version->before.size = whole->size;
		version->before.hash = whole->hash;
	}
	return verdict;
}
