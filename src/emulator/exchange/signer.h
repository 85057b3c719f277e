/* Signatures that only this process can make: SipHash-2-4 under a random key,
 * twice. Enough for URLs that live a quarter of an hour. Thread-safe. */
#ifndef EMULATOR_SIGNER_H
#define EMULATOR_SIGNER_H

#include <stddef.h>
#include <stdint.h>

struct signer {
	uint64_t keys[4];
};

/* 32 hex digits and a NUL. */
#define SIGNATURE_SIZE 33

/* 0, or what getrandom says. */
int signer_init(struct signer *signer);

/* The signature of data into out. Returns out. */
char *signer_sign(const struct signer *signer, const void *data, size_t len,
    char out[SIGNATURE_SIZE]);

/* count random bytes as 2*count hex digits and a NUL. 0 or -errno. */
int signer_random_hex(char *out, size_t count);

#endif
