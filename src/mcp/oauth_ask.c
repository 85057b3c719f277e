#include "mcp/oauth_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/parsed.h"
#include "mcp/rpc.h"

size_t oauth_origin_len(const char *url)
{
	const char *host = strstr(url, "://");
	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#")
		    : strlen(url);
}

/* Method and path, which tell nothing that is secret. */
static void name_request(
    struct mcp_error *error, const char *method, const char *url)
{
	const char *path = url + oauth_origin_len(url);
	snprintf(error->request, sizeof(error->request), "%s %.*s", method,
	    (int)strcspn(path, "?#"), path);
}

int oauth_fail(struct mcp_error *error, int r, const char *message)
{
	error->err = r;
	snprintf(error->message, sizeof(error->message), "%s", message);
	return r;
}

static int errno_of(int status)
{
	return status == 404   ? -ENOENT
	       : status >= 500 ? -EIO
	       : status == 429 ? -EAGAIN
	       : status >= 400 ? -EACCES
			       : -EPROTO;
}

/* The server's words, if there are some. */
static void tell_refusal(
    struct mcp_error *error, const struct web_answer *answer)
{
	CLEANUP_BUF struct buf words;
	int64_t code;
	buf_init(&words, sizeof(error->message) * 8);
	CLEANUP_PARSED cJSON *root =
	    cJSON_ParseWithLength(buf_str(&answer->body), answer->body.len);
	const cJSON *name = parsed_member(root, "error");
	if (cJSON_IsString(name))
		snprintf(
		    error->code, sizeof(error->code), "%s", name->valuestring);
	rpc_read_error(buf_str(&answer->body), answer->body.len, &code, &words);
	error->status = answer->status;
	oauth_fail(error, errno_of(answer->status),
	    words.len ? buf_str(&words) : "the server refuses");
}

void oauth_hide(struct mcp_error *error, const char *secret)
{
	if (secret && *secret &&
	    (strstr(error->message, secret) || strstr(error->code, secret))) {
		error->code[0] = '\0';
		strcpy(
		    error->message, "the server's words repeat what is secret");
	}
}

int oauth_ask(struct web *web, const struct web_request *request,
    struct web_answer *ret_answer, struct mcp_error *error)
{
	*error = (struct mcp_error){0};
	name_request(error, request->method, request->url);
	int r = web_ask(web, request, ret_answer);
	if (r < 0)
		return oauth_fail(error, r,
		    ret_answer->detail[0] ? ret_answer->detail
		    : r == -ETIME	  ? "no answer came in time"
					  : strerror(-r));
	if (ret_answer->status / 100 == 2)
		return 0;
	tell_refusal(error, ret_answer);
	return error->err;
}
