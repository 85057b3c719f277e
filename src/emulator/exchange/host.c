#include "emulator/exchange/host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* No name is longer (RFC 1035), nor any address. */
#define HOST_SIZE 256

/* Cut "name:port" or "[address]:port" down to name or address. False: it is
 * neither. */
static bool cut_host(const char *text, char out[HOST_SIZE])
{
	bool bracket = *text == '[';
	const char *start = bracket ? text + 1 : text;
	size_t len = strcspn(start, bracket ? "]" : ":");
	const char *rest = start + len;
	if (len == 0 || len >= HOST_SIZE || (bracket && *rest++ != ']'))
		return false;
	if (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")])
		return false;
	if (*rest && *rest != ':')
		return false;
	memcpy(out, start, len);
	/* A name that ends in a dot is the same. */
	if (!bracket && len > 1 && out[len - 1] == '.')
		len--;
	out[len] = '\0';
	return true;
}

/* An address as one of IPv6, which has room for both kinds. */
static bool read_address(const char *text, struct in6_addr *ret)
{
	struct in_addr four;
	if (inet_pton(AF_INET6, text, ret) == 1)
		return true;
	if (inet_pton(AF_INET, text, &four) != 1)
		return false;
	*ret = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
	memcpy(ret->s6_addr + 12, &four, sizeof(four));
	return true;
}

static bool is_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static bool is_local(
    const struct in6_addr *address, const struct sockaddr *local)
{
	struct in6_addr own = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
	if (local && local->sa_family == AF_INET)
		memcpy(own.s6_addr + 12,
		    &((const struct sockaddr_in *)(const void *)local)
			 ->sin_addr,
		    4);
	else if (local && local->sa_family == AF_INET6)
		own = ((const struct sockaddr_in6 *)(const void *)local)
			  ->sin6_addr;
	else
		return false;
	return memcmp(&own, address, sizeof(own)) == 0;
}

bool host_is_ours(const char *host, const struct sockaddr *local,
    const struct host_names *names)
{
	char name[HOST_SIZE];
	struct in6_addr address;
	if (!cut_host(host, name))
		return false;
	for (size_t i = 0; i < names->count; i++) {
		if (strcasecmp(name, names->names[i]) == 0)
			return true;
	}
	if (read_address(name, &address))
		return is_loopback(&address) || is_local(&address, local);
	return strcasecmp(name, "localhost") == 0;
}
