#include "base/percent.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool percent_is_escape(const char *text, size_t len)
{
	return len >= 3 && text[0] == '%' && hex_digit(text[1]) >= 0 &&
	       hex_digit(text[2]) >= 0;
}

int percent_decode(const char *text, size_t len, bool plus, struct buf *out)
{
	int r = buf_reserve(out, len);
	for (size_t i = 0; r == 0 && i < len; i++) {
		char c = text[i];
		if (c == '+' && plus) {
			c = ' ';
		} else if (percent_is_escape(text + i, len - i)) {
			c = (char)(hex_digit(text[i + 1]) << 4 |
				   hex_digit(text[i + 2]));
			i += 2;
		}
		r = buf_addc(out, c);
	}
	return r;
}

int percent_escape(const char *data, size_t len, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";
	int r = 0;
	for (size_t i = 0; r == 0 && i < len; i++) {
		unsigned char c = (unsigned char)data[i];
		char code[3] = {'%', hex[c >> 4], hex[c & 15]};
		r = buf_add(out, code, 3);
	}
	return r;
}

int percent_encode(const char *data, size_t len, struct buf *out)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < len; i++) {
		unsigned char c = (unsigned char)data[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));
		r = plain ? buf_addc(out, (char)c)
			  : percent_escape(data + i, 1, out);
	}
	return r;
}
