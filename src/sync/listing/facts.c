#include "sync/listing/facts.h"

#include "replica/replica.h"
#include "sync/listing/ids.h"

static void widen(int64_t ms, int64_t *newest, int64_t *oldest)
{
	if (ms > *newest)
		*newest = ms;
	if (ms < *oldest)
		*oldest = ms;
}

int facts_record(
    struct facts *facts, struct ids *ids, const struct record *record)
{
	uint64_t hash = ids_hash(&record->id);
	facts->count++;
	facts->ids += hash;
	facts->numbers |= record->number;
	facts->strings |= !record->number;
	if (record->updated_ms == RECORD_NO_DATE &&
	    record->created_ms == RECORD_NO_DATE)
		facts->dateless++;
	if (record->updated_ms == RECORD_NO_DATE)
		facts->undated = true;
	else
		widen(record->updated_ms, &facts->newest_ms, &facts->oldest_ms);
	if (record->created_ms == RECORD_NO_DATE)
		facts->uncreated = true;
	else
		widen(record->created_ms, &facts->created_ms,
		    &facts->first_created_ms);
	return ids_add(ids, hash);
}

void facts_add(struct facts *facts, const struct facts *more)
{
	facts->count += more->count;
	facts->ids += more->ids;
	if (more->newest_ms > facts->newest_ms)
		facts->newest_ms = more->newest_ms;
	if (more->oldest_ms < facts->oldest_ms)
		facts->oldest_ms = more->oldest_ms;
	if (more->created_ms > facts->created_ms)
		facts->created_ms = more->created_ms;
	if (more->first_created_ms < facts->first_created_ms)
		facts->first_created_ms = more->first_created_ms;
	facts->dateless += more->dateless;
	facts->undated |= more->undated;
	facts->uncreated |= more->uncreated;
	facts->numbers |= more->numbers;
	facts->strings |= more->strings;
	facts->twice |= more->twice;
}

unsigned facts_flags(const struct facts *facts)
{
	bool level = facts->undated
			 ? facts->created_ms == facts->first_created_ms
			 : facts->newest_ms == facts->oldest_ms;
	unsigned flags = 0;
	if (facts->undated)
		flags |= LISTING_UNDATED;
	if (facts->uncreated)
		flags |= LISTING_UNCREATED;
	if (facts->count > 1 && level)
		flags |= LISTING_LEVEL;
	return flags;
}
