/*
 * The connections that stand, how many may, and how long each may take to send
 * a whole request: one that sends a byte now and then must not hold its place,
 * which others need, for ever. Where all places are taken, whoever has kept us
 * waiting for a request the longest makes room for who comes next, so that
 * those who only wait hold up nobody. Thread-safe.
 */
#ifndef EMULATOR_CLIENT_H
#define EMULATOR_CLIENT_H

#include <stddef.h>
#include <stdint.h>

struct clients;
struct client;

/* Starts a thread, which ends connections that take longer. 0 or -errno. */
int clients_new(int64_t patience_ms, size_t most, struct clients **ret_clients);

/* All of them are gone. NULL is fine. */
void clients_free(struct clients *clients);

/* A new connection, of which a request is expected. Its socket must stay open
 * until client_free. One too many ends another, or, where all others are being
 * served, itself: its socket is shut down. NULL: out of memory. */
struct client *client_new(struct clients *clients, int fd);

/* Its end: nothing is expected of it any more. NULL is fine. */
void client_free(struct client *client);

/* The next part, the head or the body, is expected from now on. NULL is fine.
 */
void client_expect(struct client *client);

/* The whole request has come, and nothing is expected. NULL is fine. */
void client_served(struct client *client);

#endif
