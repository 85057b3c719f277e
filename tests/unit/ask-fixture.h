/* Operations of the sync under test, and how they ended. */
#ifndef ASK_FIXTURE_H
#define ASK_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/sync.h"

struct ask {
	struct sync_op op;
	int count; /* how often it ended */
	int err;
	char name[300];
	char *data;
};

/* Each is begun when it returns, as far as that goes without an answer. */
struct ask *ask_lookup(int64_t dir, const char *name);
struct ask *ask_open(int64_t dir);
struct ask *ask_find(void); /* which tables there are */
struct ask *ask_wait(
    int64_t dir, const struct sync_dir *open_dir, int64_t after);
struct ask *ask_measure(int64_t node);
struct ask *ask_read(int64_t node, uint64_t offset, size_t len);

void assert_waits_at(const struct ask *ask, const char *file, int line);
void assert_ended_at(
    const struct ask *ask, int err, const char *file, int line);
#define assert_waits(ask) assert_waits_at(ask, __FILE__, __LINE__)
#define assert_ended(ask, err) assert_ended_at(ask, err, __FILE__, __LINE__)

/* Forget all of them; whether each has ended exactly once. */
bool asks_done(void);

#endif
