/*
 * Which version of an object an answer is of, held against what is known.
 *
 * A strong validator ties answers together: each further one must have it as
 * well, and one without it is of another version. Where there is none, nothing
 * ties two answers together: such an object stands alone. It is taken only as a
 * whole, from one answer, and a hash of its bytes stands for its version from
 * then on, kept where others' validators are.
 *
 * intake.c asks here. Loop thread only.
 */
#ifndef SYNC_OBJECT_VERSION_H
#define SYNC_OBJECT_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"

struct version;

/* Enough for a validator, or what stands for one. */
#define VERSION_TEXT 128

/* kept: what was kept of the version that answered before; may be empty.
 * proven: an object that has answered before. NULL: out of memory. */
struct version *version_new(const char *kept, bool proven);

/* NULL is fine. */
void version_free(struct version *version);

/* What ties answers together; "": nothing, or nothing is known yet. Borrowed
 * until the next version_check. */
const char *version_validator(const struct version *version);

/* Whether an answer is tied to no other, so that only a whole counts. */
bool version_is_alone(const struct version *version);

/* What is to be kept of it; hash: of all its bytes, where it is alone. */
void version_text(
    const struct version *version, uint64_t hash, char out[VERSION_TEXT]);

/* Learn from the first answer, and hold others against it. is_first: no answer
 * was taken before, ever. 0; -ESTALE: it is of another version. */
int version_check(
    struct version *version, const struct http_head *head, bool is_first);

/*
 * Whether a whole that is another size than was claimed may be that all the
 * same: a second answer says so as well. One that nothing ties to others, or
 * whose size is not told, is judged when it has come.
 */
bool version_confirms(struct version *version, const struct http_head *head);

/* Whether an answer that is of another version shows that the object is another
 * by now: the one before it was of the same other one. */
bool version_is_another(struct version *version, const struct http_head *head);

/* An answer was taken: what contradicted it before it was an accident. */
void version_stands(struct version *version);

/* The first answer was none of the object's: the next one is the first. */
void version_forget(struct version *version);

/* What an answer has brought that was to be the whole object. Sizes may be -1:
 * not known. */
struct whole {
	int64_t size;
	uint64_t hash;	 /* where the object is alone, or told is -1 */
	int64_t told;	 /* how much it was to be */
	int64_t proven;	 /* how much the object has */
	int64_t claimed; /* what the metadata say; 0: nothing */
	bool unframed;
};

enum whole_verdict {
	WHOLE_SURE,
	WHOLE_CUT,     /* there is more of it */
	WHOLE_UNSURE,  /* another attempt will tell ... */
	WHOLE_DOUBTED, /* ... and shall, after a while */
	WHOLE_ANOTHER, /* than what was read before: for the second time */
};

/* What an answer with all of the object proves. An unsure one is remembered,
 * for the next one to be compared with. */
enum whole_verdict version_judge_whole(
    struct version *version, const struct whole *whole);

#endif
