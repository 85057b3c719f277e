#include "emulator/oauth/redirect.h"

#include <string.h>
#include <strings.h>

#include "base/percent.h"

#define LETTERS                                                                \
	"abcdefghijklmnopqrstuvwxyz"                                           \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What RFC 3986 lets stand in an URI, without the fragment's mark. */
#define URI_CHARACTERS LETTERS DIGITS "-._~:/?[]@!$&'()*+,;=%"

/* An address's parts, as far as they matter here; pieces of it. */
struct parts {
	size_t scheme_len;
	const char *host; /* NULL: no "//" after the scheme */
	size_t host_len;
	const char *rest; /* what follows host and port */
	bool plain;	  /* http */
	bool secure;	  /* https */
};

static bool split(const char *uri, struct parts *ret)
{
	struct parts parts = {
	    .scheme_len = strspn(uri, LETTERS DIGITS "+-."),
	};
	if (!strchr(LETTERS, *uri) || uri[parts.scheme_len] != ':')
		return false;
	parts.plain = parts.scheme_len == 4 && strncasecmp(uri, "http", 4) == 0;
	parts.secure =
	    parts.scheme_len == 5 && strncasecmp(uri, "https", 5) == 0;
	parts.rest = uri + parts.scheme_len + 1;
	if (strncmp(parts.rest, "//", 2) == 0) {
		parts.host = parts.rest + 2;
		parts.host_len = *parts.host == '['
				     ? strcspn(parts.host, "]/?") + 1
				     : strcspn(parts.host, ":/?");
		if (parts.host_len > strlen(parts.host))
			return false;
		parts.rest = parts.host + parts.host_len;
		if (*parts.rest == ':')
			parts.rest += 1 + strspn(parts.rest + 1, DIGITS);
		if (*parts.rest && !strchr("/?", *parts.rest))
			return false;
	}
	*ret = parts;
	return true;
}

static bool host_is(const struct parts *parts, const char *host)
{
	return parts->host && strlen(host) == parts->host_len &&
	       strncasecmp(parts->host, host, parts->host_len) == 0;
}

static bool is_loopback(const struct parts *parts)
{
	return host_is(parts, "127.0.0.1") || host_is(parts, "[::1]") ||
	       host_is(parts, "localhost");
}

/* A host's name as DNS and browsers have it, or an address in brackets. */
static bool host_is_plain(const struct parts *parts)
{
	static const char name[] = LETTERS DIGITS "-._";
	static const char address[] = "0123456789abcdefABCDEF:.";
	size_t len = parts->host_len;
	if (len > 2 && *parts->host == '[')
		return parts->host[len - 1] == ']' &&
		       strspn(parts->host + 1, address) == len - 2;
	return len > 0 && strspn(parts->host, name) >= len;
}

bool redirect_is_fit(const char *uri)
{
	struct parts parts;
	size_t len = strlen(uri);
	if (len > REDIRECT_MAX || strspn(uri, URI_CHARACTERS) != len ||
	    !split(uri, &parts))
		return false;
	if (parts.plain || parts.secure)
		return parts.host && host_is_plain(&parts) &&
		       (parts.secure || is_loopback(&parts));
	/* RFC 8252, 7.1: named after a domain, so that javascript:, data: and
	 * the like are none. */
	return memchr(uri, '.', parts.scheme_len) != NULL;
}

bool redirect_fits(const char *registered, const char *given)
{
	struct parts one, other;
	if (!redirect_is_fit(given))
		return false;
	if (strcmp(registered, given) == 0)
		return true;
	return split(registered, &one) && split(given, &other) && one.plain &&
	       other.plain && is_loopback(&one) &&
	       one.host_len == other.host_len &&
	       memcmp(one.host, other.host, one.host_len) == 0 &&
	       strcmp(one.rest, other.rest) == 0;
}

int redirect_add_source(const char *uri, struct buf *out)
{
	struct parts parts;
	if (!split(uri, &parts))
		return 0;
	/* A policy has no form for addresses in brackets. */
	if (!parts.host || *parts.host == '[' || !(parts.plain || parts.secure))
		return buf_add(out, uri, parts.scheme_len + 1);
	return buf_add(out, uri, (size_t)(parts.rest - uri));
}

int redirect_add_param(const char *name, const char *value, struct buf *uri)
{
	int r = buf_addc(uri, strchr(buf_str(uri), '?') ? '&' : '?');
	if (r == 0)
		r = buf_printf(uri, "%s=", name);
	if (r == 0)
		r = percent_encode(value, strlen(value), uri);
	return r;
}
