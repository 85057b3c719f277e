/* The bytes of an answer on their way: whole, paced, cut short or stalled. What
 * libmicrohttpd's content reader reads from; belongs to one connection's
 * thread. */
#ifndef EMULATOR_BODY_READER_H
#define EMULATOR_BODY_READER_H

#include <sys/types.h>

#include "emulator/exchange/http_reply.h"

struct body_reader;

/* Wait ms, but no longer than the client stays and the server runs: 0, or
 * -EPIPE when there is nobody to answer any more. */
int body_reader_wait(int client_fd, int stop_fd, int64_t ms);

/* Take over the reply's object or body. 0 or -errno. */
int body_reader_new(struct reply *reply, int64_t rate, int client_fd,
    int stop_fd, struct body_reader **ret_reader);
/* NULL is fine. */
void body_reader_free(struct body_reader *reader);

/* What Content-Length says. */
uint64_t body_reader_declared(const struct body_reader *reader);

/* A descriptor that the whole answer can be sent from, at offset; given away.
 * -ENOENT when there is none, or when the answer is to be slow or broken. */
int body_reader_take_file(struct body_reader *reader, uint64_t *ret_offset);

/* Up to max bytes at position into data: how many, or -EPIPE to break off. */
ssize_t body_reader_read(
    struct body_reader *reader, uint64_t position, char *data, size_t max);

#endif
