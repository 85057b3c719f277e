/* FNV-1a, 64 bit: http://www.isthe.com/chongo/tech/comp/fnv/ */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_FNV1A_INIT UINT64_C(0xcbf29ce484222325)

/* Continue hash over len more bytes; begin with HASH_FNV1A_INIT. */
static inline uint64_t hash_fnv1a(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;
	/* The analyser does not know that a number is made of bytes. */
	for (size_t i = 0; i < len; i++)
		// NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
