/* Any lines as the header of an answer: a range that is read is what stands
 * there, a date reads the same in its proper form, a wait is within a day and
 * does not depend on which line came first. */
#include "fuzz.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "http/field.h"
#include "http/head.h"

#define DAY_MS INT64_C(86400000)

/* A number that fits, and what follows it; -1: none begins here. */
static int64_t digits(const char **text)
{
	uint64_t n = 0;
	bool any = false, fits = true;
	for (; **text >= '0' && **text <= '9'; ++*text, any = true) {
		fits &= n <= (INT64_MAX - 9) / 10;
		n = fits ? n * 10 + (uint64_t)(**text - '0') : n;
	}
	return any && fits ? (int64_t)n : -1;
}

/* Strictly: "bytes", a range or an asterisk, a slash, a size or an asterisk. */
static void check_range(const char *value, const struct http_head *head)
{
	char text[100];
	if (head->range_start < 0)
		MUST(head->range_start == -1 && head->range_end == -1);
	else
		MUST(head->range_end >= head->range_start);
	MUST(head->range_total >= -1);
	if (strncasecmp(value, "bytes", 5) != 0) {
		MUST(head->range_start == -1 && head->range_total == -1);
		return;
	}
	value += 5;
	value += strspn(value, " \t=");
	/* No number is one with something else in it. */
	int64_t start = digits(&value), end = -1;
	if (start >= 0 && *value == '-') {
		value++;
		end = digits(&value);
	}
	if (head->range_start >= 0)
		MUST(head->range_start == start && head->range_end == end &&
		     *value == '/');
	else
		MUST(start < 0 || end < start || *value != '/');
	snprintf(text, sizeof(text), "/%lld", (long long)head->range_total);
	const char *slash = strchr(value, '/');
	if (head->range_total < 0)
		return;
	MUST(slash != NULL);
	slash++;
	MUST(digits(&slash) == head->range_total);
	MUST(slash[strspn(slash, " \t")] == '\0');
}

static void check_date(const char *value)
{
	char text[64];
	int64_t ms = field_date(value);
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	if (ms < 0)
		return;
	MUST(ms % 1000 == 0 && gmtime_r(&seconds, &tm));
	MUST(strftime(text, sizeof(text), "%a, %d %b %Y %T GMT", &tm) > 0);
	MUST(field_date(text) == ms);
}

static void check_wait(const char *value)
{
	int64_t now = INT64_C(784887151000);
	int64_t wait = field_retry_after(value, now);
	MUST(wait >= -1 && wait <= DAY_MS);
	/* Later there is less to wait, unless it is a time that passes. */
	int64_t later = field_retry_after(value, now + 5000);
	MUST(later == wait || (later < wait && later >= wait - 5000));
	size_t len = strlen(value);
	if (len == 0 || len > 9 || strspn(value, "0123456789") != len)
		return;
	int64_t ms = strtoll(value, NULL, 10) * 1000;
	MUST(wait == (ms < DAY_MS ? ms : DAY_MS));
}

static void parse(struct http_head *head, const char *line)
{
	char *copy = strdup(line);
	MUST(copy);
	http_head_parse(head, copy);
	free(copy);
}

/* A wait and the date that it is held against, in either order. */
static void check_order(const char *value)
{
	static const char date[] = "Date: Tue, 15 Nov 1994 08:12:31 GMT";
	char line[80];
	struct http_head first, last;
	if ((size_t)snprintf(line, sizeof(line), "Retry-After: %s", value) >=
	    sizeof(line))
		return;
	http_head_reset(&first);
	http_head_reset(&last);
	parse(&first, date);
	parse(&first, line);
	parse(&last, line);
	parse(&last, date);
	MUST(first.retry_after_ms == last.retry_after_ms);
	MUST(first.date_ms == INT64_C(784887151000));
}

static void check_location(const struct http_head *head)
{
	const char *host = strstr(head->location, "//");
	MUST(!strpbrk(head->location, "?#"));
	MUST(!host || host[2 + strcspn(host + 2, "@/")] != '@');
}

static void run_line(struct http_head *head, char *line)
{
	struct http_head alone;
	const char *colon = strchr(line, ':');
	char *copy = strdup(line);
	MUST(copy);
	http_head_reset(&alone);
	const char *value = http_head_parse(&alone, copy);
	MUST((value != NULL) == (colon != NULL));
	if (value) {
		check_date(value);
		check_wait(value);
		check_order(value);
		if (strcasecmp(copy, "Content-Range") == 0)
			check_range(value, &alone);
	}
	MUST(alone.content_length >= -1 && alone.quota_left >= -1);
	check_location(&alone);
	free(copy);
	http_head_parse(head, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = text_of(data, size);
	struct http_head head;
	http_head_begin(&head);
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n")))
		run_line(&head, line);
	const char *validator = http_head_validator(&head);
	MUST(!*validator || http_head_matches(&head, validator));
	return 0;
}
