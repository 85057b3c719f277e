/*
 * The emulated service: everything that its handlers share. Made by main; each
 * part has a lock of its own, so that any thread may use it.
 */
#ifndef EMULATOR_EMULATOR_H
#define EMULATOR_EMULATOR_H

#include "base/lock.h"
#include "emulator/exchange/fault.h"
#include "emulator/exchange/stats.h"
#include "emulator/mcp/mcp_server.h"
#include "emulator/service/credentials.h"
#include "emulator/service/sessions.h"
#include "emulator/exchange/signer.h"
#include "emulator/store/store.h"

struct emulator {
	/* Immutable while serving. */
	struct store *store;
	struct sessions *sessions;
	struct oauth_server *oauth;
	struct mcp_server *mcp;
	struct faults *faults;
	struct stats *stats;
	struct signer signer;
	struct credentials credentials;
	bool control;
	/* Atomic: download URLs signed under an older one are over. */
	unsigned url_epoch;

	struct lock lock;
	/* Under lock. */
	struct switches switches;
};

/* With an empty store and no credentials. 0, -ENOMEM, or what getrandom says.
 */
int emulator_new(struct emulator **ret_emulator);
/* NULL is fine. */
void emulator_free(struct emulator *emulator);

/* A copy of the switches as they are now. */
void emulator_read_switches(
    struct emulator *emulator, struct switches *ret_switches);

/* Set a switch, one of those that add data or open the log included. 0,
 * -ENOENT, -EINVAL, -EEXIST, or what opening the log says. */
int emulator_set(
    struct emulator *emulator, const char *name, const char *value);

#endif
