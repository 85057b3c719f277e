#include "api/retry.h"

static int64_t max_ms(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The pause that the number of attempts asks for. */
static int64_t growing_pause(unsigned attempt, uint32_t random)
{
	int64_t longest = RETRY_FIRST_MS;
	for (unsigned i = 1; i < attempt && longest < RETRY_LONGEST_MS; i++)
		longest *= 2;
	if (longest > RETRY_LONGEST_MS)
		longest = RETRY_LONGEST_MS;
	int64_t half = longest / 2;
	return half + (((longest - half + 1) * (int64_t)random) >> 32);
}

/* A server that says "at once" while it limits us is not taken at its word:
 * without a pause, and without a budget, that would be a busy loop. */
static int64_t limited_pause(const struct retry_outcome *outcome, int64_t pause)
{
	if (outcome->retry_after_ms > 0)
		return outcome->retry_after_ms;
	return max_ms(pause, RETRY_LIMITED_MS);
}

int64_t retry_wait_ms(const struct retry_outcome *outcome)
{
	int64_t pause = growing_pause(outcome->attempt, outcome->random);
	int status = outcome->status;
	if (status == 429)
		return limited_pause(outcome, pause);
	if (status != 0 && status != 408 && (status < 500 || status > 599))
		return -1;
	int64_t left = outcome->budget_ms - outcome->elapsed_ms;
	if (left <= 0)
		return -1;
	pause = max_ms(pause, outcome->retry_after_ms);
	return pause < left ? pause : left;
}

int64_t retry_silence_ms(int64_t budget_ms)
{
	return max_ms(budget_ms / 2, RETRY_SILENCE_MS);
}
