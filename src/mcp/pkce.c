#include "mcp/pkce.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#define BYTES 32

/* 32 bytes are 43 characters: the last one holds but four bits. */
static void encode(const unsigned char *bytes, char out[PKCE_SIZE])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned held = 0, bits = 0;
	size_t used = 0;
	for (size_t i = 0; i < BYTES; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			out[used++] = digits[held >> (bits - 6) & 63];
	}
	out[used++] = digits[held << (6 - bits) & 63];
	out[used] = '\0';
}

int pkce_random(char out[PKCE_SIZE])
{
	unsigned char bytes[BYTES];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	encode(bytes, out);
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

int pkce_challenge(const char *verifier, char out[PKCE_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (!EVP_Digest(
		verifier, strlen(verifier), hash, &len, EVP_sha256(), NULL) ||
	    len != BYTES)
		return -EIO;
	encode(hash, out);
	return 0;
}
