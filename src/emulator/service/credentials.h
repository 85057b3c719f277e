/*
 * The two API keys and the one account. The sample project's are known to
 * everybody, as it is itself. What a backup holds is for its owner: made at
 * random, and kept in a file that only they can read, so that an app's settings
 * stay valid.
 */
#ifndef EMULATOR_CREDENTIALS_H
#define EMULATOR_CREDENTIALS_H

#include <stdbool.h>

enum role { ROLE_NONE, ROLE_GUEST, ROLE_USER, ROLE_ADMIN };

enum credential {
	PUBLISHABLE_KEY,
	SECRET_KEY,
	EMAIL,
	PASSWORD,
	CREDENTIALS,
};

/* All of them are there, and hold nothing that a shell would not take as it
 * stands. */
struct credentials {
	char *values[CREDENTIALS]; /* owned */
};

/* BKEND_PUBLISHABLE_KEY and so on: the settings that they are for. */
extern const char *const credential_names[CREDENTIALS];

/*
 * Choose: file is where they are, or shall be, kept (NULL: a place of the
 * user's own, one for each data directory); data is the directory that is
 * served, or NULL. With neither, the sample's. 0, or -errno with a line on
 * stderr.
 */
int credentials_init(
    struct credentials *credentials, const char *data, const char *file);
void credentials_done(struct credentials *credentials);

/* The role that a key alone gives: admin, guest, or none (a wrong key). */
enum role credentials_role(
    const struct credentials *credentials, const char *key);

/* Whether this is the account. */
bool credentials_fit(const struct credentials *credentials, const char *email,
    const char *password);

#endif
