#include "emulator/oauth/register.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "base/timestamp.h"
#include "base/utf8.h"
#include "emulator/oauth/oauth_error.h"

static int read_name(const cJSON *object, struct registration *program)
{
	const cJSON *name =
	    cJSON_GetObjectItemCaseSensitive(object, "client_name");
	if (!name) {
		strcpy(program->name, "a program without a name");
		return 0;
	}
	if (!cJSON_IsString(name))
		return -EINVAL;
	size_t len = strlen(name->valuestring);
	if (len == 0 || len > REGISTRATION_NAME_MAX ||
	    !utf8_is_valid(name->valuestring, len))
		return -EINVAL;
	memcpy(program->name, name->valuestring, len + 1);
	return 0;
}

static int read_redirects(const cJSON *object, struct registration *program)
{
	const cJSON *uri;
	const cJSON *uris =
	    cJSON_GetObjectItemCaseSensitive(object, "redirect_uris");
	if (!cJSON_IsArray(uris))
		return -EINVAL;
	cJSON_ArrayForEach (uri, uris) {
		size_t i = program->redirect_count;
		if (i == REGISTRATION_REDIRECTS_MAX || !cJSON_IsString(uri) ||
		    !redirect_is_fit(uri->valuestring))
			return -EINVAL;
		strcpy(program->redirects[i], uri->valuestring);
		program->redirect_count++;
	}
	return program->redirect_count > 0 ? 0 : -EINVAL;
}

/* What was registered, as far as it counts. */
static int print(const struct registration *program, struct buf *out)
{
	int r = buf_printf(out,
	    "{\"client_id\":\"%s\",\"client_id_issued_at\":%lld,"
	    "\"client_name\":",
	    program->id, (long long)(timestamp_now_ms() / 1000));
	if (r == 0)
		r = json_string_encode(
		    program->name, strlen(program->name), out);
	if (r == 0)
		r = buf_adds(out, ",\"redirect_uris\":[");
	for (size_t i = 0; r == 0 && i < program->redirect_count; i++) {
		const char *uri = program->redirects[i];
		if (i > 0)
			r = buf_addc(out, ',');
		if (r == 0)
			r = json_string_encode(uri, strlen(uri), out);
	}
	if (r == 0)
		r = buf_adds(out,
		    "],\"grant_types\":[\"authorization_code\","
		    "\"refresh_token\"],\"response_types\":[\"code\"],"
		    "\"token_endpoint_auth_method\":\"none\"}");
	return r;
}

void register_answer(struct registrations *registrations,
    const struct request *request, struct reply *reply)
{
	struct registration program = {0};
	cJSON *object = cJSON_Parse(buf_str(&request->body));
	int r = 0;
	/* A page of another origin cannot send this type unasked. */
	if (!request_has_type(request, "application/json") ||
	    !cJSON_IsObject(object)) {
		oauth_error(reply, 400, "invalid_client_metadata",
		    "The body has to be a JSON object");
	} else if (read_name(object, &program) < 0) {
		oauth_error(reply, 400, "invalid_client_metadata",
		    "The client_name is not valid");
	} else if (read_redirects(object, &program) < 0) {
		oauth_error(reply, 400, "invalid_redirect_uri",
		    "redirect_uris has to hold addresses of https, of http on "
		    "this machine, or of a scheme of the program's own");
	} else {
		r = registrations_add(registrations, &program);
		reply->status = 201;
		if (r == 0)
			r = print(&program, &reply->body);
	}
	cJSON_Delete(object);
	oauth_failure(reply, r);
}
