#include "emulator/service/handle.h"

#include <inttypes.h>
#include <string.h>

#include "base/timestamp.h"
#include "emulator/service/page_reply.h"
#include "emulator/service/presign.h"

static int add_member(struct buf *out, const char *name, struct json_span value,
    const char *missing)
{
	int r = buf_printf(out, ",\"%s\":", name);
	if (r < 0)
		return r;
	return value.text ? buf_add(out, value.text, value.len)
			  : buf_adds(out, missing);
}

/* {url, filename, contentType, size, expiresAt} */
static int add_download(struct emulator *emulator,
    const struct request *request, const struct buf *metadata, struct buf *out)
{
	static const char *const names[] = {"originalName", "mimeType", "size"};
	struct json_span spans[3];
	char expires[TIMESTAMP_SIZE];
	int64_t expires_ms =
	    timestamp_now_ms() + request->switches.url_ttl_s * 1000;
	int r = json_members(
	    buf_str(metadata), metadata->len, names, ARRAY_SIZE(names), spans);
	if (r == 0)
		r = buf_adds(out, "{\"url\":\"");
	if (r == 0)
		r = presign_add_url(emulator, request, expires_ms, out);
	if (r == 0)
		r = buf_addc(out, '"');
	if (r == 0)
		r = add_member(out, "filename", spans[0], "\"\"");
	if (r == 0)
		r = add_member(out, "contentType", spans[1],
		    "\"application/octet-stream\"");
	if (r == 0 && spans[2].text)
		r = add_member(out, "size", spans[2], "");
	if (r == 0)
		r = buf_printf(out, ",\"expiresAt\":\"%s\"}",
		    timestamp_format(expires_ms, expires));
	return r;
}

static void reply_file(struct emulator *emulator, const struct request *request,
    struct reply *reply)
{
	CLEANUP_BUF struct buf metadata;
	buf_init(&metadata, DOCUMENT_TEXT_MAX);
	struct table *files = store_files(emulator->store);
	row_t row;
	if (store_get(emulator->store, files, buf_str(&request->id),
		request->id.len, &row) < 0) {
		reply_error(reply, request, 404, "file/not-found",
		    "There is no such file");
		return;
	}
	int r = page_reply_row(request, files, NULL, row, &metadata);
	row_unref(row);
	if (r == 0)
		r = reply_begin(reply, request);
	if (r == 0 && request->kind == ROUTE_DOWNLOAD_URL)
		r = add_download(emulator, request, &metadata, &reply->body);
	else if (r == 0)
		r = buf_add(&reply->body, buf_str(&metadata), metadata.len);
	if (r == 0)
		r = reply_end(reply, request);
	reply_failure(reply, request, r);
}

void handle_files(struct emulator *emulator, struct request *request,
    struct reply *reply, enum role role)
{
	if (role == ROLE_GUEST)
		reply_error(reply, request, 401,
		    "common/authentication-required",
		    "Files need a signed-in user");
	else if (request->kind == ROUTE_FILES)
		page_reply(emulator, request, store_files(emulator->store),
		    NULL, reply);
	else if (!page_reply_refuses(request, reply))
		reply_file(emulator, request, reply);
}
