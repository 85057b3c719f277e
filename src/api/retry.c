#include "api/retry.h"

#include <errno.h>

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

bool retry_may_pass(int err)
{
	switch (err) {
	case 0:
	case -EPIPE:
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ETIMEDOUT:
	case -EMFILE:
	case -ENFILE:
		return true;
	default:
		return false;
	}
}

/* Whether it is worth another attempt, as far as the failure's kind goes. */
static bool may_pass(const struct retry_outcome *outcome)
{
	if (outcome->garbled)
		return outcome->garbled <= RETRY_GARBLED_MAX;
	return retry_may_pass(outcome->err);
}

int64_t retry_wait_ms(const struct retry_outcome *outcome)
{
	int64_t pause = growing_pause(outcome->attempt, outcome->random);
	int status = outcome->status;
	if (status == 429)
		return limited_pause(outcome, pause);
	if (status != 0 && status != 408 && (status < 500 || status > 599))
		return -1;
	if (!may_pass(outcome))
		return -1;
	int64_t left = outcome->budget_ms - outcome->elapsed_ms;
	if (left <= 0)
		return -1;
	pause = max_ms(pause, outcome->retry_after_ms);
	return pause < left ? pause : left;
}

bool retry_is_stray(int status)
{
	return status < 400 || status == 421 || status == 425;
}

bool retry_is_overload(int status)
{
	return status == 429 || (status >= 500 && status <= 599);
}

/* The errno that users are promised for a final status. */
static int errno_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return -EACCES;
	case 404:
	case 410:
		return -ENOENT;
	case 408:
		return -EIO;
	default:
		return status >= 500 ? -EIO : -EPROTO;
	}
}

/* The errno for a transfer that broke, once patience is over. */
static int errno_of_transport(int err)
{
	switch (err) {
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
		return -ENETUNREACH;
	case -EPIPE:
		return -EIO;
	case -EMSGSIZE:
		return -EPROTO;
	default:
		return err;
	}
}

int retry_errno(int status, int err)
{
	return err ? errno_of_transport(err) : errno_of_status(status);
}

int64_t retry_silence_ms(int64_t budget_ms)
{
	return max_ms(budget_ms / 2, RETRY_SILENCE_MS);
}
