#include "sync/listing/range_answer.h"

#include "sync/listing/part.h"
#include "sync/listing/ranges.h"

enum more { MORE_NONE, MORE, MORE_UNCLEAR };

/* Whether there is more in the range than came. */
static enum more has_more(
    const struct part_answer *answer, const struct part_sizes *sizes)
{
	const struct api_page *info = &answer->info;
	bool counts_more = info->total > answer->count || info->total_pages > 1;
	if (answer->out_of_range)
		return MORE_UNCLEAR;
	if (info->has_next == 1)
		return MORE;
	if (info->has_next == 0)
		return counts_more ? MORE_UNCLEAR : MORE_NONE;
	if (info->total >= 0 || info->total_pages >= 0)
		return counts_more ? MORE : MORE_NONE;
	/* Nothing is told, as it is elsewhere: this comes from another one. */
	if (sizes->tells)
		return MORE_UNCLEAR;
	/* Less than the server gave elsewhere is all. */
	return answer->count >= sizes->most ? MORE : MORE_NONE;
}

/* Of ids that are numbers, there must be none. What comes may also be texts, of
 * a server that does not understand the question. */
static enum range_answer_verdict judge_numbers(const struct part_answer *answer)
{
	const struct api_page *info = &answer->info;
	return answer->count || info->total > 0 || info->total_pages > 0 ||
		       info->has_next == 1
		   ? RANGE_ANSWER_NONE
		   : RANGE_ANSWER_WHOLE;
}

/* Whether a range can be split there. */
static bool splits(const struct buf *at, const struct id_range *range)
{
	return at->len && buf_compare(at, &range->high) != 0;
}

static enum range_answer_verdict split(
    const struct part_answer *answer, const struct buf **ret_at)
{
	const struct buf *at = &answer->split_id;
	if (!splits(at, answer->range))
		at = &answer->last_id;
	if (!splits(at, answer->range))
		return RANGE_ANSWER_NONE;
	*ret_at = at;
	return RANGE_ANSWER_SPLIT;
}

enum range_answer_verdict range_answer_judge(const struct part_answer *answer,
    const struct part_sizes *sizes, const struct buf **ret_at)
{
	if (answer->range->numbers)
		return judge_numbers(answer);
	switch (has_more(answer, sizes)) {
	case MORE_NONE:
		return RANGE_ANSWER_WHOLE;
	case MORE:
		return split(answer, ret_at);
	case MORE_UNCLEAR:
	default:
		return RANGE_ANSWER_NONE;
	}
}
