#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "mount.h"
#include "trace.h"

/* The version whose text a node has; -1: none, which is a finding. */
static int version_of(const struct told *told)
{
	CLEANUP_BUF struct buf text, expected;
	buf_init(&text, BUF_MAX_DEFAULT);
	buf_init(&expected, BUF_MAX_DEFAULT);
	int r = replica_text(mount.replica, told->node.id, &text);
	if (r < 0) {
		finding("no text", "%s has no text", told->name);
		return -1;
	}
	const char *at = strstr(buf_str(&text), "\"v\":\"");
	int number = at ? atoi(at + 5) : -1;
	const struct version *version = world_version(number);
	if (version)
		world_text(number, &expected);
	if (!version || buf_compare(&text, &expected) != 0 ||
	    strcmp(world_name(version->record), told->name) != 0) {
		finding("wrong text", "%s is %s", told->name, buf_str(&text));
		return -1;
	}
	if (told->node.size != (int64_t)text.len)
		finding("wrong size", "%s", told->name);
	return number;
}

/* A stored file: its text is the object's, of which nothing is known here. */
static int check_object(uint64_t from, const struct told *told)
{
	int record = world_named(told->name);
	if (record < 0)
		finding("wrong name", "%s", told->name);
	else if (world_hides(record, from))
		return record;
	else if (!world_held(record, from))
		finding("ghost", "%s is told, and was gone before", told->name);
	else if (!world_had_mtime(record, told->node.mtime_ms, 0))
		finding("date", "%s has a time that it never had", told->name);
	else if (!world_had_mtime(record, told->node.mtime_ms, from))
		finding("stale", "%s has an older time", told->name);
	return record;
}

/* Whether a text may be told that was read just now. */
static int check_text(uint64_t from, const struct told *told)
{
	if (told->node.kind == NODE_KIND_OBJECT)
		return check_object(from, told);
	int number = version_of(told);
	if (number < 0)
		return -1;
	int record = world_version(number)->record;
	int64_t mtime_ms = world_mtime_ms(number);
	if (mtime_ms != -1 && told->node.mtime_ms != mtime_ms)
		finding("date", "%s has the time %lld, not %lld", told->name,
		    (long long)told->node.mtime_ms, (long long)mtime_ms);
	if (world_hides(record, from))
		return record;
	if (!world_held(record, from))
		finding("ghost", "%s is told, and was gone before", told->name);
	else if (!world_had(number, from))
		finding("stale", "%s has the text v%06d, which is older",
		    told->name, number);
	return record;
}

void check_begin(struct listing_check *check, uint64_t from)
{
	*check = (struct listing_check){.from = from};
}

void check_entry(struct listing_check *check, const struct told *told)
{
	if (strcmp(told->name, ".spec.json") == 0)
		return;
	int record = check_text(check->from, told);
	if (record < 0)
		return;
	if (check->told[record]++)
		finding("twice", "%s is told twice", told->name);
}

void check_end(struct listing_check *check)
{
	for (int i = 0; i < world_record_count(); i++) {
		if (!check->told[i] && !world_hides(i, check->from) &&
		    world_held_throughout(i, check->from))
			finding("hole", "%s (v%06d) is missing", world_name(i),
			    world_current(i));
	}
	world_was_seen(check->from);
}

void check_lookup(uint64_t from, const struct told *told)
{
	if (strcmp(told->name, ".spec.json") != 0)
		check_text(from, told);
}

void check_no_entry(uint64_t from, const char *name)
{
	for (int i = 0; i < world_record_count(); i++) {
		if (strcmp(world_name(i), name) != 0)
			continue;
		if (world_hides(i, from) || world_lacked(i, from))
			continue;
		finding("no entry", "%s is said not to be there", name);
	}
}

void check_exact(const struct listing_check *check)
{
	for (int i = 0; i < world_record_count(); i++) {
		bool is_there = world_current(i) >= 0;
		if (world_hides(i, check->from) || check->told[i] == is_there)
			continue;
		finding("not exact", "%s is %s", world_name(i),
		    check->told[i] > 1 ? "told more than once"
		    : is_there	       ? "missing"
				       : "told, and is not there");
	}
}
