#include "world.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "plan.h"
#include "record.h"

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
	uint64_t moment;
	int64_t *moment_ms; /* when each began */
	size_t moments_max;
	int record_count;
	struct held records[WORLD_RECORDS_MAX];
	int version_count;
	struct version versions[WORLD_VERSIONS_MAX];
	int64_t last_date_ms;
	int64_t stepped_ms;
	uint64_t seen_from; /* whoever listed last was told what was since */
	bool undone;	    /* something was put back, and not seen since */
	uint64_t
	    asked_at; /* all is asked anew since then, not yet seen; or 0 */
	uint64_t asked_first_at;   /* it was asked before, in vain as well */
	uint64_t asked_seen_from;  /* seen_from as it was before that */
	uint64_t put_back_at;	   /* the last time; or 0 */
	uint64_t came_back_at;	   /* so that a record was there again; or 0 */
	uint64_t copied_seen_from; /* seen_from, of the replica's copy */
	int saved[SLOTS][WORLD_RECORDS_MAX];
	int saved_count[SLOTS];
	bool is_saved[SLOTS];
} world;

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
	int64_t grain = record_date_grain_ms();
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
	world.versions[world.version_count] = (struct version){
	    .record = record,
	    .updated_ms = updated_ms,
	    .dated = record_is_dated(record),
	    .padding = padding,
	};
	return world.version_count++;
}

/* Where all that is there is written in one form, and dates are compared as
 * texts, nothing tells of the first one in another form: it may be newer and
 * stand behind. */
static bool is_of_one_form(void)
{
	unsigned form = UINT_MAX;
	for (int i = 0; i < world.record_count; i++) {
		if (world.records[i].current < 0)
			continue;
		if (form != UINT_MAX && record_form(i) != form)
			return false;
		form = record_form(i);
	}
	return true;
}

static void set_current(int record, int version)
{
	struct held *held = &world.records[record];
	if (held->current == version)
		return;
	if (world.moment > 1 && trait(TRAIT_forms) && trait(TRAIT_compared) &&
	    is_of_one_form())
		held->hidden_until = UINT64_MAX;
	if (held->current >= 0)
		held->spans[held->span_count - 1].until = world.moment;
	held->current = version;
	/* In numbers, it may make up for what was put back before. */
	if (world.undone) {
		held->undone_at = world.moment;
		held->hidden_until = UINT64_MAX;
	}
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
	record_make_id(n, &id);
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

void world_reset(void)
{
	static const int counts[] = {5, 0, 1, 12, 90};
	free(world.moment_ms);
	world.moment_ms = NULL;
	world.moments_max = 0;
	world.moment = 0;
	world.record_count = world.version_count = 0;
	world.last_date_ms = 0;
	world.stepped_ms = 0;
	world.seen_from = 0;
	world.undone = false;
	world.asked_at = 0;
	world.put_back_at = world.came_back_at = 0;
	world.copied_seen_from = 0;
	memset(world.is_saved, 0, sizeof(world.is_saved));
	world_moment();
	int count = counts[trait(TRAIT_records)];
	int64_t begin = world_clock_ms() - 86400000;
	if (trait(TRAIT_ancient))
		begin = -5000 * INT64_C(86400000);
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

static bool anything_is_hidden(void)
{
	for (int i = 0; i < world.record_count; i++) {
		if (world.records[i].hidden_until == UINT64_MAX)
			return true;
	}
	return false;
}

int world_delete(uint32_t choice)
{
	int record = choose(choice);
	if (record < 0)
		return -1;
	begin_change();
	/* One that nobody can know of makes up for it in the count. */
	if (anything_is_hidden())
		world.records[record].hidden_until = UINT64_MAX;
	set_current(record, -1);
	return record;
}

static int change(uint32_t choice, bool longer, int64_t ahead_ms)
{
	int record = choose(choice);
	if (record < 0 || world.records[record].span_count > SPANS_MAX - 16 ||
	    !record_can_change(record))
		return -1;
	begin_change();
	int padding = world.versions[world.records[record].current].padding;
	int version = make_version(record, next_date(choice / 7) + ahead_ms,
	    longer ? padding % 100 + 1 : padding);
	if (version < 0)
		return -1;
	set_current(record, version);
	return record;
}

int world_change(uint32_t choice, bool longer)
{
	return change(choice, longer, 0);
}

int world_change_ahead(uint32_t choice, int64_t ahead_ms)
{
	return change(choice, false, ahead_ms);
}

/* One that was there before. Where it says nothing of that, nobody can know. */
static bool can_be_shown(int record)
{
	const struct held *held = &world.records[record];
	return held->current < 0 && held->span_count > 0 &&
	       held->span_count <= SPANS_MAX - 16 && record_is_dated(record);
}

int world_show(uint32_t choice)
{
	int records[WORLD_RECORDS_MAX];
	size_t count = 0;
	for (int i = 0; i < world.record_count; i++) {
		if (can_be_shown(i))
			records[count++] = i;
	}
	if (count == 0)
		return -1;
	int record = records[choice % count];
	begin_change();
	int version = make_version(record, next_date(choice / 7), 0);
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

/* When a record was last changed. */
static uint64_t last_change(const struct held *held)
{
	const struct span *last = &held->spans[held->span_count - 1];
	return last->until == UINT64_MAX ? last->from : last->until;
}

static int64_t newest_date(void)
{
	int64_t newest = INT64_MIN;
	for (int i = 0; i < world.record_count; i++) {
		int version = world.records[i].current;
		if (version >= 0 && world.versions[version].updated_ms > newest)
			newest = world.versions[version].updated_ms;
	}
	return newest;
}

/*
 * One who only asks what changed lately sees that the newest date went back. If
 * others are changed before that is asked, what was undone has no newer date
 * than anything that was known, and the counts may be equal: hidden, until all
 * is asked anew. So it is where another record has that very date.
 */
bool world_put_back(unsigned slot)
{
	slot %= SLOTS;
	if (!world.is_saved[slot])
		return false;
	begin_change();
	int64_t before = newest_date();
	for (int i = 0; i < world.record_count; i++) {
		struct held *held = &world.records[i];
		int version =
		    i < world.saved_count[slot] ? world.saved[slot][i] : -1;
		if (held->span_count > SPANS_MAX - 4)
			continue;
		if (held->current < 0 && version >= 0)
			world.came_back_at = world.moment;
		set_current(i, version);
		if (last_change(held) > world.seen_from)
			held->undone_at = world.moment;
	}
	world.put_back_at = world.moment;
	if (newest_date() >= before)
		begin_change(); /* nobody can see it */
	world.undone = true;
	return true;
}

void world_was_seen(uint64_t from)
{
	bool undone = false;
	for (int i = 0; i < world.record_count; i++) {
		struct held *held = &world.records[i];
		if (held->undone_at <= from)
			held->undone_at = 0;
		undone = undone || held->undone_at;
	}
	world.undone = undone;
	if (from > world.seen_from)
		world.seen_from = from;
	if (from >= world.asked_at)
		world.asked_at = 0;
}

void world_is_asked_anew(void)
{
	world_moment();
	if (!world.asked_at) {
		world.asked_seen_from = world.seen_from;
		world.asked_first_at = world.moment;
	}
	world.asked_at = world.moment;
	for (int i = 0; i < world.record_count; i++) {
		struct held *held = &world.records[i];
		held->undone_at = 0;
		if (held->hidden_until == UINT64_MAX)
			held->hidden_until = world.moment;
	}
	world.undone = false;
	world.seen_from = world.moment;
}

/*
 * What is known is what was seen from then on. Where a database was put back
 * since, that is as if it were put back now: what changed since has no newer
 * date than what is known, perhaps, and others have changed after it.
 */
static void know_less(uint64_t seen_from)
{
	world.seen_from = seen_from;
	if (world.put_back_at <= seen_from)
		return;
	for (int i = 0; i < world.record_count; i++) {
		struct held *held = &world.records[i];
		if (last_change(held) <= seen_from)
			continue;
		held->undone_at = world.moment;
		held->hidden_until = UINT64_MAX;
	}
	world.undone = true;
}

void world_is_not_asked_anew(void)
{
	if (!world.asked_at)
		return;
	for (int i = 0; i < world.record_count; i++) {
		if (world.records[i].hidden_until >= world.asked_first_at)
			world.records[i].hidden_until = UINT64_MAX;
	}
	know_less(world.asked_seen_from);
	world.asked_at = 0;
}

void world_replica_is_copied(void)
{
	world.copied_seen_from =
	    world.asked_at ? world.asked_seen_from : world.seen_from;
}

void world_replica_is_old(void)
{
	world_is_not_asked_anew();
	world_moment();
	know_less(world.copied_seen_from);
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
		int64_t ms = record_mtime_ms(held->spans[i].version);
		if (held->spans[i].until > first &&
		    (ms == -1 || ms == mtime_ms))
			return true;
	}
	return false;
}

void world_hide(int record)
{
	world.records[record].hidden_until = UINT64_MAX;
}

bool world_came_back(uint64_t first)
{
	return world.came_back_at > first;
}

bool world_hides(int record, uint64_t first)
{
	return world.records[record].hidden_until > first;
}
