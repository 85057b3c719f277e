#include "record.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/timestamp.h"
#include "clock.h"
#include "plan.h"
#include "world.h"

/* ---- ids ---- */

static uint32_t scramble(uint32_t n)
{
	n = (n ^ 61) ^ (n >> 16);
	n *= 9;
	n ^= n >> 4;
	n *= 0x27d4eb2d;
	return n ^ (n >> 15);
}

void record_make_id(int n, struct record_id *id)
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

/* ---- dates and texts ---- */

static void add_date(struct buf *out, int64_t ms, unsigned style)
{
	char iso[TIMESTAMP_SIZE];
	timestamp_format(ms, iso);
	switch (style) {
	case DATES_ISO_S:
		buf_printf(out, "\"%.19sZ\"", iso);
		break;
	case DATES_SPACE:
		buf_printf(out, "\"%.10s %s\"", iso, iso + 11);
		break;
	case DATES_SHORT_OFFSET:
		buf_printf(out, "\"%.23s+00\"", iso);
		break;
	case DATES_LOWER_CASE:
		buf_printf(out, "\"%.10st%.12sz\"", iso, iso + 11);
		break;
	case DATES_NO_ZONE:
		buf_printf(out, "\"%.23s\"", iso);
		break;
	case DATES_EPOCH_MS:
		buf_printf(out, "%" PRId64, ms);
		break;
	case DATES_EPOCH_S:
		buf_printf(out, "%" PRId64, ms / 1000);
		break;
	case DATES_WRAPPED:
		buf_printf(out, "{\"$date\":\"%s\"}", iso);
		break;
	case DATES_NULL:
		buf_adds(out, "null");
		break;
	case DATES_UNREADABLE:
		buf_printf(out, "\"in year %.4s, then %s\"", iso, iso + 5);
		break;
	case DATES_OFFSET:
		timestamp_format(ms + 9 * 3600000, iso);
		buf_printf(out, "\"%.23s000+09:00\"", iso);
		break;
	default:
		buf_printf(out, "\"%s\"", iso);
	}
}

unsigned record_form(int record)
{
	static const unsigned several[] = {
	    DATES_ISO_MS, DATES_SPACE, DATES_OFFSET, DATES_EPOCH_MS};
	return trait(TRAIT_forms) ? several[record % 4] : trait(TRAIT_dates);
}

void record_created_text(int record, struct buf *out)
{
	add_date(out, world_created_ms(record), record_form(record));
}

void record_updated_text(int number, struct buf *out)
{
	const struct version *version = world_version(number);
	add_date(out, version->updated_ms, record_form(version->record));
}

void record_text(int number, struct buf *out)
{
	const struct version *version = world_version(number);
	const struct record_id *id = world_id(version->record);
	const char *quote = id->number ? "" : "\"";
	unsigned style = trait(TRAIT_dates);
	buf_printf(out, "{\"id\":%s%s%s,\"v\":\"%06d\"", quote, id->text, quote,
	    number);
	if (style != DATES_NONE) {
		buf_adds(out, ",\"createdAt\":");
		record_created_text(version->record, out);
	}
	if (version->dated || style == DATES_NULL ||
	    style == DATES_UNREADABLE) {
		buf_adds(out, ",\"updatedAt\":");
		record_updated_text(number, out);
	}
	if (trait(TRAIT_source))
		buf_adds(out, ",\"originalName\":\"f.txt\",\"size\":3");
	buf_printf(out, ",\"padding\":\"%.*s\"}", version->padding,
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "x"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "x");
}

int64_t record_mtime_ms(int number)
{
	const struct version *version = world_version(number);
	switch (trait(TRAIT_dates)) {
	case DATES_UNREADABLE:
		return -1;
	case DATES_NONE:
	case DATES_NULL:
		return 0;
	default:
		return version->dated ? version->updated_ms
				      : world_created_ms(version->record);
	}
}

bool record_is_dated(int record)
{
	switch (trait(TRAIT_dates)) {
	case DATES_NO_UPDATED:
	case DATES_NONE:
	case DATES_NULL:
	case DATES_UNREADABLE:
		return false;
	case DATES_SOME_NONE:
		/* Those that come later have one: where all that is known
		 * is dated, nobody looks for others. */
		return record % 4 != 0 ||
		       world_created_ms(record) >= CLOCK_WALL_BEGIN_MS;
	default:
		return true;
	}
}

int64_t record_date_grain_ms(void)
{
	unsigned dates = trait(TRAIT_dates);
	return dates == DATES_ISO_S || dates == DATES_EPOCH_S ? 1000 : 1;
}

bool record_can_change(int record)
{
	unsigned dates = trait(TRAIT_dates);
	return dates != DATES_NO_UPDATED &&
	       (dates != DATES_SOME_NONE || record_is_dated(record));
}
