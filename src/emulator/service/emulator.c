#include "emulator/service/emulator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int emulator_new(struct emulator **ret_emulator)
{
	struct emulator *emulator = calloc(1, sizeof(*emulator));
	if (!emulator)
		return -ENOMEM;
	pthread_mutex_init(&emulator->lock, NULL);
	switches_init(&emulator->switches);
	emulator->client_timeout_s = CLIENT_TIMEOUT_S;
	emulator->connections = CONNECTIONS_DEFAULT;
	int r = store_new(&emulator->store);
	if (r == 0)
		r = auth_new(&emulator->auth);
	if (r == 0)
		r = faults_new(&emulator->faults);
	if (r == 0)
		r = stats_new(&emulator->stats);
	if (r == 0)
		r = signer_init(&emulator->signer);
	if (r < 0) {
		emulator_free(emulator);
		return r;
	}
	*ret_emulator = emulator;
	return 0;
}

void emulator_free(struct emulator *emulator)
{
	if (!emulator)
		return;
	stats_free(emulator->stats);
	faults_free(emulator->faults);
	auth_free(emulator->auth);
	store_free(emulator->store);
	credentials_done(&emulator->credentials);
	pthread_mutex_destroy(&emulator->lock);
	free(emulator);
}

void emulator_read_switches(
    struct emulator *emulator, struct switches *ret_switches)
{
	pthread_mutex_lock(&emulator->lock);
	*ret_switches = emulator->switches;
	pthread_mutex_unlock(&emulator->lock);
}

int emulator_set(struct emulator *emulator, const char *name, const char *value)
{
	if (strcmp(name, "generate") == 0)
		return store_generate(emulator->store, value);
	if (strcmp(name, "generate-files") == 0)
		return store_generate_files(emulator->store, value);
	if (strcmp(name, "log") == 0)
		return stats_open_log(emulator->stats, value);
	pthread_mutex_lock(&emulator->lock);
	int r = switches_set(&emulator->switches, name, value);
	pthread_mutex_unlock(&emulator->lock);
	return r;
}

const char *emulator_bearer(const struct request *request)
{
	const char *header = request->headers.authorization;
	if (!header || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	return header + 7 + strspn(header + 7, " ");
}

/* Who is asking; ROLE_NONE when the reply is an error already. */
static enum role identify(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	enum role role =
	    credentials_role(&emulator->credentials, request->headers.api_key);
	if (role == ROLE_NONE) {
		reply_error(reply, request, 401, "auth/invalid-api-key",
		    "The API key is missing or not valid");
		return ROLE_NONE;
	}
	if (role == ROLE_ADMIN || !request->headers.authorization)
		return role;
	const char *token = emulator_bearer(request);
	int r = token ? auth_check_access(emulator->auth, token) : -ENOENT;
	if (r == 0)
		return ROLE_USER;
	if (r == -EKEYEXPIRED)
		reply_error(reply, request, 401, "auth/access-token-expired",
		    "The access token has expired");
	else
		reply_error(reply, request, 401, "auth/unauthorized",
		    "The access token is not valid");
	return ROLE_NONE;
}

static void dispatch(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	switch (request->kind) {
	case ROUTE_OBJECT:
		handle_object(emulator, request, reply);
		return;
	case ROUTE_SIGNIN:
	case ROUTE_REFRESH:
		/* The token may be over: that is what these are for. */
		if (credentials_role(&emulator->credentials,
			request->headers.api_key) == ROLE_NONE)
			identify(emulator, request, reply);
		else
			handle_auth(emulator, request, reply);
		return;
	default:
		break;
	}
	enum role role = identify(emulator, request, reply);
	if (role == ROLE_NONE)
		return;
	switch (request->kind) {
	case ROUTE_ME:
	case ROUTE_SIGNOUT:
		if (role == ROLE_USER)
			handle_auth(emulator, request, reply);
		else
			reply_error(reply, request, 401, "auth/unauthorized",
			    "Nobody is signed in");
		return;
	case ROUTE_LIST:
	case ROUTE_RECORD:
	case ROUTE_SPEC:
	case ROUTE_OPENAPI:
		handle_data(emulator, request, reply, role);
		return;
	case ROUTE_FILES:
	case ROUTE_FILE:
	case ROUTE_DOWNLOAD_URL:
		handle_files(emulator, request, reply, role);
		return;
	default:
		reply_error(reply, request, 404, "common/not-found",
		    "There is no such endpoint");
	}
}

static const char *method_of(enum route_kind kind)
{
	switch (kind) {
	case ROUTE_SIGNIN:
	case ROUTE_REFRESH:
	case ROUTE_SIGNOUT:
	case ROUTE_DOWNLOAD_URL:
		return "POST";
	default:
		return "GET";
	}
}

void emulator_answer(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	if (request->host_is_ours &&
	    faults_answer(emulator->faults, request, reply))
		return;
	if (reply->fault == FAULT_RESET)
		return;
	if (!request->host_is_ours)
		reply_error(reply, request, 421, "common/host-not-allowed",
		    "This server does not answer to that host name: it has to"
		    " be named with --allow-host");
	else if (request->too_large)
		reply_error(reply, request, 413, "common/body-too-large",
		    "The body is larger than 1 MiB");
	else if (request->kind != ROUTE_NONE && request->kind != ROUTE_OBJECT &&
		 strcmp(request->method, method_of(request->kind)) != 0)
		reply_error(reply, request, 405, "common/method-not-allowed",
		    "This endpoint does not take that method");
	else
		dispatch(emulator, request, reply);
}
