/*
 * HTTP: libmicrohttpd's one home. A thread a connection, so that an answer that
 * waits holds up nobody else. Started and stopped by main.
 */
#ifndef EMULATOR_SERVER_H
#define EMULATOR_SERVER_H

#include "emulator/exchange/host.h"
#include "emulator/exchange/origin.h"
#include "emulator/service/emulator.h"

struct server;

/* Room that a listening address needs as text, NUL included. */
#define SERVER_ADDRESS_SIZE 80

/* A client may take so long over a request, or over a pause while it takes in
 * an answer; and so many may be there at once. */
#define SERVER_CLIENT_TIMEOUT_S 60
#define SERVER_CONNECTIONS 2000

struct server_config {
	const char *address; /* ADDRESS:PORT, [ADDRESS]:PORT or PORT */
	int socket; /* a listening one, taken over, to be used instead; or -1 */
	struct host_names hosts;
	struct origins origins;
	int64_t client_timeout_s;
	int64_t connections;
};

/*
 * Listen and serve. The emulator and the configuration are borrowed. 0; -EINVAL
 * when the address is not understood; -EADDRINUSE and the like from bind;
 * -ENOMEM.
 */
int server_start(struct emulator *emulator, const struct server_config *config,
    struct server **ret_server);

/* Where it listens, as an URL has it: host:port, of one that can be called. */
void server_read_address(
    const struct server *server, char out[SERVER_ADDRESS_SIZE]);

/* Break off all answers and end all threads. NULL is fine. */
void server_stop(struct server *server);

/* Of libmicrohttpd, as it runs. Any thread. */
const char *server_library_version(void);

#endif
