#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "clock.h"

#define SPANS_MAX 128
#define SLOTS 4

/* A version that was current from one moment until another one. */
struct span {
	uint64_t from;
	uint64_t until; /* exclusive; UINT64_MAX: it still is */
	int version;
};

struct held {
	struct record_id id;
	char name[64];
	int64_t created_ms;
	int current;
	uint64_t undone_at;    /* put back, and nobody has listed since; or 0 */
	uint64_t hidden_until; /* 0: it was never */
	size_t span_count;
	struct span spans[SPANS_MAX];
};

static struct {
	const struct plan *plan;
	uint64_t moment;
	int64_t *moment_ms; /* when each began */
	size_t moments_max;
	int record_count;
	struct held records[WORLD_RECORDS_MAX];
	int version_count;
	struct version versions[WORLD_VERSIONS_MAX];
	int64_t last_date_ms;
	int64_t stepped_ms;
	int saved[SLOTS][WORLD_RECORDS_MAX];
	int saved_count[SLOTS];
	bool is_saved[SLOTS];
} world;

static unsigned trait(enum trait which)
{
	return world.plan->traits[which];
}

/* ---- moments ---- */

uint64_t world_moment(void)
{
	world.moment++;
	if (world.moment >= world.moments_max) {
		world.moments_max = 2 * world.moment + 1024;
		world.moment_ms = realloc(world.moment_ms,
		    world.moments_max * sizeof(*world.moment_ms));
		if (!world.moment_ms)
			abort();
	}
	world.moment_ms[world.moment] = clock_true_ms();
	return world.moment;
}

uint64_t world_moment_at(int64_t ms)
{
	uint64_t at = world.moment;
	while (at > 1 && world.moment_ms[at] >= ms)
		at--;
	return at;
}

/* ---- making records ---- */

static uint32_t scramble(uint32_t n)
{
	n = (n ^ 61) ^ (n >> 16);
	n *= 9;
	n ^= n >> 4;
	n *= 0x27d4eb2d;
	return n ^ (n >> 15);
}

static void make_id(int n, struct record_id *id)
{
	*id = (struct record_id){0};
	uint32_t x = scramble((uint32_t)n + 1), y = scramble(x);
	switch (trait(TRAIT_ids)) {
	case 0:
		snprintf(id->text, sizeof(id->text), "507f1f77bcf86cd7%08x",
		    (unsigned)n + 1);
		break;
	case 1:
		snprintf(id->text, sizeof(id->text),
		    "%08x-%04x-4%03x-8000-%012x", x, y & 0xffff, y >> 20,
		    (unsigned)n);
		break;
	case 2:
		snprintf(id->text, sizeof(id->text), "rec_%d", n + 1);
		break;
	case 3:
		snprintf(id->text, sizeof(id->text), "%d", n + 1);
		id->number = true;
		break;
	default:
		snprintf(id->text, sizeof(id->text), "%d", n / 2 + 1);
		id->number = n % 2 == 0;
	}
}

int64_t world_clock_ms(void)
{
	return CLOCK_WALL_BEGIN_MS + clock_true_ms() + world.stepped_ms;
}

void world_step_clock(int64_t ms)
{
	world.stepped_ms += ms;
}

bool world_clock_is_right(void)
{
	return world.stepped_ms == 0;
}

/* Dates come apart from each other, as a database's do that is changed by one
 * at a time; else they may be equal, or go back a little. */
static int64_t next_date(uint32_t choice)
{
	int64_t grain =
	    trait(TRAIT_dates) == 1 || trait(TRAIT_dates) == 10 ? 1000 : 1;
	int64_t ms = world_clock_ms();
	if (trait(TRAIT_close_dates))
		ms -= choice % 3 * 400;
	ms -= ms % grain;
	if (!trait(TRAIT_close_dates) && ms <= world.last_date_ms)
		ms = world.last_date_ms + grain;
	if (ms > world.last_date_ms)
		world.last_date_ms = ms;
	return ms;
}

static int make_version(int record, int64_t updated_ms, int padding)
{
	if (world.version_count == WORLD_VERSIONS_MAX)
		return -1;
	struct version *version = &world.versions[world.version_count];
	*version = (struct version){
	    .record = record, .updated_ms = updated_ms, .padding = padding};
	switch (trait(TRAIT_dates)) {
	case 2:
	case 3:
	case 12:
	case 13:
		break;
	case 4:
		version->dated = record % 4 != 0;
		break;
	default:
		version->dated = true;
	}
	return world.version_count++;
}

static void set_current(int record, int version)
{
	struct held *held = &world.records[record];
	if (held->current == version)
		return;
	if (held->current >= 0)
		held->spans[held->span_count - 1].until = world.moment;
	held->current = version;
	if (version < 0)
		return;
	if (held->span_count == SPANS_MAX)
		abort();
	held->spans[held->span_count++] =
	    (struct span){world.moment, UINT64_MAX, version};
}

/* What was put back before, unseen, may be hidden by what is changed now. */
static void begin_change(void)
{
	world_moment();
	for (int i = 0; i < world.record_count; i++) {
		struct held *held = &world.records[i];
		if (held->undone_at)
			held->hidden_until = UINT64_MAX;
	}
}

static int add_record(int64_t created_ms, int64_t updated_ms)
{
	if (world.record_count == WORLD_RECORDS_MAX)
		return -1;
	int n = world.record_count;
	struct held *held = &world.records[n];
	*held = (struct held){.current = -1, .created_ms = created_ms};
	struct record_id id;
	make_id(n, &id);
	held->id = id;
	snprintf(held->name, sizeof(held->name), "%s%s", id.text,
	    trait(TRAIT_source) == 2 ? "_f.txt" : ".json");
	int version = make_version(n, updated_ms, 0);
	if (version < 0)
		return -1;
	world.record_count++;
	set_current(n, version);
	return n;
}

void world_reset(const struct plan *plan)
{
	static const int counts[] = {5, 0, 1, 12, 56};
	free(world.moment_ms);
	world.moment_ms = NULL;
	world.moments_max = 0;
	world.plan = plan;
	world.moment = 0;
	world.record_count = world.version_count = 0;
	world.last_date_ms = 0;
	world.stepped_ms = 0;
	memset(world.is_saved, 0, sizeof(world.is_saved));
	world_moment();
	int count = counts[trait(TRAIT_records)];
	int64_t begin = world_clock_ms() - 86400000;
	if (trait(TRAIT_ancient))
		begin = -5 * INT64_C(86400000);
	/* In seconds from each other, whole ones. */
	begin -= begin % 1000;
	for (int i = 0; i < count; i++)
		add_record(begin + i * 1000, begin + i * 1000);
	world.last_date_ms = begin + count * 1000;
}

/* ---- what is there now ---- */

size_t world_records(int ret_records[WORLD_RECORDS_MAX])
{
	size_t count = 0;
	for (int i = 0; i < world.record_count; i++) {
		if (world.records[i].current >= 0)
			ret_records[count++] = i;
	}
	return count;
}

int world_record_count(void)
{
	return world.record_count;
}

int world_current(int record)
{
	return world.records[record].current;
}

const struct version *world_version(int version)
{
	return version >= 0 && version < world.version_count
		   ? &world.versions[version]
		   : NULL;
}

const struct record_id *world_id(int record)
{
	return &world.records[record].id;
}

int64_t world_created_ms(int record)
{
	return world.records[record].created_ms;
}

const char *world_name(int record)
{
	return world.records[record].name;
}

int world_named(const char *name)
{
	for (int i = 0; i < world.record_count; i++) {
		if (strcmp(world.records[i].name, name) == 0)
			return i;
	}
	return -1;
}

int world_find(const char *id)
{
	int found = -1;
	for (int i = 0; i < world.record_count; i++) {
		if (strcmp(world.records[i].id.text, id) != 0)
			continue;
		if (found < 0 || world.records[i].current >= 0)
			found = i;
	}
	return found;
}

/* ---- texts ---- */

static void add_date(struct buf *out, int64_t ms, unsigned style)
{
	char iso[TIMESTAMP_SIZE];
	timestamp_format(ms, iso);
	switch (style) {
	case 1:
		buf_printf(out, "\"%.19sZ\"", iso);
		break;
	case 5:
		buf_printf(out, "\"%.10s %s\"", iso, iso + 11);
		break;
	case 6:
		buf_printf(out, "\"%.23s+00\"", iso);
		break;
	case 7:
		buf_printf(out, "\"%.10st%.12sz\"", iso, iso + 11);
		break;
	case 8:
		buf_printf(out, "\"%.23s\"", iso);
		break;
	case 9:
		buf_printf(out, "%" PRId64, ms);
		break;
	case 10:
		buf_printf(out, "%" PRId64, ms / 1000);
		break;
	case 11:
		buf_printf(out, "{\"$date\":\"%s\"}", iso);
		break;
	case 12:
		buf_adds(out, "null");
		break;
	case 13:
		buf_printf(out, "\"in year %.4s, then %s\"", iso, iso + 5);
		break;
	case 14:
		timestamp_format(ms + 9 * 3600000, iso);
		buf_printf(out, "\"%.23s000+09:00\"", iso);
		break;
	default:
		buf_printf(out, "\"%s\"", iso);
	}
}

void world_text(int number, struct buf *out)
{
	const struct version *version = &world.versions[number];
	const struct held *held = &world.records[version->record];
	const char *quote = held->id.number ? "" : "\"";
	unsigned style = trait(TRAIT_dates);
	buf_printf(out, "{\"id\":%s%s%s,\"v\":\"%06d\"", quote, held->id.text,
	    quote, number);
	if (style != 3) {
		buf_adds(out, ",\"createdAt\":");
		add_date(out, held->created_ms, style);
	}
	if (version->dated || style == 12 || style == 13) {
		buf_adds(out, ",\"updatedAt\":");
		add_date(out, version->updated_ms, style);
	}
	if (trait(TRAIT_source))
		buf_adds(out, ",\"originalName\":\"f.txt\",\"size\":3");
	buf_printf(out, ",\"padding\":\"%.*s\"}", version->padding,
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "x"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "x");
}

int64_t world_mtime_ms(int number)
{
	const struct version *version = &world.versions[number];
	const struct held *held = &world.records[version->record];
	if (trait(TRAIT_dates) == 13)
		return -1;
	int64_t ms = version->dated ? version->updated_ms : held->created_ms;
	if (trait(TRAIT_dates) == 3)
		return 0;
	return trait(TRAIT_dates) == 12 ? 0 : ms;
}

/* ---- changes ---- */

static int choose(uint32_t choice)
{
	int records[WORLD_RECORDS_MAX];
	size_t count = world_records(records);
	return count ? records[choice % count] : -1;
}

int world_insert(uint32_t choice)
{
	begin_change();
	int64_t ms = next_date(choice);
	return add_record(ms, ms);
}

int world_delete(uint32_t choice)
{
	int record = choose(choice);
	if (record < 0)
		return -1;
	begin_change();
	set_current(record, -1);
	return record;
}

int world_change(uint32_t choice, bool longer)
{
	int record = choose(choice);
	if (record < 0 || world.records[record].span_count > SPANS_MAX - 16)
		return -1;
	begin_change();
	int padding = world.versions[world.records[record].current].padding;
	int version = make_version(record, next_date(choice / 7),
	    longer ? padding % 100 + 1 : padding);
	if (version < 0)
		return -1;
	set_current(record, version);
	return record;
}

void world_back_up(unsigned slot)
{
	slot %= SLOTS;
	for (int i = 0; i < world.record_count; i++)
		world.saved[slot][i] = world.records[i].current;
	world.saved_count[slot] = world.record_count;
	world.is_saved[slot] = true;
}

/*
 * One who only asks what changed lately sees that the newest date went back. If
 * others are changed before that is asked, what was undone has no newer date
 * than anything that was known, and the counts may be equal: hidden, until all
 * is asked anew.
 */
bool world_put_back(unsigned slot)
{
	slot %= SLOTS;
	if (!world.is_saved[slot])
		return false;
	begin_change();
	for (int i = 0; i < world.record_count; i++) {
		struct held *held = &world.records[i];
		int version =
		    i < world.saved_count[slot] ? world.saved[slot][i] : -1;
		if (held->current == version ||
		    held->span_count > SPANS_MAX - 4)
			continue;
		set_current(i, version);
		held->undone_at = world.moment;
	}
	return true;
}

void world_was_seen(uint64_t from)
{
	for (int i = 0; i < world.record_count; i++) {
		if (world.records[i].undone_at <= from)
			world.records[i].undone_at = 0;
	}
}

void world_is_asked_anew(void)
{
	for (int i = 0; i < world.record_count; i++) {
		struct held *held = &world.records[i];
		held->undone_at = 0;
		if (held->hidden_until == UINT64_MAX)
			held->hidden_until = world.moment;
	}
}

/* ---- what was there ---- */

bool world_held_throughout(int record, uint64_t first)
{
	const struct held *held = &world.records[record];
	uint64_t since = UINT64_MAX;
	if (held->current < 0)
		return false;
	for (size_t i = held->span_count; i-- > 0;) {
		const struct span *span = &held->spans[i];
		if (since != UINT64_MAX && span->until != since)
			break;
		since = span->from;
	}
	return since <= first;
}

bool world_held(int record, uint64_t first)
{
	const struct held *held = &world.records[record];
	return held->span_count &&
	       held->spans[held->span_count - 1].until > first;
}

bool world_lacked(int record, uint64_t first)
{
	return !world_held_throughout(record, first);
}

bool world_had(int version, uint64_t first)
{
	const struct held *held =
	    &world.records[world.versions[version].record];
	for (size_t i = 0; i < held->span_count; i++) {
		if (held->spans[i].version == version &&
		    held->spans[i].until > first)
			return true;
	}
	return false;
}

bool world_had_mtime(int record, int64_t mtime_ms, uint64_t first)
{
	const struct held *held = &world.records[record];
	for (size_t i = 0; i < held->span_count; i++) {
		int64_t ms = world_mtime_ms(held->spans[i].version);
		if (held->spans[i].until > first &&
		    (ms == -1 || ms == mtime_ms))
			return true;
	}
	return false;
}

bool world_hides(int record, uint64_t first)
{
	return world.records[record].hidden_until > first;
}
