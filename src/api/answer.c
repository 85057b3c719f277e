#include "api/answer.h"

#include <errno.h>
#include <string.h>

#include "api/record.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "http/field.h"
#include "json/json.h"
#include "json/parsed.h"

/* A token that does not say how long it lives: an hour, as is documented. */
#define LIFETIME_DEFAULT_S 3600

/* What a success envelope holds, or the object itself. */
static const cJSON *payload(const cJSON *root)
{
	const cJSON *data = parsed_member(root, "data");
	return cJSON_IsTrue(parsed_member(root, "success")) && data ? data
								    : root;
}

/* A whole number, written as one or inside a string; else none. */
static int64_t whole(const cJSON *value, int64_t none)
{
	double number;
	if (cJSON_IsNumber(value)) {
		number = value->valuedouble;
	} else if (cJSON_IsString(value) && value->valuestring[0]) {
		char *end;
		number = strtod(value->valuestring, &end);
		if (*end)
			return none;
	} else {
		return none;
	}
	if (!(number >= 0 && number < 9e15) ||
	    number != (double)(int64_t)number)
		return none;
	return (int64_t)number;
}

bool answer_may_be_object(const char *body, size_t len)
{
	size_t blank = utf8_mark_len(body, len);
	if (len < 3 && memcmp(body, "\xef\xbb", len) == 0)
		return true;
	while (blank < len && strchr(" \t\r\n", body[blank]))
		blank++;
	return blank == len || body[blank] == '{';
}

static bool add_text(struct buf *out, const cJSON *value)
{
	return cJSON_IsString(value) && buf_adds(out, value->valuestring) == 0;
}

void answer_error(
    const char *body, size_t len, struct buf *code, struct buf *message)
{
	CLEANUP_PARSED cJSON *root = cJSON_ParseWithLength(body, len);
	if (!cJSON_IsObject(root))
		return;
	const cJSON *inner = parsed_member(root, "error");
	const cJSON *source = cJSON_IsObject(inner) ? inner : root;
	if (!add_text(code, parsed_member(source, "code")))
		add_text(code, inner);
	add_text(message, parsed_member(source, "message"));
}

bool answer_is_failure(const char *body, size_t len)
{
	CLEANUP_PARSED cJSON *root = cJSON_ParseWithLength(body, len);
	if (!cJSON_IsObject(root))
		return false;
	return cJSON_IsFalse(parsed_member(root, "success")) ||
	       (cJSON_IsObject(parsed_member(root, "error")) &&
		   cJSON_GetArraySize(root) == 1);
}

static int copy_string(const cJSON *value, char **ret)
{
	if (!cJSON_IsString(value) || !value->valuestring[0])
		return -EPROTO;
	char *text = strdup(value->valuestring);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

/* A token goes into a header line: nothing but visible ASCII may be in it. */
static bool fit_for_header(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

int answer_tokens(
    const char *body, size_t len, struct answer_tokens *ret_tokens)
{
	CLEANUP_PARSED cJSON *root = cJSON_ParseWithLength(body, len);
	const cJSON *data = payload(root);
	struct answer_tokens tokens = {0};
	int r = copy_string(parsed_member(data, "accessToken"), &tokens.access);
	if (r == 0 && !fit_for_header(tokens.access))
		r = -EPROTO;
	if (r == 0 && parsed_member(data, "refreshToken"))
		copy_string(
		    parsed_member(data, "refreshToken"), &tokens.refresh);
	if (r < 0) {
		answer_tokens_done(&tokens);
		return r;
	}
	tokens.lifetime_ms =
	    whole(parsed_member(data, "expiresIn"), LIFETIME_DEFAULT_S) * 1000;
	*ret_tokens = tokens;
	return 0;
}

void answer_tokens_done(struct answer_tokens *tokens)
{
	free_secret(tokens->access);
	free_secret(tokens->refresh);
	*tokens = (struct answer_tokens){0};
}

static int has_next(const cJSON *pagination)
{
	static const char *const names[] = {"hasNext", "hasNextPage"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const cJSON *value = parsed_member(pagination, names[i]);
		if (cJSON_IsBool(value))
			return cJSON_IsTrue(value) ? 1 : 0;
	}
	return -1;
}

int answer_page(const char *skeleton, size_t len, struct api_page *ret_page)
{
	CLEANUP_PARSED cJSON *root = cJSON_ParseWithLength(skeleton, len);
	if (!cJSON_IsObject(root) ||
	    cJSON_IsFalse(parsed_member(root, "success")))
		return -EPROTO;
	const cJSON *list =
	    parsed_member(root, "items") ? root : parsed_member(root, "data");
	const cJSON *pagination = parsed_member(list, "pagination");
	if (!cJSON_IsObject(pagination))
		pagination = parsed_member(root, "pagination");
	if (!cJSON_IsObject(pagination))
		pagination = list; /* an edition that does not nest them */
	*ret_page = (struct api_page){
	    .total = whole(parsed_member(pagination, "total"), -1),
	    .page = whole(parsed_member(pagination, "page"), -1),
	    .limit = whole(parsed_member(pagination, "limit"), -1),
	    .total_pages = whole(parsed_member(pagination, "totalPages"), -1),
	    .has_next = has_next(pagination),
	    .no_items = cJSON_IsNull(parsed_member(list, "items")),
	    .date_ms = -1,
	};
	return 0;
}

/* A string member's text, owned; NULL when it is none or holds a NUL. */
static char *text_of(struct json_span value)
{
	struct buf text;
	buf_init_secret(&text, value.len + 1);
	char *copy = NULL;
	if (json_string_decode(value, &text) == 0 &&
	    memchr(buf_str(&text), '\0', text.len) == NULL)
		copy = buf_steal(&text);
	buf_done(&text);
	return copy;
}

/* A signed URL may come with the spaces of a file's name in it, which no
 * request line can hold: each becomes %20. NULL when out of memory. */
static char *url_of(struct json_span value)
{
	char *text = text_of(value);
	struct buf url;
	int r = text ? 0 : -EPROTO;
	buf_init_secret(&url, 3 * value.len + 1);
	for (const char *at = text; r == 0 && *at; at++)
		r = *at == ' ' ? buf_adds(&url, "%20") : buf_addc(&url, *at);
	char *copy = r == 0 ? buf_steal(&url) : NULL;
	buf_done(&url);
	free_secret(text);
	return copy;
}

/* Whether it is a type, and not that of a page. */
static bool is_other_type(struct json_span value)
{
	char *text = json_is_string(value) ? text_of(value) : NULL;
	bool is = text && *text && !field_is_page(text);
	free_secret(text);
	return is;
}

/* The file's name stands in this answer, with whatever characters it has:
 * cJSON would refuse some. */
int answer_download(
    const char *body, size_t len, struct answer_download *ret_download)
{
	static const char *const names[] = {
	    "url", "size", "expiresAt", "contentType", "content_type"};
	struct json_span payload, members[ARRAY_SIZE(names)];
	struct answer_download download = {
	    .size = -1, .expires_ms = -1, .date_ms = -1};
	if (record_unwrap(body, len, NULL, 0, &payload) < 0 ||
	    json_members(payload.text, payload.len, names, ARRAY_SIZE(names),
		members) < 0 ||
	    !json_is_string(members[0]))
		return -EPROTO;
	download.url = url_of(members[0]);
	if (!download.url || !download.url[0]) {
		free(download.url);
		return -EPROTO;
	}
	json_int64(members[1], &download.size);
	json_date(members[2], &download.expires_ms);
	download.no_page =
	    is_other_type(members[3]) || is_other_type(members[4]);
	*ret_download = download;
	return 0;
}

void answer_download_done(struct answer_download *download)
{
	free_secret(download->url);
	*download = (struct answer_download){0};
}
