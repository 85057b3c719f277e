#include "http/field.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

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
int64_t field_date(const char *value)
{
	static const char *const forms[] = {
	    "%a, %d %b %Y %T GMT", "%A, %d-%b-%y %T GMT", "%a %b %e %T %Y"};
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = {0};
		const char *rest = strptime(value, forms[i], &tm);
		if (rest && rest[strspn(rest, " \t")] == '\0')
			return (int64_t)timegm(&tm) * 1000;
	}
	return -1;
}

bool field_is_page(const char *value)
{
	static const char *const types[] = {
	    "text/html", "application/xhtml+xml"};
	value += strspn(value, " \t");
	size_t len = strcspn(value, "; \t\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strlen(types[i]) == len &&
		    strncasecmp(value, types[i], len) == 0)
			return true;
	}
	return false;
}

static int64_t ms_until(int64_t date_ms, int64_t now_ms)
{
	int64_t ms = date_ms > now_ms ? date_ms - now_ms : 0;
	return ms < DAY_MS ? ms : DAY_MS;
}

int64_t field_retry_after(const char *value, int64_t now_ms)
{
	value += strspn(value, " \t");
	size_t len = strlen(value);
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		len--;
	int64_t ms = parse_seconds(value, len);
	if (ms >= 0)
		return ms;
	int64_t date_ms = field_date(value);
	return date_ms < 0 ? -1 : ms_until(date_ms, now_ms);
}
