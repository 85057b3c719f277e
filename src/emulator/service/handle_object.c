#include "emulator/service/handle.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "emulator/service/presign.h"
#include "emulator/store/stored_file.h"

static void reply_xml(
    struct reply *reply, int status, const char *code, const char *message)
{
	reply->status = status;
	reply->type = "application/xml";
	buf_printf(&reply->body,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<Error><Code>%s</Code><Message>%s</Message></Error>",
	    code, message);
}

/* A number of a range: 0, or -EINVAL without any digit. */
static int take_number(const char **text, uint64_t *ret)
{
	uint64_t number = 0;
	const char *p = *text;
	for (; *p >= '0' && *p <= '9'; p++)
		number = number > UINT64_MAX / 16
			     ? UINT64_MAX / 16
			     : number * 10 + (uint64_t)(*p - '0');
	if (p == *text)
		return -EINVAL;
	*text = p;
	*ret = number;
	return 0;
}

/*
 * One range of an object of size bytes: 0; -EINVAL when it is not such a
 * range (then the whole object is the answer); -ERANGE when it holds nothing.
 */
static int parse_range(
    const char *text, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
	uint64_t first, last = UINT64_MAX;
	if (strncmp(text, "bytes=", 6) != 0)
		return -EINVAL;
	text += 6;
	if (*text == '-') {
		text++;
		if (take_number(&text, &last) < 0 || *text)
			return -EINVAL;
		if (last == 0 || size == 0)
			return -ERANGE;
		*ret_len = last < size ? last : size;
		*ret_first = size - *ret_len;
		return 0;
	}
	if (take_number(&text, &first) < 0 || *text++ != '-')
		return -EINVAL;
	if (*text && (take_number(&text, &last) < 0 || *text || last < first))
		return -EINVAL;
	if (first >= size)
		return -ERANGE;
	if (last >= size)
		last = size - 1;
	*ret_first = first;
	*ret_len = last - first + 1;
	return 0;
}

/* Whether a list of entity tags ("*" as well) holds this one. */
static bool tags_hold(const char *list, const char *etag)
{
	return strcmp(list, "*") == 0 || strstr(list, etag) != NULL;
}

/* Decide on the conditions and the range; true when reply is complete. */
static bool answer_conditions(const struct request *request, uint64_t size,
    const char *etag, struct reply *reply)
{
	const struct request_headers *headers = &request->headers;
	if (headers->if_match && !tags_hold(headers->if_match, etag)) {
		reply_xml(reply, 412, "PreconditionFailed",
		    "The object is another one");
		return true;
	}
	if (headers->if_none_match && tags_hold(headers->if_none_match, etag)) {
		reply->status = 304;
		return true;
	}
	reply->offset = 0;
	reply->len = size;
	if (request->switches.lies & LIE_NO_RANGE)
		return false;
	reply_add_header(reply, "Accept-Ranges", "bytes");
	if (!headers->range ||
	    (headers->if_range && strcmp(headers->if_range, etag) != 0))
		return false;
	int r = parse_range(headers->range, size, &reply->offset, &reply->len);
	if (r == -ERANGE) {
		reply_add_header(
		    reply, "Content-Range", "bytes */%" PRIu64, size);
		reply_xml(
		    reply, 416, "InvalidRange", "The range is not satisfiable");
		return true;
	}
	if (r == 0) {
		reply->status = 206;
		reply_add_header(reply, "Content-Range",
		    "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, reply->offset,
		    reply->offset + reply->len - 1, size);
	}
	return false;
}

/* Its metadata's mimeType. */
static int read_type(struct emulator *emulator, row_t row, struct buf *ret_type)
{
	static const char *const member = "mimeType";
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	struct json_span span = {0};
	int r = table_read_text(store_files(emulator->store), row, &text);
	if (r == 0)
		r = json_members(buf_str(&text), text.len, &member, 1, &span);
	if (r == 0 && span.text && json_is_string(span))
		r = json_string_decode(span, ret_type);
	return r;
}

/* Types in which a browser would run scripts: as our own, if it were let. */
static bool is_active(const char *type)
{
	return strncasecmp(type, "text/html", 9) == 0 ||
	       strcasestr(type, "xml") || strcasestr(type, "javascript");
}

static void set_type(struct emulator *emulator, row_t row, struct reply *reply)
{
	CLEANUP_BUF struct buf type;
	buf_init(&type, BUF_MAX_DEFAULT);
	bool known = read_type(emulator, row, &type) == 0 &&
		     strlen(buf_str(&type)) == type.len;
	reply_set_type(reply, known ? buf_str(&type) : "");
	reply_add_header(reply, "X-Content-Type-Options", "nosniff");
	if (is_active(reply->type))
		reply_add_header(reply, "Content-Security-Policy", "sandbox");
}

void handle_object_contents(struct emulator *emulator,
    const struct request *request, row_t row, struct reply *reply)
{
	uint64_t size;
	char etag[ETAG_SIZE];
	int r =
	    stored_file_stat(store_files(emulator->store), row, &size, etag);
	if (r < 0) {
		reply_xml(reply, 404, "NoSuchKey", "There is no such object");
		return;
	}
	reply_add_header(reply, "ETag", "%s", etag);
	if (answer_conditions(request, size, etag, reply))
		return;
	set_type(emulator, row, reply);
	reply->object = row_ref(row);
	reply->has_object = true;
}

void handle_object(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	row_t row;
	int r = presign_check(emulator, request);
	if (r == -EKEYEXPIRED) {
		reply_xml(reply, 403, "AccessDenied", "Request has expired");
		return;
	}
	if (r < 0 || strcmp(request->method, "GET") != 0) {
		reply_xml(reply, 403, "SignatureDoesNotMatch",
		    "The signature is not valid for this request");
		return;
	}
	if (store_get(emulator->store, store_files(emulator->store),
		buf_str(&request->id), request->id.len, &row) < 0) {
		reply_xml(reply, 404, "NoSuchKey", "There is no such object");
		return;
	}
	handle_object_contents(emulator, request, row, reply);
	row_unref(row);
}
