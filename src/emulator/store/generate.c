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

/* All of a record but its padding and its table's name, and that. */
#define HEAD_SIZE (600 + GENERATE_TABLE_MAX)

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

/* ---- digits: what printf does, for a query that looks at all records ---- */

static char *put_digits(char *to, uint64_t number, int digits)
{
	for (int i = digits - 1; i >= 0; i--, number /= 10)
		to[i] = (char)('0' + number % 10);
	return to + digits;
}

static char *put_number(char *to, uint64_t number)
{
	int digits = 1;
	for (uint64_t rest = number; rest >= 10; rest /= 10)
		digits++;
	return put_digits(to, number, digits);
}

/* The time as timestamp_format writes it, of a year from 1970 to 9999. The days
 * are counted in years that begin in March:
 * https://howardhinnant.github.io/date_algorithms.html#civil_from_days */
static char *put_time(char *to, int64_t ms)
{
	uint64_t seconds = (uint64_t)ms / 1000;
	uint64_t days = seconds / 86400 + 719468;
	uint64_t of_era = days % 146097;
	uint64_t year =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t day = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	year += days / 146097 * 400 + (month <= 2);
	to = put_digits(to, year, 4);
	*to++ = '-';
	to = put_digits(to, month, 2);
	*to++ = '-';
	to = put_digits(to, day + 1, 2);
	*to++ = 'T';
	to = put_digits(to, seconds / 3600 % 24, 2);
	*to++ = ':';
	to = put_digits(to, seconds / 60 % 60, 2);
	*to++ = ':';
	to = put_digits(to, seconds % 60, 2);
	*to++ = '.';
	to = put_digits(to, (uint64_t)ms % 1000, 3);
	*to++ = 'Z';
	return to;
}

static char *put_head(char *to, const char *table, uint64_t number)
{
	char id[GENERATE_ID_LEN + 1];
	to = stpcpy(to, "{\"id\":\"");
	to = stpcpy(to, generate_id(number, id));
	to = stpcpy(to, "\",\"createdBy\":\"\",\"createdAt\":\"");
	to = put_time(to, generate_created_ms(number));
	to = stpcpy(to, "\",\"updatedAt\":\"");
	to = put_time(to, generate_updated_ms(number));
	to = stpcpy(to, "\",\"number\":");
	to = put_number(to, number);
	to = stpcpy(to, ",\"title\":\"Record ");
	to = put_number(to, number);
	to = stpcpy(to, " of ");
	to = stpcpy(to, table);
	return stpcpy(to, "\",");
}

/* Fields of all kinds. */
static char *put_fields(char *to, uint64_t number)
{
	to = stpcpy(to, "\"big\":");
	to = put_number(to, UINT64_C(1234567890000000000) + number);
	to = stpcpy(to, ",\"ratio\":");
	to = put_number(to, number % 100);
	to = stpcpy(to, ".0,\"group\":\"g");
	to = put_number(to, number % 10);
	to = stpcpy(to, "\",\"note\":null,\"tags\":[\"α\",\"日本\"],"
			"\"nested\":{\"deep\":[");
	to = put_number(to, mix(number) % 1000);
	return stpcpy(to, ",{}]},");
}

int generate_record(
    const char *table, uint64_t number, size_t size, struct buf *out)
{
	char head[HEAD_SIZE], *end = put_head(head, table, number);
	if (size >= LARGE)
		end = put_fields(end, number);
	end = stpcpy(end, "\"text\":\"");
	size_t used = (size_t)(end - head) + 2;
	int r = buf_add(out, head, used - 2);
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
