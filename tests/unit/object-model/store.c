#include "store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../random.h"
#include "../unit.h"
#include "base/timestamp.h"

/* All versions' bytes are windows of one pool, each from another place on. */
#define POOL_BYTES ((size_t)8 << 20)
#define POOL_STEP 65537

#define KIB INT64_C(1024)

static char *pool;

static size_t below(struct store *store, size_t limit)
{
	return random_below(store->random, limit);
}

static bool chance(struct store *store, unsigned percent)
{
	return below(store, 100) < percent;
}

static void fill_pool(void)
{
	uint64_t random = 12345;
	pool = malloc(POOL_BYTES);
	assert_non_null(pool);
	for (size_t i = 0; i < POOL_BYTES; i++)
		pool[i] = (char)random_below(&random, 256);
}

/* ---- versions ---- */

static int64_t random_size(struct store *store)
{
	switch (below(store, 32)) {
	case 0:
	case 1:
		return 0;
	case 2:
	case 3:
		return 128 * KIB - 2 + (int64_t)below(store, 5);
	case 4:
	case 5:
	case 6:
		return 128 * KIB + (int64_t)below(store, 256 * KIB);
	case 7:
		return 1024 * KIB - 2 + (int64_t)below(store, 400 * KIB);
	default:
		return 1 + (int64_t)below(store, 3000);
	}
}

static bool is_a_size(const struct store *store, int64_t size)
{
	for (int i = 0; i < store->count; i++) {
		if (store->versions[i].size == size)
			return true;
	}
	return store->claim == size;
}

/* A size at which an answer was cut is no version's. */
static bool was_cut_at(const struct store *store, int64_t size)
{
	for (unsigned i = 0; i < store->cut_count; i++) {
		if (store->used_cuts[i] == size)
			return true;
	}
	return false;
}

static void note_cut(struct store *store, int64_t size)
{
	if (store->cut_count < ARRAY_SIZE(store->used_cuts))
		store->used_cuts[store->cut_count++] = size;
}

void store_change(struct store *store)
{
	struct version *last =
	    store->count ? &store->versions[store->count - 1] : NULL;
	struct version next = {
	    .bytes = pool + (size_t)store->count * POOL_STEP,
	    .size = random_size(store),
	    .modified_ms = timestamp_now_ms() / 1000 * 1000,
	};
	if (store->count == VERSIONS_MAX)
		return;
	if (last && chance(store, 60))
		next.size = last->size; /* the worst case */
	else if (last && chance(store, 40))
		next.bytes = last->bytes; /* it grew, or shrank */
	if (was_cut_at(store, next.size))
		return;
	store->versions[store->count++] = next;
}

static int64_t random_claim(struct store *store, bool calm)
{
	int64_t size = store->versions[0].size;
	switch (below(store, calm ? 4 : 8)) {
	case 0:
		return -1;
	case 4:
		return random_size(store);
	case 5:
		return size + 1 + (int64_t)below(store, 200 * KIB);
	default:
		return size;
	}
}

void store_calm(struct store *store)
{
	store->fails = store->cuts = store->lies = store->forgets = 0;
	if (store->validator == VALIDATOR_SOMETIMES)
		store->validator = VALIDATOR_ETAG;
}

void store_init(struct store *store, uint64_t *random, int serial, bool calm)
{
	if (!pool)
		fill_pool();
	*store = (struct store){.random = random, .serial = serial};
	store->claim = -1;
	store_change(store);
	/* It may have been there for long. */
	if (chance(store, 70))
		store->versions[0].modified_ms -= 3600000;
	store->claim = random_claim(store, calm);
	store->validator = (enum validator)below(store, VALIDATORS);
	store->framing = (enum framing)below(store, FRAMINGS);
	store->ranges = chance(store, 75);
	store->heeds_if_range = chance(store, 60);
	if (calm) {
		store_calm(store);
		return;
	}
	store->fails = chance(store, 40) ? 15 : 0;
	store->cuts = chance(store, 60) ? 30 : 0;
	store->lies = chance(store, 30) ? 20 : 0;
	store->forgets = chance(store, 20) ? 40 : 0;
}

bool store_is_sure(const struct store *store)
{
	return store->framing != FRAMING_CLOSE;
}

/* ---- answers ---- */

/* One that was begun, and what is left of it. */
struct begun {
	struct http_call *call;
	const char *bytes;
	int64_t left;
	int err; /* how it ends */
};

static struct begun begun[64];

void store_forget(void)
{
	memset(begun, 0, sizeof(begun));
}

static struct begun *find_begun(const struct http_call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(begun); i++) {
		if (begun[i].call == call)
			return &begun[i];
	}
	return NULL;
}

/* What an answer says of its version. */
struct tags {
	char etag[32];
	char modified[40];
	int64_t modified_ms;
};

static void make_tags(struct store *store, int number, struct tags *tags)
{
	const struct version *version = &store->versions[number];
	enum validator kind = store->validator;
	time_t date = version->modified_ms / 1000;
	struct tm tm;
	*tags = (struct tags){.modified_ms = version->modified_ms};
	if (kind == VALIDATOR_SOMETIMES && chance(store, 50))
		kind = VALIDATOR_ETAG;
	if (kind == VALIDATOR_ETAG || kind == VALIDATOR_BOTH)
		snprintf(tags->etag, sizeof(tags->etag), "\"v%d\"", number);
	/* A weak one may stand for two versions. */
	if (kind == VALIDATOR_WEAK)
		snprintf(
		    tags->etag, sizeof(tags->etag), "W/\"v%d\"", number / 2);
	if (kind == VALIDATOR_DATE || kind == VALIDATOR_BOTH)
		strftime(tags->modified, sizeof(tags->modified),
		    "%a, %d %b %Y %T GMT", gmtime_r(&date, &tm));
}

/* Where to cut: a place that looks like nothing else, so that a cut can be told
 * from a version, and two cuts from each other. */
static int64_t cut_of(struct store *store, int64_t len)
{
	if (len < 2 || store->cut_count == ARRAY_SIZE(store->used_cuts))
		return len;
	for (int i = 0; i < 4; i++) {
		int64_t cut = (int64_t)below(store, (size_t)len);
		if (is_a_size(store, cut) || was_cut_at(store, cut))
			continue;
		note_cut(store, cut);
		return cut;
	}
	return len;
}

static void begin(struct store *store, struct http_call *call,
    struct fake_answer *answer, const char *bytes, int64_t len, bool part)
{
	int err = 0;
	int64_t all = len;
	if (chance(store, store->cuts)) {
		len = cut_of(store, len);
		/* Where the length is told, the transport knows. */
		bool seen = answer->status == 206 || !answer->by_close;
		if (len < all && seen)
			err = answer->status == 206 && chance(store, 30)
				  ? 0
				  : -EPIPE;
	}
	struct begun *slot = find_begun(NULL);
	int64_t now =
	    part && slot && len > 1 ? (int64_t)below(store, (size_t)len) : len;
	answer->body = bytes;
	answer->len = (size_t)now;
	answer->chunk = 1 + below(store, 300000);
	if (now == 0)
		answer->body = NULL; /* no string either */
	if (now == len) {
		answer->err = err;
		fake_answer(call, answer);
		return;
	}
	*slot = (struct begun){call, bytes + now, len - now, err};
	fake_begin_answer(call, answer);
}

static void go_on(struct store *store, struct begun *slot, bool part)
{
	struct begun rest = *slot;
	struct fake_answer answer = {.status = 200,
	    .body = rest.bytes,
	    .len = (size_t)rest.left,
	    .chunk = 1 + below(store, 300000),
	    .err = rest.err};
	if (part && rest.left > 1) {
		answer.len = 1 + below(store, (size_t)rest.left - 1);
		slot->bytes += answer.len;
		slot->left -= (int64_t)answer.len;
		fake_begin_answer(rest.call, &answer);
		return;
	}
	slot->call = NULL;
	fake_answer(rest.call, &answer);
}

/* Content-Length is the fake's to tell, from what it is given. */
static void tell_length(struct fake_answer *answer, int64_t len)
{
	answer->length_told = true;
	answer->length = len;
}

static void answer_whole(struct store *store, struct http_call *call,
    const struct tags *tags, struct fake_answer *answer, bool part)
{
	const struct version *version = &store->versions[store->count - 1];
	const char *bytes = version->bytes;
	int64_t size = version->size;
	(void)tags;
	answer->status = 200;
	answer->by_close = store->framing == FRAMING_CLOSE;
	/* Made smaller on the way, without being asked. */
	if (size > 10 && chance(store, store->lies) &&
	    !is_a_size(store, size / 2)) {
		answer->encoded = true;
		note_cut(store, size / 2);
		bytes = pool + POOL_BYTES / 2;
		size = size / 2;
	}
	if (store->framing == FRAMING_LENGTH)
		tell_length(answer, size);
	begin(store, call, answer, bytes, size, part);
}

static void answer_part(struct store *store, struct http_call *call,
    int64_t first, int64_t last, struct fake_answer *answer, bool part)
{
	const struct version *version = &store->versions[store->count - 1];
	int64_t more = 0;
	if (last >= version->size)
		last = version->size - 1;
	/* Less than was asked for is allowed. */
	if (last > first && chance(store, store->lies))
		last = first + (int64_t)below(store, (size_t)(last - first));
	if (first > 0 && chance(store, store->lies))
		first--; /* not what was asked for, and it says so */
	answer->status = 206;
	answer->range = true;
	answer->range_start = first;
	answer->range_end = last;
	answer->range_total = version->size;
	if (chance(store, store->lies / 2))
		answer->range = false; /* several parts, perhaps */
	if (chance(store, store->lies / 2))
		answer->range_total = -1;
	if (chance(store, store->lies / 2))
		more = 1; /* than it says */
	if (!answer->range)
		answer->range_total = -1;
	begin(store, call, answer, version->bytes + first,
	    last - first + 1 + more, part);
}

static void answer_failing(struct store *store, struct http_call *call)
{
	static const int statuses[] = {500, 503, 429, 403, 404, 302};
	static const int errors[] = {-EPIPE, -ECONNREFUSED, -ETIMEDOUT};
	if (chance(store, 50))
		fake_break(call, errors[below(store, ARRAY_SIZE(errors))]);
	else
		ANSWER(call,
		    .status = statuses[below(store, ARRAY_SIZE(statuses))],
		    .body = "<Error/>", .date_ms = timestamp_now_ms());
}

static void answer_url(struct store *store, struct http_call *call)
{
	char body[128];
	if (chance(store, store->fails)) {
		answer_failing(store, call);
		return;
	}
	snprintf(body, sizeof(body),
	    "{\"url\":\"https://s.test/f%d?sig=%d\",\"filename\":\"a.bin\"}",
	    store->serial, ++store->urls);
	ANSWER(call, .status = 200, .body = body);
}

/* Whether the version asked about is still there. */
static bool holds(const struct tags *tags, const char *if_range)
{
	return strcmp(if_range, tags->etag) == 0 ||
	       (tags->modified[0] && strcmp(if_range, tags->modified) == 0);
}

static void answer_object(
    struct store *store, struct http_call *call, bool part)
{
	const struct version *version = &store->versions[store->count - 1];
	const char *range = fake_header(call, "Range");
	const char *if_range = fake_header(call, "If-Range");
	int64_t first = -1, last = -1;
	struct tags tags;
	make_tags(store, store->count - 1, &tags);
	struct fake_answer answer = {
	    .etag = tags.etag[0] ? tags.etag : NULL,
	    .modified = tags.modified[0] ? tags.modified : NULL,
	    .modified_ms = tags.modified[0] ? tags.modified_ms : 0,
	    .date_ms = timestamp_now_ms() / 1000 * 1000,
	};
	bool ranges = range && store->ranges && !chance(store, store->forgets);
	if (ranges && if_range && store->heeds_if_range)
		ranges = holds(&tags, if_range);
	if (!ranges) {
		answer_whole(store, call, &tags, &answer, part);
		return;
	}
	assert_int_equal(
	    sscanf(range, "bytes=%" SCNd64 "-%" SCNd64, &first, &last), 2);
	if (first < version->size) {
		answer_part(store, call, first, last, &answer, part);
		return;
	}
	bool told = !chance(store, 20);
	ANSWER(call, .status = 416, .nowhere = told,
	    .range_total = told ? version->size : -1);
}

void store_answer(struct store *store, struct http_call *call, bool part)
{
	struct begun *slot = find_begun(call);
	if (slot)
		go_on(store, slot, part);
	else if (strncmp(fake_line(call), "POST", 4) == 0)
		answer_url(store, call);
	else if (chance(store, store->fails))
		answer_failing(store, call);
	else
		answer_object(store, call, part);
}

/* ---- what is right ---- */

uint32_t store_versions_with(const struct store *store, int64_t offset,
    const char *data, size_t got, size_t len)
{
	uint32_t mask = 0;
	for (int i = 0; i < store->count; i++) {
		const struct version *version = &store->versions[i];
		int64_t left = version->size - offset;
		if (left < 0)
			left = 0;
		if (left > (int64_t)len)
			left = (int64_t)len;
		if ((int64_t)got == left &&
		    (got == 0 ||
			memcmp(data, version->bytes + offset, got) == 0))
			mask |= UINT32_C(1) << i;
	}
	return mask;
}

uint32_t store_versions_of(const struct store *store, int64_t size)
{
	uint32_t mask = 0;
	for (int i = 0; i < store->count; i++)
		mask |= (uint32_t)(store->versions[i].size == size) << i;
	return mask;
}

bool store_is_among(const struct store *store, uint32_t versions)
{
	const struct version *last = &store->versions[store->count - 1];
	for (int i = 0; i < store->count; i++) {
		const struct version *version = &store->versions[i];
		if (versions >> i & 1 && version->bytes == last->bytes &&
		    version->size == last->size)
			return true;
	}
	return false;
}

const char *store_text(const struct store *store)
{
	static const char *const validators[] = {
	    "etag", "date", "both", "weak", "none", "sometimes"};
	static const char *const framings[] = {"length", "chunks", "close"};
	static char text[200];
	snprintf(text, sizeof(text),
	    "%s, %s, %s, %s If-Range; claim %" PRId64
	    "; %u/%u/%u/%u %% fail/cut/lie/forget",
	    validators[store->validator], framings[store->framing],
	    store->ranges ? "ranges" : "no ranges",
	    store->heeds_if_range ? "heeds" : "ignores", store->claim,
	    store->fails, store->cuts, store->lies, store->forgets);
	return text;
}
