#include "emulator/oauth/oauth_error.h"

#include <string.h>

void oauth_error(
    struct reply *reply, int status, const char *code, const char *message)
{
	reply->status = status;
	reply->type = "application/json";
	buf_clear(&reply->body);
	buf_clear(&reply->location);
	buf_printf(
	    &reply->body, "{\"error\":\"%s\",\"error_description\":", code);
	json_string_encode(message, strlen(message), &reply->body);
	buf_addc(&reply->body, '}');
}

void oauth_refuse_method(struct reply *reply, const char *method)
{
	oauth_error(reply, 405, "invalid_request",
	    "This endpoint takes another method");
	reply_add_header(reply, "Allow", "%s", method);
}

void oauth_failure(struct reply *reply, int r)
{
	if (r < 0)
		oauth_error(reply, 500, "server_error", strerror(-r));
}
