/*
 * A random object store, and the versions of the one object in it. It may be
 * clumsy (no ranges, no validators, no length, cuts, other versions between any
 * two requests), and it may lie where a lie can be seen; bytes are always those
 * of one version, and a strong validator never stands for two.
 */
#ifndef OBJECT_MODEL_STORE_H
#define OBJECT_MODEL_STORE_H

#include "../fake-http.h"

#define VERSIONS_MAX 24

enum validator {
	VALIDATOR_ETAG,
	VALIDATOR_DATE,
	VALIDATOR_BOTH,
	VALIDATOR_WEAK,
	VALIDATOR_NONE,
	VALIDATOR_SOMETIMES, /* an ETag, in some answers */
	VALIDATORS,
};

enum framing {
	FRAMING_LENGTH,
	FRAMING_CHUNKS,
	FRAMING_CLOSE, /* a whole answer's; a part's is told by its range */
	FRAMINGS,
};

struct version {
	const char *bytes;
	int64_t size;
	int64_t modified_ms; /* wall clock */
};

struct store {
	uint64_t *random;
	struct version versions[VERSIONS_MAX];
	int count;     /* the last one is what is there */
	int64_t claim; /* of the metadata; -1: none */
	int serial;    /* of the object, in its URL */
	int urls;      /* given */
	enum validator validator;
	enum framing framing;
	bool ranges;
	bool heeds_if_range;
	/* In percent of the answers. */
	unsigned fails; /* with a status, or no answer at all */
	unsigned cuts;
	unsigned lies;
	unsigned forgets; /* that it has ranges */
	int64_t used_cuts[256];
	unsigned cut_count;
};

/* A new object. calm: from an honest store that nothing happens to. */
void store_init(struct store *store, uint64_t *random, int serial, bool calm);

/* Another version is there from now on. */
void store_change(struct store *store);

/* From now on the store is honest, and nothing happens to it any more. */
void store_calm(struct store *store);

/* Whether what it has now can be told from a cut: the shorter one of a false
 * claim cannot, where the body ends with the connection. */
bool store_is_sure(const struct store *store);

/* Answer an open request, or go on with it: all of it, or a part. */
void store_answer(struct store *store, struct http_call *call, bool part);

/* Forget the answers that were begun. */
void store_forget(void);

/* Which versions have these bytes there; len: as asked for. */
uint32_t store_versions_with(const struct store *store, int64_t offset,
    const char *data, size_t got, size_t len);

/* Which versions have this size. */
uint32_t store_versions_of(const struct store *store, int64_t size);

/* Whether what is there now is one of these; an older version may have been the
 * same. */
bool store_is_among(const struct store *store, uint32_t versions);

/* What kind it is, in a line. */
const char *store_text(const struct store *store);

#endif
