/*
 * HTML as it is written: our own markup, and whatever is foreign made harmless.
 * The first failure stays, and what is added after it is dropped, so that only
 * the end asks. Not thread-safe; for the pages.
 */
#ifndef EMULATOR_HTML_H
#define EMULATOR_HTML_H

#include <stdint.h>

#include "json/json.h"

struct html {
	struct buf *out;
	int error; /* 0, -ENOMEM or -EMSGSIZE */
};

/* Markup of our own, as it stands. */
void html_add(struct html *html, const char *markup);

/* The same, with numbers and words of our own in it. */
void html_format(struct html *html, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Foreign bytes as text, also for between double quotes. What is not UTF-8, and
 * what no page can show, becomes U+FFFD. */
void html_text(struct html *html, const char *data, size_t len);

/* The same of a string. */
void html_string(struct html *html, const char *string);

/* The same, ended with an ellipsis after most characters. */
void html_cut(struct html *html, const char *data, size_t len, size_t most);

/* Foreign bytes as a part of a URL's query, between double quotes. */
void html_query(struct html *html, const char *data, size_t len);

/* 1,234,567 */
void html_count(struct html *html, uint64_t count);

/* 1.2 MB */
void html_size(struct html *html, uint64_t size);

/* 2026-04-13 09:30, for machines to the millisecond; nothing where there is no
 * time. */
void html_date(struct html *html, int64_t ms);

#endif
