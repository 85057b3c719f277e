#include "emulator/oauth/challenge.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define LETTERS                                                                \
	"abcdefghijklmnopqrstuvwxyz"                                           \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                           \
	"0123456789"

/* Of a SHA-256 in base64, without the one "=" at its end. */
#define CHALLENGE_LEN 43
#define HASH_LEN 32

bool challenge_is_valid(const char *text)
{
	return strlen(text) == CHALLENGE_LEN &&
	       strspn(text, LETTERS "-_") == CHALLENGE_LEN;
}

static bool verifier_is_valid(const char *text)
{
	size_t len = strlen(text);
	return len >= 43 && len <= 128 && strspn(text, LETTERS "-._~") == len;
}

bool challenge_fits(const char *challenge, const char *verifier)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	/* Whole groups of four, and a NUL. */
	unsigned char text[(HASH_LEN + 2) / 3 * 4 + 1];
	unsigned len = 0;
	if (!challenge_is_valid(challenge) || !verifier_is_valid(verifier))
		return false;
	if (EVP_Digest(verifier, strlen(verifier), hash, &len, EVP_sha256(),
		NULL) != 1 ||
	    len != HASH_LEN)
		return false;
	EVP_EncodeBlock(text, hash, HASH_LEN);
	for (size_t i = 0; i < CHALLENGE_LEN; i++) {
		if (text[i] == '+')
			text[i] = '-';
		else if (text[i] == '/')
			text[i] = '_';
	}
	return CRYPTO_memcmp(text, challenge, CHALLENGE_LEN) == 0;
}
