/* Random texts that nobody can guess, and the proof of RFC 7636 (PKCE, S256)
 * that who comes for a token is who asked for it. Thread-safe. The one home of
 * libcrypto here; called by login.c. */
#ifndef MCP_PKCE_H
#define MCP_PKCE_H

/* 32 random bytes, or a hash, in base64url without padding, and a NUL. */
#define PKCE_SIZE 44

/* A verifier, or a state. 0 or -EIO. */
int pkce_random(char out[PKCE_SIZE]);

/* What is shown of a verifier beforehand. 0 or -EIO. */
int pkce_challenge(const char *verifier, char out[PKCE_SIZE]);

#endif
