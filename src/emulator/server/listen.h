/* A listening socket from an address in text. For the server, as it starts. */
#ifndef EMULATOR_LISTEN_H
#define EMULATOR_LISTEN_H

#include <stddef.h>

/* ADDRESS:PORT, [ADDRESS]:PORT or PORT: numbers, or localhost. The socket,
 * -EINVAL, or what socket, bind and listen say. */
int listen_open(const char *text);

/* host:port of a listening socket, as an URL has it; of one that listens
 * everywhere, the loopback address; of one without an address, which only
 * bkendfs knows how to call, a host that is answered to. */
void listen_read_address(int fd, char *out, size_t size);

#endif
