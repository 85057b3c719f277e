#include "emulator/store/generate.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"

/* 2024-01-01T00:00:00Z; each number is a second later. */
#define GENERATE_EPOCH INT64_C(1704067200)

/* Records from this size on have fields of all kinds. */
#define LARGE 300

#define BLOCK 4096
#define PATTERN_SIZE ((size_t)1 << 20)

/* SplitMix64's finaliser: every bit of the result depends on every bit. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

char *generate_id(uint64_t number, char out[GENERATE_ID_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	uint32_t seconds = (uint32_t)(GENERATE_EPOCH + (int64_t)number);
	uint64_t rest = mix(number);
	for (int i = 7; i >= 0; i--, seconds >>= 4)
		out[i] = hex[seconds & 15];
	for (int i = 23; i >= 8; i--, rest >>= 4)
		out[i] = hex[rest & 15];
	out[GENERATE_ID_LEN] = '\0';
	return out;
}

int64_t generate_created_ms(uint64_t number)
{
	return (GENERATE_EPOCH + (int64_t)number) * 1000 +
	       (int64_t)(mix(number) % 400);
}

/* Less than a second after createdAt, so that it grows with the number too. */
int64_t generate_updated_ms(uint64_t number)
{
	return generate_created_ms(number) + (int64_t)(mix(~number) % 600);
}

static int add_padding(uint64_t number, size_t len, struct buf *out)
{
	static const char words[] =
	    "the quick brown fox jumps over the lazy dog while a sphinx of "
	    "black quartz judges my vow and five boxing wizards jump quickly ";
	size_t at = mix(number ^ 0x70616464) % (sizeof(words) - 1);
	int r = buf_reserve(out, len);
	while (r == 0 && len > 0) {
		size_t n = sizeof(words) - 1 - at;
		if (n > len)
			n = len;
		r = buf_add(out, words + at, n);
		len -= n;
		at = 0;
	}
	return r;
}

int generate_record(
    const char *table, uint64_t number, size_t size, struct buf *out)
{
	char id[GENERATE_ID_LEN + 1];
	char created[TIMESTAMP_SIZE], updated[TIMESTAMP_SIZE];
	size_t start = out->len;
	int r = buf_printf(out,
	    "{\"id\":\"%s\",\"createdBy\":\"\",\"createdAt\":\"%s\","
	    "\"updatedAt\":\"%s\",\"number\":%" PRIu64 ","
	    "\"title\":\"Record %" PRIu64 " of %s\",",
	    generate_id(number, id),
	    timestamp_format(generate_created_ms(number), created),
	    timestamp_format(generate_updated_ms(number), updated), number,
	    number, table);
	if (r == 0 && size >= LARGE)
		r = buf_printf(out,
		    "\"big\":%" PRIu64 ",\"ratio\":%" PRIu64 ".0,"
		    "\"group\":\"g%" PRIu64 "\",\"note\":null,"
		    "\"tags\":[\"α\",\"日本\"],\"nested\":{\"deep\":[%" PRIu64
		    ",{}]},",
		    UINT64_C(1234567890000000000) + number, number % 100,
		    number % 10, mix(number) % 1000);
	if (r == 0)
		r = buf_adds(out, "\"text\":\"");
	size_t used = out->len - start + 2;
	if (r == 0 && used < size)
		r = add_padding(number, size - used, out);
	return r == 0 ? buf_adds(out, "\"}") : r;
}

int generate_properties(size_t size, struct buf *out)
{
	int r = buf_adds(out, "\"number\":{\"bsonType\":\"long\"},"
			      "\"title\":{\"bsonType\":\"string\"},");
	if (r == 0 && size >= LARGE)
		r = buf_adds(out,
		    "\"big\":{\"bsonType\":\"long\"},"
		    "\"ratio\":{\"bsonType\":\"double\"},"
		    "\"group\":{\"bsonType\":\"string\"},"
		    "\"note\":{\"bsonType\":[\"string\",\"null\"]},"
		    "\"tags\":{\"bsonType\":\"array\",\"items\":{\"bsonType\":"
		    "\"string\"}},\"nested\":{\"bsonType\":\"object\","
		    "\"properties\":{\"deep\":{\"bsonType\":\"array\"}}},");
	return r == 0 ? buf_adds(out, "\"text\":{\"bsonType\":\"string\"}") : r;
}

int generate_metadata(uint64_t number, uint64_t size, struct buf *out)
{
	char id[GENERATE_ID_LEN + 1], created[TIMESTAMP_SIZE];
	generate_id(number, id);
	return buf_printf(out,
	    "{\"id\":\"%s\",\"s3Key\":\"generated/%s\","
	    "\"originalName\":\"generated-%06" PRIu64 ".bin\","
	    "\"mimeType\":\"application/octet-stream\",\"size\":%" PRIu64 ","
	    "\"visibility\":\"private\",\"ownerId\":\"\","
	    "\"createdAt\":\"%s\",\"updatedAt\":\"%s\"}",
	    id, id, number, size,
	    timestamp_format(generate_created_ms(number), created), created);
}

static uint64_t pattern[PATTERN_SIZE / 8];

static void pattern_fill(void)
{
	for (size_t i = 0; i < PATTERN_SIZE / 8; i++)
		pattern[i] = mix(i + UINT64_C(0x6f626a656374));
}

/* One whole block: the pattern's own, each word xored with a key that no
 * other block has. The loop is what the compiler makes vectors of. */
static void block_fill(uint64_t number, uint64_t block, uint64_t *restrict data)
{
	uint64_t key = mix(mix(number) ^ block);
	const uint64_t *from =
	    pattern + block % (PATTERN_SIZE / BLOCK) * (BLOCK / 8);
	for (size_t i = 0; i < BLOCK / 8; i++)
		data[i] = from[i] ^ key;
}

void generate_bytes(uint64_t number, uint64_t offset, void *data, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, pattern_fill);
	char *to = data;
	while (len > 0) {
		size_t skip = offset % BLOCK;
		size_t n = BLOCK - skip < len ? BLOCK - skip : len;
		if (n == BLOCK && (uintptr_t)to % sizeof(uint64_t) == 0) {
			block_fill(number, offset / BLOCK, (void *)to);
		} else {
			uint64_t block[BLOCK / 8];
			block_fill(number, offset / BLOCK, block);
			memcpy(to, (char *)block + skip, n);
		}
		to += n;
		offset += n;
		len -= n;
	}
}
