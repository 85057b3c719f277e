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
#include "emulator/page/site.h"
#include "emulator/service/credentials.h"
#include "emulator/service/sessions.h"
#include "emulator/exchange/signer.h"
#include "emulator/store/store.h"

/* 32 hex digits and a NUL. */
#define EMULATOR_PAGE_TOKEN_SIZE 33

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
	struct site site;
	char *project; /* the site's name */
	/* In the links to the site's pages; empty where anybody may see them.
	 */
	char page_token[EMULATOR_PAGE_TOKEN_SIZE];
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

/*
 * The credentials are there: name what the pages show after the directory that
 * it is from (NULL: the sample), and make up the token that opens them. The
 * sample's need none: whoever can reach us knows the sample's keys as well, but
 * a backup is its owner's, and other users of this machine can reach us too.
 * known tells whether the credentials are the sample's. 0, -ENOMEM, or what
 * getrandom says.
 */
int emulator_open_pages(
    struct emulator *emulator, const char *data, bool known);

/* A copy of the switches as they are now. */
void emulator_read_switches(
    struct emulator *emulator, struct switches *ret_switches);

/* Set a switch, one of those that add data or open the log included. 0,
 * -ENOENT, -EINVAL, -EEXIST, or what opening the log says. */
int emulator_set(
    struct emulator *emulator, const char *name, const char *value);

#endif
