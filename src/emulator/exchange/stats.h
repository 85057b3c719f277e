/* Counts of what was asked, and the access log. Fed by dispatch and the server;
 * thread-safe. */
#ifndef EMULATOR_STATS_H
#define EMULATOR_STATS_H

#include "emulator/exchange/http_request.h"

struct stats;

/* 0 or -ENOMEM. */
int stats_new(struct stats **ret_stats);
/* NULL is fine. */
void stats_free(struct stats *stats);
/* All counts to zero; what is under way stays under way. */
void stats_reset(struct stats *stats);

/* One line a request goes to this file from now on. 0 or -errno. */
int stats_open_log(struct stats *stats, const char *path);

/* A connection carries its first request. */
void stats_add_connection(struct stats *stats);

/* A request began. */
void stats_begin(struct stats *stats, const struct request *request);

/* Its answer is known; status 0: it gets none. early: it came before the time
 * that it was told to wait for. */
void stats_answer(
    struct stats *stats, const struct request *request, int status, bool early);

/* It is over. */
void stats_end(struct stats *stats);

/* Append all counts as a JSON object. 0, -ENOMEM or -EMSGSIZE. */
int stats_print(struct stats *stats, struct buf *out);

#endif
