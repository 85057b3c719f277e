#include "command/check_parts.h"

#include "command/check_words.h"

void check_count_listing(
    struct check *check, const struct survey_listing *listing)
{
	int64_t count = check_count_of(listing);
	int64_t pages = (count + listing->limit - 1) / listing->limit;
	check->requests += pages ? pages : 1;
	if (listing->seen)
		check->bytes += (double)listing->bytes / (double)listing->seen *
				(double)count;
	if (listing->total < 0 && listing->more)
		check->at_least = true;
}
