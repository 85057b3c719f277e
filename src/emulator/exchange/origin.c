#include "emulator/exchange/origin.h"

#include <string.h>
#include <strings.h>

#include "emulator/exchange/host.h"

/* What follows scheme:// in an origin of http or https, or NULL. */
static const char *web_host(const char *origin)
{
	if (strncasecmp(origin, "http://", 7) == 0)
		return origin + 7;
	if (strncasecmp(origin, "https://", 8) == 0)
		return origin + 8;
	return NULL;
}

/* localhost, a name under it (which browsers look for nowhere else), or a
 * loopback address; with any port or none. */
static bool is_loopback(const char *host)
{
	static const struct host_names none = {.count = 0};
	static const char under[] = ".localhost";
	size_t len = strcspn(host, ":"), tail = sizeof(under) - 1;
	if (len > tail && strncasecmp(host + len - tail, under, tail) == 0)
		host += len - tail + 1;
	return host_is_ours(host, NULL, &none);
}

bool origin_is_valid(const char *text)
{
	const char *mark = strstr(text, "://");
	if (strcmp(text, "null") == 0)
		return true;
	if (!mark || mark == text || !mark[3])
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return strcspn(mark + 3, "/?#@") == strlen(mark + 3);
}

bool origin_is_allowed(const char *origin, const struct origins *origins)
{
	const char *host = web_host(origin);
	for (size_t i = 0; i < origins->count; i++)
		if (strcasecmp(origin, origins->items[i]) == 0)
			return true;
	return host && origin_is_valid(origin) && is_loopback(host);
}
