/* Proof Key for Code Exchange (RFC 7636), by SHA-256 alone: who fetches the
 * tokens must be who asked for them. Pure; the one home of libcrypto. */
#ifndef EMULATOR_CHALLENGE_H
#define EMULATOR_CHALLENGE_H

#include <stdbool.h>

/* Whether text can be a challenge: 43 characters of base64url. */
bool challenge_is_valid(const char *text);

/* Whether it is the challenge of that verifier. False, too, for one that cannot
 * be a verifier. */
bool challenge_fits(const char *challenge, const char *verifier);

#endif
