/* What the sync under test lists, as names. */
#ifndef NAMES_FIXTURE_H
#define NAMES_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "sync/sync.h"

/* The names of an open directory, "a b c", as far as they may be read now. */
const char *names_of(int64_t dir, const struct sync_dir *open_dir);

/* Open and read a directory to its end, served as it goes. How that ended. */
int list_all(int64_t dir, char *ret_names, size_t size);

/* "r0001.json r0002.json …" for first to last. */
const char *names_from_to(int first, int last);

#endif
