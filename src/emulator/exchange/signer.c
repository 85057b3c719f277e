#include "emulator/exchange/signer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static int random_bytes(void *data, size_t len)
{
	ssize_t n = getrandom(data, len, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int signer_init(struct signer *signer)
{
	return random_bytes(signer->keys, sizeof(signer->keys));
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* https://www.aumasson.jp/siphash/siphash.pdf */
static uint64_t siphash(const uint64_t key[2], const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575),
	    key[1] ^ UINT64_C(0x646f72616e646f6d),
	    key[0] ^ UINT64_C(0x6c7967656e657261),
	    key[1] ^ UINT64_C(0x7465646279746573)};
	for (size_t i = 0; i <= len / 8; i++) {
		uint64_t word = i == len / 8 ? (uint64_t)len << 56 : 0;
		size_t n = i == len / 8 ? len % 8 : 8;
		for (size_t j = 0; j < n; j++)
			word |= (uint64_t)p[i * 8 + j] << (8 * j);
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

char *signer_sign(const struct signer *signer, const void *data, size_t len,
    char out[SIGNATURE_SIZE])
{
	snprintf(out, SIGNATURE_SIZE, "%016" PRIx64 "%016" PRIx64,
	    siphash(signer->keys, data, len),
	    siphash(signer->keys + 2, data, len));
	return out;
}

int signer_random_hex(char *out, size_t count)
{
	unsigned char byte;
	for (size_t i = 0; i < count; i++) {
		int r = random_bytes(&byte, 1);
		if (r < 0)
			return r;
		snprintf(out + 2 * i, 3, "%02x", byte);
	}
	return 0;
}
