#include "emulator/page/value_view.h"

#include <errno.h>
#include <string.h>

#include "emulator/page/reference.h"
#include "emulator/query/cursor.h"

/* A page shows no more values, no deeper ones, and no longer texts. */
#define VALUES_MAX 2000
#define DEPTH_MAX 16
#define STRING_MOST 20000
#define KEY_MOST 200

struct walk {
	const struct view *view;
	const struct buf *own;
	size_t left; /* values that may still be shown */
};

static int write_value(
    struct walk *walk, struct json_span value, unsigned depth);

void value_view_cut(struct html *html, struct json_span token, size_t most)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	if (!json_is_string(token))
		html_cut(html, token.text, token.len, most);
	else if (json_string_decode(token, &text) == 0)
		html_cut(html, buf_str(&text), text.len, most);
	else
		html->error = -ENOMEM;
}

static int write_string(const struct walk *walk, struct json_span token)
{
	struct html *html = walk->view->html;
	CLEANUP_BUF struct buf text;
	struct reference reference;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = json_string_decode(token, &text);
	if (r < 0)
		return r;
	bool found = buf_compare(&text, walk->own) != 0 &&
		     reference_find(walk->view->site->store, &text, &reference);
	if (found)
		reference_open(html, &reference, &text);
	html_add(html, text.len ? "<bdi class=\"s\">" : "<bdi class=\"n\">");
	if (text.len)
		html_cut(html, buf_str(&text), text.len, STRING_MOST);
	else
		html_add(html, "empty");
	html_add(html, "</bdi>");
	if (found)
		reference_close(html, &reference, &text);
	return 0;
}

static void write_more(struct html *html)
{
	html_add(html, "<span class=\"n\">… more than fits here: "
		       "see the whole text</span>");
}

static void write_key(struct html *html, struct json_span key)
{
	html_add(html, "<dt><bdi>");
	value_view_cut(html, key, KEY_MOST);
	html_add(html, "</bdi></dt><dd>");
}

/* The members or elements, to the end or as far as there is room. */
static int write_all(
    struct walk *walk, struct cursor *cursor, unsigned depth, bool *ret_any)
{
	struct html *html = walk->view->html;
	struct json_span key, value;
	bool object = cursor->object;
	int r;
	while ((r = cursor_next(cursor, &key, &value)) > 0) {
		if (!*ret_any)
			html_add(html, object ? "<dl>\n" : "<ol>\n");
		*ret_any = true;
		if (object)
			write_key(html, key);
		else
			html_add(html, "<li>");
		bool full = walk->left == 0;
		if (full)
			write_more(html);
		else
			r = write_value(walk, value, depth + 1);
		html_add(html, object ? "</dd>\n" : "</li>\n");
		if (r < 0 || full)
			return r < 0 ? r : 0;
	}
	return r;
}

static int write_container(
    struct walk *walk, struct json_span value, unsigned depth)
{
	struct html *html = walk->view->html;
	struct cursor cursor;
	bool any = false;
	if (depth == DEPTH_MAX) {
		write_more(html);
		return 0;
	}
	cursor_init(&cursor, value);
	int r = write_all(walk, &cursor, depth, &any);
	if (any)
		html_add(html, cursor.object ? "</dl>" : "</ol>");
	else
		html_format(html, "<span class=\"n\">%s</span>",
		    cursor.object ? "{}" : "[]");
	return r;
}

static int write_value(
    struct walk *walk, struct json_span value, unsigned depth)
{
	struct html *html = walk->view->html;
	walk->left--;
	if (json_is_object(value) || json_is_array(value))
		return write_container(walk, value, depth);
	if (json_is_string(value))
		return write_string(walk, value);
	html_add(html, "<span class=\"n\">");
	html_cut(html, value.text, value.len, STRING_MOST);
	html_add(html, "</span>");
	return 0;
}

int value_view_write(
    const struct view *view, struct json_span value, const struct buf *own)
{
	struct walk walk = {.view = view, .own = own, .left = VALUES_MAX};
	return write_value(&walk, value, 0);
}
