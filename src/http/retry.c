#include "http/retry.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

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

/* delay-seconds, RFC 9110 section 10.2.3: digits only. */
static int64_t parse_seconds(const char *value, size_t len)
{
	int64_t ms = 0;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return -1;
		ms = ms * 10 + (value[i] - '0') * 1000;
		if (ms > DAY_MS)
			ms = DAY_MS;
	}
	return len ? ms : -1;
}

/* The names of days and months are English as long as nobody calls setlocale,
 * which this program does not. */
int64_t retry_date_parse(const char *value)
{
	static const char *const forms[] = {
	    "%a, %d %b %Y %T GMT", "%A, %d-%b-%y %T GMT", "%a %b %e %T %Y"};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {0};
		const char *rest = strptime(value, forms[i], &tm);
		if (rest && rest[strspn(rest, " \t")] == '\0')
			return (int64_t)timegm(&tm) * 1000;
	}
	return -1;
}

static int64_t ms_until(int64_t date_ms, int64_t now_ms)
{
	int64_t ms = max_ms(date_ms - now_ms, 0);
	return ms < DAY_MS ? ms : DAY_MS;
}

int64_t retry_after_parse(const char *value, int64_t now_ms)
{
	value += strspn(value, " \t");
	size_t len = strlen(value);
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		len--;
	int64_t ms = parse_seconds(value, len);
	if (ms >= 0)
		return ms;
	int64_t date_ms = retry_date_parse(value);
	return date_ms < 0 ? -1 : ms_until(date_ms, now_ms);
}
