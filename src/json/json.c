#include "json/json.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "json/gap.h"
#include "json/lex.h"

int json_check(const char *text, size_t len)
{
	struct lex lex;
	struct lex_token token;
	lex_init(&lex, text, len);
	do {
		int r = lex_next(&lex, &token);
		if (r < 0)
			return r;
	} while (token.kind != LEX_END);
	return 0;
}

int json_hash(const char *text, size_t len, uint64_t *ret_hash)
{
	struct lex lex;
	struct lex_token token;
	uint64_t hash = HASH_FNV1A_INIT;
	lex_init(&lex, text, len);
	for (;;) {
		int r = lex_next(&lex, &token);
		if (r < 0)
			return r;
		if (token.kind == LEX_END)
			break;
		hash = hash_fnv1a(hash, token.text, token.len);
		hash = hash_fnv1a(hash, "", 1);
	}
	*ret_hash = hash;
	return 0;
}

static struct json_span span_of(const struct lex_token *token)
{
	return (struct json_span){token->text, token->len};
}

/* The first byte tells most names apart, without a call. */
static inline bool bytes_are(const char *name, const char *text, size_t len)
{
	return len > 0 ? *name == *text && strlen(name) == len &&
			     memcmp(name, text, len) == 0
		       : !*name;
}

/* A key, without its quotes and escapes. */
static void set_value(const char *const names[], size_t count, const char *key,
    size_t key_len, struct json_span value, struct json_span spans[])
{
	for (size_t i = 0; i < count; i++)
		if (bytes_are(names[i], key, key_len))
			spans[i] = value;
}

static int set_members(const char *const names[], size_t count,
    struct json_span key, struct json_span value, struct json_span spans[])
{
	/* There is a key: no value comes before one. */
	// NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker)
	if (!memchr(key.text, '\\', key.len)) {
		set_value(
		    names, count, key.text + 1, key.len - 2, value, spans);
		return 0;
	}
	CLEANUP_BUF struct buf decoded;
	buf_init(&decoded, key.len);
	int r = json_string_decode(key, &decoded);
	if (r == 0)
		set_value(
		    names, count, buf_str(&decoded), decoded.len, value, spans);
	return r;
}

/* The object's opening brace was read. */
static int find_members(struct lex *lex, const char *const names[],
    size_t count, struct json_span spans[], uint64_t *ret_size)
{
	struct json_span key = {0}, value = {0};
	struct gap_sum sum = {LEX_OPEN, 1};
	for (;;) {
		struct lex_token token;
		unsigned depth = lex->depth;
		int r = gap_sum_next(&sum, lex, &token);
		if (r < 0)
			return r;
		if (token.kind == LEX_END) {
			*ret_size = sum.size;
			return 0;
		}
		if (depth > 1 && lex->depth > 1)
			continue;
		if (token.kind == LEX_KEY) {
			key = span_of(&token);
			continue;
		}
		if (depth == 1)
			value.text = token.text;
		if (lex->depth != 1)
			continue;
		value.len = (size_t)(lex->at - value.text);
		r = set_members(names, count, key, value, spans);
		if (r < 0)
			return r;
	}
}

int json_members(const char *text, size_t len, const char *const names[],
    size_t count, struct json_span spans[])
{
	uint64_t size;
	return json_members_and_size(text, len, names, count, spans, &size);
}

int json_members_and_size(const char *text, size_t len,
    const char *const names[], size_t count, struct json_span spans[],
    uint64_t *ret_size)
{
	struct lex lex;
	struct lex_token token;
	for (size_t i = 0; i < count; i++)
		spans[i] = (struct json_span){0};
	lex_init(&lex, text, len);
	int r = lex_next(&lex, &token);
	if (r < 0)
		return r;
	if (!json_is_object(span_of(&token)))
		return -EPROTO;
	r = find_members(&lex, names, count, spans, ret_size);
	if (r < 0) {
		for (size_t i = 0; i < count; i++)
			spans[i] = (struct json_span){0};
	}
	return r;
}

int json_plain_members(
    const char *text, size_t len, json_member_fn fn, void *ctx)
{
	struct lex lex;
	struct lex_token token = {.kind = LEX_END};
	struct json_span name = {0};
	lex_init(&lex, text, len);
	int r = lex_next(&lex, &token);
	if (r < 0)
		return r;
	if (!json_is_object(span_of(&token)))
		return -EPROTO;
	while (r == 0 && token.kind != LEX_END) {
		if (token.kind == LEX_KEY && lex.depth == 1)
			name = span_of(&token);
		else if (name.text &&
			 (token.kind == LEX_STRING || token.kind == LEX_NUMBER))
			fn(ctx, name, span_of(&token));
		if (token.kind != LEX_KEY)
			name = (struct json_span){0};
		r = lex_next(&lex, &token);
	}
	return r;
}

static bool begins_with(struct json_span value, char c)
{
	return value.len > 0 && value.text[0] == c;
}

bool json_is_string(struct json_span value)
{
	return begins_with(value, '"');
}

bool json_is_number(struct json_span value)
{
	return begins_with(value, '-') ||
	       (value.len > 0 && value.text[0] >= '0' && value.text[0] <= '9');
}

bool json_is_object(struct json_span value)
{
	return begins_with(value, '{');
}

bool json_is_array(struct json_span value)
{
	return begins_with(value, '[');
}

bool json_is_true(struct json_span value)
{
	return value.len == 4 && memcmp(value.text, "true", 4) == 0;
}

int json_int64(struct json_span value, int64_t *ret)
{
	if (value.len == 0)
		return -EPROTO;
	const char *p = value.text, *end = value.text + value.len;
	if (value.len >= 2 && *p == '"' && end[-1] == '"') {
		p++;
		end--;
	}
	if (p == end || (*p == '0' && end - p > 1))
		return -EPROTO;
	int64_t n = 0;
	for (; p != end; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *p - '0', &n))
			return -EPROTO;
	}
	*ret = n;
	return 0;
}

/* Four hex digits that were checked before. */
static uint32_t read_hex4(const char *p)
{
	uint32_t code = 0;
	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i];
		code = code << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return code;
}

/* Any code point, surrogates too. Returns the length in bytes. */
static size_t encode_utf8(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	out[0] = (char)((0xf00 >> len & 0xff) | code);
	return len;
}

static bool is_surrogate(uint32_t code, uint32_t first)
{
	return code >= first && code < first + 0x400;
}

/* \uXXXX, and a second one when the two make a pair. Returns what follows. */
static const char *decode_unicode(
    const char *p, const char *end, char out[4], size_t *ret_len)
{
	uint32_t code = read_hex4(p + 2);
	p += 6;
	if (is_surrogate(code, 0xd800) && end - p >= 6 && p[0] == '\\' &&
	    p[1] == 'u') {
		uint32_t low = read_hex4(p + 2);
		if (is_surrogate(low, 0xdc00)) {
			code =
			    0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
			p += 6;
		}
	}
	*ret_len = encode_utf8(code, out);
	return p;
}

static const char escape_letters[] = "bfnrt", escape_bytes[] = "\b\f\n\r\t";

/* p is at the backslash of a valid escape. Returns what follows. */
static const char *decode_escape(
    const char *p, const char *end, char out[4], size_t *ret_len)
{
	if (p[1] == 'u')
		return decode_unicode(p, end, out, ret_len);
	const char *letter = strchr(escape_letters, p[1]);
	out[0] = letter ? escape_bytes[letter - escape_letters] : p[1];
	*ret_len = 1;
	return p + 2;
}

/* The inside of a valid string token. */
static int decode_body(const char *p, const char *end, struct buf *out)
{
	while (p != end) {
		const char *run = memchr(p, '\\', (size_t)(end - p));
		run = run ? run : end;
		int r = buf_add(out, p, (size_t)(run - p));
		p = run;
		if (r == 0 && p != end) {
			char bytes[4];
			size_t len;
			p = decode_escape(p, end, bytes, &len);
			r = buf_add(out, bytes, len);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static void buf_cut(struct buf *buf, size_t len)
{
	if (!buf->data)
		return;
	buf->len = len;
	buf->data[len] = '\0';
}

int json_string_decode(struct json_span value, struct buf *out)
{
	if (!json_is_string(value))
		return -EPROTO;
	const char *end = value.text + value.len;
	if (lex_string(value.text, end) != end)
		return -EPROTO;
	size_t before = out->len;
	int r = decode_body(value.text + 1, end - 1, out);
	if (r < 0)
		buf_cut(out, before);
	return r;
}

/* The three bytes of a lone surrogate, as json_string_decode makes them. */
static bool surrogate_at(const unsigned char *p, size_t len, unsigned *ret_code)
{
	if (len < 3 || p[0] != 0xed || p[1] < 0xa0 || p[1] > 0xbf ||
	    (p[2] & 0xc0) != 0x80)
		return false;
	*ret_code = 0xd000u | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	return true;
}

/* Append what stands at p, at least one byte. Returns the bytes taken. */
static int encode_one(
    const char *p, size_t len, struct buf *out, size_t *ret_taken)
{
	uint32_t code;
	unsigned surrogate;
	size_t n = utf8_sequence(p, len, &code);
	*ret_taken = n ? n : 1;
	if (n == 0) {
		if (!surrogate_at((const unsigned char *)p, len, &surrogate))
			return buf_adds(out, "\\ufffd");
		*ret_taken = 3;
		return buf_printf(out, "\\u%04x", surrogate);
	}
	if (code == '"' || code == '\\')
		return buf_printf(out, "\\%c", (char)code);
	if (code >= 0x20 && code != 0x7f)
		return buf_add(out, p, n);
	const char *escape = code ? strchr(escape_bytes, (int)code) : NULL;
	if (escape)
		return buf_printf(
		    out, "\\%c", escape_letters[escape - escape_bytes]);
	return buf_printf(out, "\\u%04x", (unsigned)code);
}

int json_string_encode(const char *data, size_t len, struct buf *out)
{
	size_t before = out->len;
	int r = buf_addc(out, '"');
	for (size_t i = 0, taken; r == 0 && i < len; i += taken)
		r = encode_one(data + i, len - i, out, &taken);
	if (r == 0)
		r = buf_addc(out, '"');
	if (r < 0)
		buf_cut(out, before);
	return r;
}
