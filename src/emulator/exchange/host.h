/*
 * Whom a request takes us for. A web page can make its own host name lead to
 * this machine, and then read through its visitor's browser what is meant for
 * the visitor alone (DNS rebinding); but its requests name that host. So only
 * names that are ours are answered. Thread-safe.
 */
#ifndef EMULATOR_HOST_H
#define EMULATOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define HOST_NAMES_MAX 32

/* Names to be taken besides; borrowed. */
struct host_names {
	const char *names[HOST_NAMES_MAX];
	size_t count;
};

/* Whether a Host header's value names this machine: localhost, a loopback
 * address, the address that the connection came in by, or one of the names;
 * with any port or none. */
bool host_is_ours(const char *host, const struct sockaddr *local,
    const struct host_names *names);

#endif
