#include "emulator/page/html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/percent.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "emulator/store/document.h"

static void note(struct html *html, int r)
{
	if (html->error == 0)
		html->error = r;
}

void html_add(struct html *html, const char *markup)
{
	if (html->error == 0)
		note(html, buf_adds(html->out, markup));
}

void html_format(struct html *html, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	html_add(html, text);
}

/* What a character of ASCII has to be written as, or NULL: as it is. */
static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n':
	case '\t':
		return NULL;
	default:
		return (unsigned char)c < ' ' || c == 0x7f ? "\xef\xbf\xbd"
							   : NULL;
	}
}

/* C1 controls, and what is no character at all. */
static bool is_unfit(uint32_t code)
{
	return (code >= 0x80 && code < 0xa0) || (code & 0xfffe) == 0xfffe ||
	       (code >= 0xfdd0 && code <= 0xfdef);
}

/* One character; how many bytes it was. */
static size_t add_character(struct html *html, const char *data, size_t len)
{
	uint32_t code;
	size_t n = utf8_sequence(data, len, &code);
	const char *instead = n == 1 ? entity(*data) : NULL;
	if (n == 0 || is_unfit(code))
		instead = "\xef\xbf\xbd";
	if (instead)
		html_add(html, instead);
	else if (html->error == 0)
		note(html, buf_add(html->out, data, n));
	return n ? n : 1;
}

void html_text(struct html *html, const char *data, size_t len)
{
	while (len > 0 && html->error == 0) {
		size_t n = add_character(html, data, len);
		data += n;
		len -= n;
	}
}

void html_string(struct html *html, const char *string)
{
	html_text(html, string, strlen(string));
}

void html_cut(struct html *html, const char *data, size_t len, size_t most)
{
	while (len > 0 && most > 0 && html->error == 0) {
		size_t n = add_character(html, data, len);
		data += n;
		len -= n;
		most--;
	}
	if (len > 0)
		html_add(html, "…");
}

void html_query(struct html *html, const char *data, size_t len)
{
	if (html->error == 0)
		note(html, percent_encode(data, len, html->out));
}

void html_count(struct html *html, uint64_t count)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	for (int i = 0; i < len; i++)
		html_format(html, i > 0 && (len - i) % 3 == 0 ? ",%c" : "%c",
		    digits[i]);
}

void html_size(struct html *html, uint64_t size)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)size / 1000;
	size_t unit = 0;
	if (size < 1000) {
		html_format(html, "%" PRIu64 " B", size);
		return;
	}
	for (; value >= 999.5 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1000;
	html_format(
	    html, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void html_date(struct html *html, int64_t ms)
{
	char text[TIMESTAMP_SIZE];
	if (ms == DOCUMENT_NO_TIME)
		return;
	timestamp_format(ms, text);
	char *clock = strchr(text, 'T');
	html_format(html, "<time datetime=\"%s\">", text);
	if (clock)
		html_format(
		    html, "%.*s %.5s", (int)(clock - text), text, clock + 1);
	html_add(html, "</time>");
}
