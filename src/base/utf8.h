/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, at most
 * U+10FFFF. Thread-safe. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Length in bytes (1 to 4) of the valid sequence at text, 0 when the bytes
 * there are not UTF-8 (or len is 0). ret_code may be NULL. */
static inline size_t utf8_sequence(
    const char *text, size_t len, uint32_t *ret_code)
{
	const unsigned char *p = (const unsigned char *)text;
	if (len == 0)
		return 0;
	size_t n = p[0] < 0x80		   ? 1
		   : (p[0] & 0xe0) == 0xc0 ? 2
		   : (p[0] & 0xf0) == 0xe0 ? 3
		   : (p[0] & 0xf8) == 0xf0 ? 4
					   : 0;
	if (n == 0 || n > len)
		return 0;
	static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t code = p[0] & lead[n];
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	if (ret_code)
		*ret_code = code;
	return n;
}

/* Whether all of text is UTF-8. */
static inline bool utf8_is_valid(const char *text, size_t len)
{
	size_t n = 1;
	for (; len && n; text += n, len -= n)
		n = utf8_sequence(text, len, NULL);
	return n != 0;
}

/* The bytes of a byte order mark at the start of a text, 3 or 0. Some servers
 * send one, and some editors write one. RFC 8259 lets who reads JSON pass over
 * it: whoever takes in an answer does. */
static inline size_t utf8_mark_len(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

#endif
