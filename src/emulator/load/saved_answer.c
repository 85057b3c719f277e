#include "emulator/load/saved_answer.h"

#include <string.h>

/* The members that tell, in this order. */
enum member {
	MEMBER_ID,
	MEMBER__ID,
	MEMBER_ITEMS,
	MEMBER_DATA,
	MEMBER_PAGINATION,
	MEMBER_SUCCESS,
	MEMBER_ERROR,
	MEMBER_STATUS_CODE,
	MEMBER_CODE,
	MEMBER_MESSAGE,
	MEMBER_RECORDS,
	MEMBER_CREATED,
	MEMBER_UPDATED,
	MEMBER_TABLE,
	MEMBERS
};

static int read_members(const char *text, size_t len, const char *table,
    struct json_span spans[MEMBERS])
{
	const char *const names[MEMBERS] = {"id", "_id", "items", "data",
	    "pagination", "success", "error", "statusCode", "code", "message",
	    "records", "createdAt", "updatedAt", table};
	return json_members(text, len, names, MEMBERS, spans);
}

static bool is_word(struct json_span span, const char *word)
{
	return span.text && span.len == strlen(word) &&
	       memcmp(span.text, word, span.len) == 0;
}

static void read_pagination(
    struct json_span pagination, struct saved_answer *answer)
{
	static const char *const names[] = {
	    "total", "totalPages", "page", "hasNext", "hasNextPage"};
	struct json_span spans[ARRAY_SIZE(names)];
	if (!pagination.text || json_members(pagination.text, pagination.len,
				    names, ARRAY_SIZE(names), spans) < 0)
		return;
	if (json_int64(spans[0], &answer->total) < 0)
		answer->total = -1;
	if (json_int64(spans[1], &answer->total_pages) < 0)
		answer->total_pages = -1;
	if (json_int64(spans[2], &answer->page) < 0)
		answer->page = -1;
	answer->more = is_word(spans[3], "true") || is_word(spans[4], "true");
}

static bool is_array(struct json_span span)
{
	return span.text && json_is_array(span);
}

/* An array of records, by any of the names that one goes by, in an object whose
 * members are these. What it says of the rest may stand in it as well. */
static bool read_page(struct json_span object,
    const struct json_span spans[MEMBERS], struct saved_answer *answer)
{
	struct json_span pagination = spans[MEMBER_PAGINATION];
	static const enum member arrays[] = {
	    MEMBER_ITEMS, MEMBER_DATA, MEMBER_RECORDS, MEMBER_TABLE};
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		if (!is_array(spans[arrays[i]]))
			continue;
		answer->items = spans[arrays[i]];
		read_pagination(pagination.text ? pagination : object, answer);
		return true;
	}
	return false;
}

static bool read_error(
    const struct json_span spans[MEMBERS], struct saved_answer *answer)
{
	static const char *const names[] = {"code", "message"};
	struct json_span error = spans[MEMBER_ERROR];
	struct json_span inner[ARRAY_SIZE(names)] = {{0}};
	bool refused = is_word(spans[MEMBER_SUCCESS], "false");
	if (is_word(error, "null"))
		error = (struct json_span){0};
	if (!error.text && !refused && !spans[MEMBER_STATUS_CODE].text &&
	    !(spans[MEMBER_CODE].text && spans[MEMBER_MESSAGE].text))
		return false;
	if (error.text && json_is_object(error))
		json_members(
		    error.text, error.len, names, ARRAY_SIZE(names), inner);
	else
		inner[0] = error;
	answer->status = spans[MEMBER_STATUS_CODE];
	answer->code = inner[0].text ? inner[0] : spans[MEMBER_CODE];
	answer->message = inner[1].text ? inner[1] : spans[MEMBER_MESSAGE];
	return true;
}

/* Some errors bear the id of their request. */
static bool is_record(const struct json_span spans[MEMBERS], bool is_answer)
{
	struct saved_answer error;
	bool dated = spans[MEMBER_CREATED].text || spans[MEMBER_UPDATED].text;
	bool refused =
	    is_word(spans[MEMBER_SUCCESS], "false") && spans[MEMBER_ERROR].text;
	if (!spans[MEMBER_ID].text && !spans[MEMBER__ID].text)
		return false;
	return dated || !(is_answer ? read_error(spans, &error) : refused);
}

int saved_answer_read(const char *text, size_t len, const char *table,
    bool is_answer, enum saved_answer_kind *ret_kind,
    struct saved_answer *ret_answer)
{
	struct json_span spans[MEMBERS], inner[MEMBERS];
	*ret_answer =
	    (struct saved_answer){.total = -1, .total_pages = -1, .page = -1};
	int r = read_members(text, len, table, spans);
	if (r < 0)
		return r;
	struct json_span data = spans[MEMBER_DATA];
	*ret_kind = ANSWER_OTHER;
	if (is_record(spans, is_answer)) {
		*ret_kind = ANSWER_RECORD;
	} else if (read_page(
		       (struct json_span){text, len}, spans, ret_answer)) {
		*ret_kind = ANSWER_PAGE;
	} else if (data.text && json_is_object(data)) {
		r = read_members(data.text, data.len, table, inner);
		if (r == 0 && !inner[MEMBER_PAGINATION].text)
			inner[MEMBER_PAGINATION] = spans[MEMBER_PAGINATION];
		if (r == 0 && read_page(data, inner, ret_answer))
			*ret_kind = ANSWER_PAGE;
	}
	if (r == 0 && *ret_kind == ANSWER_OTHER &&
	    read_error(spans, ret_answer))
		*ret_kind = ANSWER_ERROR;
	return r;
}

static int add_token(struct json_span token, struct buf *out)
{
	return json_is_string(token) ? json_string_decode(token, out)
				     : buf_add(out, token.text, token.len);
}

int saved_answer_print_error(const struct saved_answer *answer, struct buf *out)
{
	int r = 0;
	size_t before = out->len;
	if (answer->status.text)
		r = add_token(answer->status, out);
	if (r == 0 && answer->status.text && answer->code.text)
		r = buf_addc(out, ' ');
	if (r == 0 && answer->code.text)
		r = add_token(answer->code, out);
	if (r == 0 && answer->message.text)
		r = buf_adds(out, out->len > before ? " (" : "(");
	if (r == 0 && answer->message.text)
		r = add_token(answer->message, out);
	if (r == 0 && answer->message.text)
		r = buf_addc(out, ')');
	return r;
}
