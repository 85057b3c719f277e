/*
 * Those who use the mount: handles of directories that are read bit by bit, and
 * lookups. What they are told is checked against the world.
 */
#ifndef MODEL_CLIENT_H
#define MODEL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../fake-http.h"

void client_reset(void);

void client_open(bool now);
void client_read(uint32_t which, size_t entries);
void client_rewind(uint32_t which);
void client_close(uint32_t which);
void client_close_all(void);
void client_look_up(uint32_t which);
void client_look_up_now(uint32_t which, void (*loop_runs)(void));
void client_interrupt(uint32_t which);

/* The mount is gone, and all that was under way. */
void client_is_cut_off(void);

/* Operations that wait. */
size_t client_waiting(void);

/* A handle of its own, to be listed from begin to end. loop_runs: by another
 * thread, see mount_as_other_thread; NULL: not so. */
struct handle *client_list(void (*loop_runs)(void));

/* Read it on if it does not wait. False: it has come to its end. */
bool client_list_on(struct handle *handle);
bool client_list_waits(const struct handle *handle);

/* 0, or how it failed; it is closed. exact: nothing was changed meanwhile. */
int client_list_end(struct handle *handle, bool exact);

#endif
