#include "sync/listing/facts.h"

#include "replica/replica.h"
#include "sync/listing/ids.h"

static unsigned pack_forms(unsigned updated, unsigned created)
{
	return (created << DATE_FORM_BITS | updated) << LISTING_FORMS_BIT;
}

unsigned facts_form(unsigned flags, bool updated)
{
	unsigned forms = flags >> LISTING_FORMS_BIT;
	return (updated ? forms : forms >> DATE_FORM_BITS) &
	       ((1U << DATE_FORM_BITS) - 1);
}

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
	facts->updated_form =
	    date_form_add(facts->updated_form, record->updated_form);
	facts->created_form =
	    date_form_add(facts->created_form, record->created_form);
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
	facts->updated_form =
	    date_form_add(facts->updated_form, more->updated_form);
	facts->created_form =
	    date_form_add(facts->created_form, more->created_form);
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
	return facts_add_forms(flags, facts);
}

unsigned facts_add_forms(unsigned flags, const struct facts *more)
{
	unsigned updated =
	    date_form_add(facts_form(flags, true), more->updated_form);
	unsigned created =
	    date_form_add(facts_form(flags, false), more->created_form);
	flags &= (1U << LISTING_FORMS_BIT) - 1;
	if (updated == DATE_FORM_MIXED ||
	    (created == DATE_FORM_MIXED && (flags & LISTING_UNDATED)))
		flags |= LISTING_LOOSE;
	return flags | pack_forms(updated, created);
}
