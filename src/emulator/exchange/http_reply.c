#include "emulator/exchange/http_reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPLY_MAX ((size_t)2 << 30)

void reply_init(struct reply *reply)
{
	*reply = (struct reply){.status = 200, .type = "application/json"};
	buf_init(&reply->body, REPLY_MAX);
	buf_init(&reply->location, BUF_MAX_DEFAULT);
}

void reply_done(struct reply *reply)
{
	buf_done(&reply->body);
	buf_done(&reply->location);
	if (reply->has_object)
		row_unref(reply->object);
	reply->has_object = false;
}

void reply_add_header(
    struct reply *reply, const char *name, const char *format, ...)
{
	if (reply->header_count == REPLY_HEADERS_MAX)
		return;
	struct reply_header *header = &reply->headers[reply->header_count++];
	snprintf(header->name, sizeof(header->name), "%s", name);
	va_list args;
	va_start(args, format);
	vsnprintf(header->value, sizeof(header->value), format, args);
	va_end(args);
}

void reply_set_type(struct reply *reply, const char *type)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789!#$&^_.+-";
	size_t first = strspn(type, token);
	size_t second =
	    type[first] == '/' ? strspn(type + first + 1, token) : 0;
	const char *rest = type + first + 1 + second;
	bool fit = first > 0 && second > 0 && (!*rest || *rest == ';') &&
		   strlen(type) < sizeof(reply->own_type);
	for (const char *p = type; fit && *p; p++)
		fit = *p >= ' ' && *p <= '~';
	strcpy(reply->own_type, fit ? type : "application/octet-stream");
	reply->type = reply->own_type;
}

/* data/not-found -> NOT_FOUND */
static void upper_code(const char *code, char *out, size_t size)
{
	const char *slash = strchr(code, '/');
	snprintf(out, size, "%s", slash ? slash + 1 : code);
	if (strcmp(out, "access-token-expired") == 0)
		snprintf(out, size, "TOKEN_EXPIRED");
	for (; *out; out++)
		*out = *out == '-' ? '_' : (char)toupper((unsigned char)*out);
}

/* The message may hold what a client sent. */
static void add_error(struct reply *reply, int shape, const char *code,
    const char *upper, const char *message)
{
	struct buf *out = &reply->body;
	if (shape == 1)
		buf_printf(out,
		    "{\"success\":false,\"error\":{\"code\":\"%s\","
		    "\"message\":",
		    code);
	else if (shape == 2)
		buf_printf(out,
		    "{\"statusCode\":%d,\"error\":\"%s\","
		    "\"message\":",
		    reply->status, upper);
	else
		buf_printf(
		    out, "{\"error\":{\"code\":\"%s\",\"message\":", upper);
	json_string_encode(message, strlen(message), out);
	buf_adds(out, shape == 2 ? "}" : "}}");
}

void reply_error(struct reply *reply, const struct request *request, int status,
    const char *code, const char *message)
{
	char upper[64];
	buf_clear(&reply->body);
	if (reply->has_object)
		row_unref(reply->object);
	reply->has_object = false;
	reply->status = status;
	reply->type = "application/json";
	upper_code(code, upper, sizeof(upper));
	add_error(reply, request->switches.error_shape, code, upper, message);
}

/* For those who write to what is served, or take it away. */
static const char *explain(int error)
{
	switch (error) {
	case -ESTALE:
	case -EIO:
		return "A file of the data directory was written to since it "
		       "was loaded: start again to serve what is there now";
	case -ENOENT:
	case -ENOTDIR:
	case -ENXIO:
	case -ELOOP:
		return "A file of the data directory is gone since it was "
		       "loaded: start again to serve what is there now";
	default:
		return strerror(-error);
	}
}

void reply_failure(struct reply *reply, const struct request *request, int r)
{
	if (r < 0)
		reply_error(
		    reply, request, 500, "common/internal-error", explain(r));
}

int reply_begin(struct reply *reply, const struct request *request)
{
	if (!request->switches.envelope)
		return 0;
	return buf_adds(&reply->body, "{\"success\":true,\"data\":");
}

int reply_end(struct reply *reply, const struct request *request)
{
	return request->switches.envelope ? buf_addc(&reply->body, '}') : 0;
}
