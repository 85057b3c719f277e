/*
 * The emulated service: everything that its handlers share. Thread-safe; each
 * part has its own lock.
 */
#ifndef EMULATOR_EMULATOR_H
#define EMULATOR_EMULATOR_H

#include <pthread.h>

#include "emulator/service/sessions.h"
#include "emulator/service/credentials.h"
#include "emulator/exchange/fault.h"
#include "emulator/exchange/host.h"
#include "emulator/exchange/http_request.h"
#include "emulator/service/sign.h"
#include "emulator/exchange/stats.h"
#include "emulator/store/store.h"

/* A client may take so long over a request, or over a pause while it takes in
 * an answer; and so many may be there at once. */
#define CLIENT_TIMEOUT_S 60
#define CONNECTIONS_DEFAULT 2000

struct emulator {
	/* Immutable while serving. */
	struct store *store;
	struct auth *auth;
	struct faults *faults;
	struct stats *stats;
	struct signer signer;
	struct credentials credentials;
	struct host_names hosts;
	int64_t client_timeout_s;
	int64_t connections;
	bool control;
	/* Atomic: download URLs signed under an older one are over. */
	unsigned url_epoch;

	pthread_mutex_t lock;
	/* Under lock. */
	struct switches switches;
};

int emulator_new(struct emulator **ret_emulator);
void emulator_free(struct emulator *emulator);

/* A copy of the switches as they are now. */
void emulator_read_switches(
    struct emulator *emulator, struct switches *ret_switches);

/* Set a switch, one of those that add data or open the log included. 0,
 * -ENOENT, -EINVAL, -EEXIST, or what opening the log says. */
int emulator_set(
    struct emulator *emulator, const char *name, const char *value);

/* The answer, right or told to be wrong. Waits nowhere. */
void emulator_answer(
    struct emulator *emulator, struct request *request, struct reply *reply);

/* The bearer token of the request's header, or NULL. Borrowed. */
const char *emulator_bearer(const struct request *request);

/* The routes' handlers. */
void handle_auth(
    struct emulator *emulator, struct request *request, struct reply *reply);
void handle_data(struct emulator *emulator, struct request *request,
    struct reply *reply, enum role role);
void handle_files(struct emulator *emulator, struct request *request,
    struct reply *reply, enum role role);
void handle_object(
    struct emulator *emulator, struct request *request, struct reply *reply);
void handle_control(
    struct emulator *emulator, struct request *request, struct reply *reply);

#endif
