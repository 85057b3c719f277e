/* Header lines of an answer: the few that anyone asks for. Pure. */
#include "http/head.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/timestamp.h"
#include "http/field.h"

void http_head_reset(struct http_head *head)
{
	*head = (struct http_head){
	    .content_length = -1,
	    .range_start = -1,
	    .range_end = -1,
	    .range_total = -1,
	    .retry_after_ms = -1,
	    .quota_left = -1,
	    .date_ms = -1,
	    .modified_ms = -1,
	};
}

/* A body without a length ends where the connection does, or, over HTTP/2,
 * where the stream does: there curl also takes a reset that gives no reason for
 * an end, which a server sends that just stops. */
void http_head_begin(struct http_head *head)
{
	http_head_reset(head);
	head->unframed = true;
}

static int64_t number_or_none(const char *text)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	return end == text || errno || value < 0 ? -1 : (int64_t)value;
}

/* The digits at *at, which moves behind them; -1: there are none, or more than
 * fit. */
static int64_t take_digits(const char **at)
{
	char *end;
	if (**at < '0' || **at > '9')
		return -1;
	errno = 0;
	long long value = strtoll(*at, &end, 10);
	*at = end;
	return errno ? -1 : (int64_t)value;
}

/* "bytes 0-1023/4096", "bytes 0-1023/ *" or, with 416, "bytes * /4096". What is
 * not quite a number is none: bytes are put where this says. */
static void parse_content_range(const char *value, struct http_head *head)
{
	head->range_start = head->range_end = head->range_total = -1;
	if (strncasecmp(value, "bytes", 5) != 0)
		return;
	value += 5;
	value += strspn(value, " \t=");
	const char *slash = strchr(value, '/');
	if (!slash)
		return;
	int64_t start = take_digits(&value), end = -1;
	if (start >= 0 && *value == '-') {
		value++;
		end = take_digits(&value);
	}
	if (start >= 0 && end >= start && value == slash) {
		head->range_start = start;
		head->range_end = end;
	}
	value = slash + 1;
	int64_t total = take_digits(&value);
	if (value[strspn(value, " \t")] == '\0')
		head->range_total = total;
}

static void take_modified(struct http_head *head, const char *value)
{
	if (strlen(value) >= sizeof(head->modified))
		return;
	strcpy(head->modified, value);
	head->modified_ms = field_date(value);
}

/* Who is to sign in may stand before the host, up to the last @ there. */
static void take_location(struct http_head *head, const char *value)
{
	int len = (int)strcspn(value, "?#");
	const char *slashes = strstr(value, "//");
	const char *host = slashes && slashes < value + len ? slashes + 2 : "";
	const char *user = memrchr(host, '@', strcspn(host, "/?#"));
	const char *rest = user ? user + 1 : value;
	snprintf(head->location, sizeof(head->location), "%.*s%.*s",
	    user ? (int)(host - value) : 0, value, (int)(value + len - rest),
	    rest);
}

static void take_length(struct http_head *head, const char *value)
{
	head->content_length = number_or_none(value);
	if (head->content_length >= 0)
		head->unframed = false;
}

static void take_framing(struct http_head *head, const char *value)
{
	if (strcasestr(value, "chunked"))
		head->unframed = false;
}

/* A date is held against the clock that it was made by, the answer's own: ours
 * may be wrong. Either of the two lines may come first. */
static void settle_retry(struct http_head *head)
{
	head->retry_after_ms = field_retry_after(head->retry_after,
	    head->date_ms >= 0 ? head->date_ms : timestamp_now_ms());
}

static void take_retry(struct http_head *head, const char *value)
{
	if (strlen(value) >= sizeof(head->retry_after))
		return;
	strcpy(head->retry_after, value);
	settle_retry(head);
}

static void take_date(struct http_head *head, const char *value)
{
	head->date_ms = field_date(value);
	settle_retry(head);
}

/* That it is said counts, whatever the words. They are not cut here: half a
 * secret would not be known for one. */
static void take_incomplete(struct http_head *head, const char *value)
{
	size_t len = strlen(value);
	strcpy(head->incomplete, len == 0 ? "it does not say what is missing"
				 : len < sizeof(head->incomplete)
				     ? value
				     : "it says more than can be repeated");
}

const char *http_head_parse(struct http_head *head, char *line)
{
	char *value = strchr(line, ':');
	if (!value)
		return NULL;
	*value++ = '\0';
	value += strspn(value, " \t");
	value[strcspn(value, "\r\n")] = '\0';
	if (strcasecmp(line, "Content-Length") == 0)
		take_length(head, value);
	else if (strcasecmp(line, "Transfer-Encoding") == 0)
		take_framing(head, value);
	else if (strcasecmp(line, "Content-Type") == 0)
		head->page = field_is_page(value);
	else if (strcasecmp(line, "Content-Encoding") == 0)
		head->encoded = strcasecmp(value, "identity") != 0;
	else if (strcasecmp(line, "Content-Range") == 0)
		parse_content_range(value, head);
	else if (strcasecmp(line, "Retry-After") == 0)
		take_retry(head, value);
	else if (strcasecmp(line, "X-RateLimit-Remaining") == 0)
		head->quota_left = number_or_none(value);
	else if (strcasecmp(line, "Date") == 0)
		take_date(head, value);
	else if (strcasecmp(line, "ETag") == 0 &&
		 strlen(value) < sizeof(head->etag))
		strcpy(head->etag, value);
	else if (strcasecmp(line, "Last-Modified") == 0)
		take_modified(head, value);
	else if (strcasecmp(line, "Location") == 0)
		take_location(head, value);
	else if (strcasecmp(line, "X-Incomplete") == 0)
		take_incomplete(head, value);
	return value;
}

/* A date is a strong validator only when the content cannot have changed again
 * within its second: RFC 9110, 8.8.2.2. A minute, as earlier RFCs had it, also
 * leaves out servers that just send the time of day. */
#define MODIFIED_STRONG_MS 60000

const char *http_head_validator(const struct http_head *head)
{
	if (head->etag[0] && strncmp(head->etag, "W/", 2) != 0)
		return head->etag;
	if (head->modified_ms >= 0 && head->date_ms >= 0 &&
	    head->date_ms - head->modified_ms >= MODIFIED_STRONG_MS)
		return head->modified;
	return "";
}

/* An entity tag may look like a date, where a store leaves its quotes out, and
 * a date may have any of three forms: so it is held against both. */
bool http_head_matches(const struct http_head *head, const char *validator)
{
	return strcmp(head->etag, validator) == 0 ||
	       (*validator && strcmp(head->modified, validator) == 0);
}
