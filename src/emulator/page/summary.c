#include "emulator/page/summary.h"

#include <string.h>

#include "emulator/page/value_view.h"
#include "emulator/query/cursor.h"

#define HEADLINE_MOST 120
#define KEY_MOST 30
#define VALUE_MOST 60

/* What a record is called by, the best first. */
static const char *const headline_keys[] = {"\"title\"", "\"name\"",
    "\"displayName\"", "\"fullName\"", "\"headline\"", "\"subject\"",
    "\"label\"", "\"username\"", "\"email\"", "\"slug\"", "\"text\"",
    "\"body\"", "\"content\"", "\"message\""};

/* What every record has, and stands elsewhere. */
static const char *const common_keys[] = {
    "\"id\"", "\"_id\"", "\"createdAt\"", "\"updatedAt\"", "\"createdBy\""};

static bool is_span(struct json_span span, const char *text)
{
	return span.len == strlen(text) &&
	       memcmp(span.text, text, span.len) == 0;
}

/* Where the key stands in the list; count: nowhere. */
static size_t find(struct json_span key, const char *const *list, size_t count)
{
	size_t i = 0;
	while (i < count && !is_span(key, list[i]))
		i++;
	return i;
}

static bool is_plain(struct json_span value)
{
	return !json_is_object(value) && !json_is_array(value) &&
	       !is_span(value, "null") && !is_span(value, "\"\"");
}

static void add(
    struct summary *summary, struct json_span key, struct json_span value)
{
	if (summary->count == ARRAY_SIZE(summary->keys))
		return;
	summary->keys[summary->count] = key;
	summary->values[summary->count++] = value;
}

int summary_read(struct json_span record, struct summary *ret_summary)
{
	struct summary summary = {0};
	struct json_span key, value;
	size_t best = ARRAY_SIZE(headline_keys);
	struct cursor cursor;
	int r;
	cursor_init(&cursor, record);
	while ((r = cursor_next(&cursor, &key, &value)) > 0) {
		size_t rank =
		    find(key, headline_keys, ARRAY_SIZE(headline_keys));
		size_t common = find(key, common_keys, ARRAY_SIZE(common_keys));
		if (!is_plain(value) || common < ARRAY_SIZE(common_keys))
			continue;
		if (rank < best && json_is_string(value)) {
			best = rank;
			summary.headline = value;
		} else {
			add(&summary, key, value);
		}
	}
	if (r == 0)
		*ret_summary = summary;
	return r;
}

void summary_write(struct html *html, const struct summary *summary,
    const char *id, size_t id_len)
{
	html_add(html, "<b><bdi>");
	if (summary->headline.text)
		value_view_cut(html, summary->headline, HEADLINE_MOST);
	else
		html_cut(html, id, id_len, HEADLINE_MOST);
	html_add(html, "</bdi></b>");
	if (summary->count == 0)
		return;
	html_add(html, "<small>");
	for (size_t i = 0; i < summary->count; i++) {
		html_add(html, "<span><i><bdi>");
		value_view_cut(html, summary->keys[i], KEY_MOST);
		html_add(html, "</bdi></i> <bdi>");
		value_view_cut(html, summary->values[i], VALUE_MOST);
		html_add(html, "</bdi></span> ");
	}
	html_add(html, "</small>");
}
