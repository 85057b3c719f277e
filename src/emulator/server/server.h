/* HTTP: libmicrohttpd's one home. A thread a connection, so that an answer
 * that waits holds up nobody else. */
#ifndef EMULATOR_SERVER_H
#define EMULATOR_SERVER_H

#include "emulator/service/emulator.h"

struct server;

/* Room that a listening address needs as text, NUL included. */
#define SERVER_ADDRESS_SIZE 80

/*
 * Listen on ADDRESS:PORT ([ADDRESS]:PORT for IPv6) and serve. The emulator is
 * borrowed. 0; -EINVAL when address is not understood; -EADDRINUSE and the
 * like from bind; -ENOMEM.
 */
int server_start(
    struct emulator *emulator, const char *address, struct server **ret_server);

/* Where it listens, as an URL has it: host:port, of one that can be called. */
void server_read_address(
    const struct server *server, char out[SERVER_ADDRESS_SIZE]);

/* Break off all answers and end all threads. */
void server_stop(struct server *server);

#endif
