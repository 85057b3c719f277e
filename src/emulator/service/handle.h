/*
 * The handlers, one for each family of routes. Called by dispatch on the
 * connection's thread, after the route and the role are known; each fills the
 * reply, also when something goes wrong, and waits nowhere.
 */
#ifndef EMULATOR_HANDLE_H
#define EMULATOR_HANDLE_H

#include "emulator/service/emulator.h"

/* /v1/auth/…: sign-in, refresh, who am I, sign-out. For the last two somebody
 * is signed in. */
void handle_auth(
    struct emulator *emulator, struct request *request, struct reply *reply);

/* /v1/data/{table}…: lists, records, specifications, as far as role may. */
void handle_data(struct emulator *emulator, struct request *request,
    struct reply *reply, enum role role);

/* /v1/files…: metadata and download URLs. */
void handle_files(struct emulator *emulator, struct request *request,
    struct reply *reply, enum role role);

/* /storage/{id}: an object's bytes, for whoever has a signed URL. */
void handle_object(
    struct emulator *emulator, struct request *request, struct reply *reply);

/* The same for whoever may see it, without a signature: a row of the store's
 * files, which is borrowed. */
void handle_object_contents(struct emulator *emulator,
    const struct request *request, row_t row, struct reply *reply);

/* / and /page/…: what a person in a browser is shown. */
void handle_page(
    struct emulator *emulator, struct request *request, struct reply *reply);

/* /mcp, and /mcp/oauth/… and the metadata with it: which tables there are, for
 * programs that were allowed to ask. Neither knows of API keys. */
void handle_mcp(
    struct emulator *emulator, struct request *request, struct reply *reply);

/* /_emulator/…: the control interface, where it was asked for. */
void handle_control(
    struct emulator *emulator, struct request *request, struct reply *reply);

#endif
