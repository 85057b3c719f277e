#include "command/check_parts.h"

#include <stdio.h>

#include "base/log.h"
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

void check_tell_incomplete(
    struct check *check, const struct survey_listing *listing)
{
	char words[API_SHORTFALL_SIZE];
	if (!listing->incomplete[0])
		return;
	log_make_safe(listing->incomplete, words, sizeof(words));
	printf("; INCOMPLETE, as the server itself says: %s", words);
	check->problems++;
}
