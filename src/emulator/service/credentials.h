/*
 * The two API keys and the one account. The sample project's are known to
 * everybody, as it is itself. What a backup holds is for its owner: those are
 * made at random (and kept: credentials_file). Immutable once set, and so for
 * any thread.
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

/* Fill empty credentials with the sample's. 0 or -ENOMEM; done must be
 * called anyway. */
int credentials_set_sample(struct credentials *credentials);

/* Fill empty credentials at random. 0, -ENOMEM, or what getrandom
 * says; done must be called anyway. */
int credentials_set_random(struct credentials *credentials);

/* Whether the password is the sample's, and so no secret. */
bool credentials_are_sample(const struct credentials *credentials);

/* Forget all of them. */
void credentials_done(struct credentials *credentials);

/* The role that a key alone gives: admin, guest, or none (a wrong key). */
enum role credentials_role(
    const struct credentials *credentials, const char *key);

/* Whether this is the account. */
bool credentials_fit(const struct credentials *credentials, const char *email,
    const char *password);

#endif
