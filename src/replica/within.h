/*
 * Which replica a thread is within a transaction of: it reads what it wrote.
 * Each thread knows of itself alone. Inside replica/ only.
 */
#ifndef REPLICA_WITHIN_H
#define REPLICA_WITHIN_H

#include <stdbool.h>

struct replica;

/* This thread is within a transaction of that from here on; NULL: of none. */
void within_set(const struct replica *replica);

/* Whether it is. */
bool within(const struct replica *replica);

#endif
