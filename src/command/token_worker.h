/*
 * A thread that takes tokens out of their file and puts them back, for the
 * loop, which must not wait for a disk: each change is synced twice. Started
 * and ended by contact.c.
 */
#ifndef COMMAND_TOKEN_WORKER_H
#define COMMAND_TOKEN_WORKER_H

#include "api/token_keeper.h"

struct http;
struct token_file;
struct token_worker;

/* file is the thread's until token_worker_free. It and http are borrowed. 0,
 * -ENOMEM, or what pthread_create says. */
int token_worker_new(struct token_file *file, struct http *http,
    struct token_worker **ret_worker);

/* The loop must have ended. What was to be kept is kept first, and so is a
 * token that was taken, but never handed over. NULL is fine. */
void token_worker_free(struct token_worker *worker);

/* For api_config, while the worker is there. */
struct api_keeper token_worker_keeper(struct token_worker *worker);

#endif
