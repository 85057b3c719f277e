/*
 * What the server itself says is missing of its listings: a copy that was
 * interrupted is served, but never as if it were whole. Owned by the api, which
 * learns of it page by page (list.c), and tells it through api_shortfall. Any
 * thread.
 */
#ifndef API_SHORTFALLS_H
#define API_SHORTFALLS_H

#include <stdbool.h>
#include <stddef.h>

struct shortfalls;

/* Nothing is missing yet. NULL: out of memory. */
struct shortfalls *shortfalls_new(void);

/* NULL is fine. */
void shortfalls_free(struct shortfalls *shortfalls);

/* A page of a table (NULL: of the list of files) came with these words; empty:
 * with none, so that nothing is missing any more. 1 where that is news of
 * something missing, 0 where not, -ENOMEM. */
int shortfalls_tell(
    struct shortfalls *shortfalls, const char *table, const char *words);

/* Whether something is missing of a table (NULL: of the list of files), and in
 * what words, cut to fit. */
bool shortfalls_find(
    struct shortfalls *shortfalls, const char *table, char *out, size_t size);

#endif
