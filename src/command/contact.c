#include "command/contact.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "command/local_server.h"
#include "command/sign_in.h"
#include "command/token_file.h"
#include "command/token_worker.h"
#include "config/complain.h"
#include "replica/replica.h"

struct contact {
	const struct options *options;
	struct signals *signals; /* NULL: stopped */
	struct http *http;
	struct failures *failures;
	struct token_file *tokens;	   /* NULL: no session from elsewhere */
	struct token_worker *token_worker; /* the same */
	struct api_keeper keeper;	   /* by that one */
	struct api_config api_config;
	struct api *api;	 /* NULL: nothing was asked */
	struct sign_in *sign_in; /* the same */
};

static int open_http(struct contact *contact)
{
	const char *cacert = contact->options->cacert;
	int r = http_curl_new(
	    contact->options->connections, cacert, &contact->http);
	if (r < 0 && cacert)
		return failed("cacert=%s: %s", cacert, strerror(-r));
	if (r < 0)
		return failed("cannot start: %s", strerror(-r));
	const char *path = local_server_socket(contact->options->server);
	return path && http_curl_connect_to(contact->http, path) < 0
		   ? failed_for_memory()
		   : 0;
}

/* Nobody has to wait for what there is to be done with a large replica. */
static bool is_ended(void *ctx)
{
	struct contact *contact = ctx;
	return signals_came(contact->signals);
}

static int open_parts(struct contact *contact)
{
	int r = signals_new(&contact->signals);
	if (r < 0)
		return failed("cannot start: %s", strerror(-r));
	replica_give_up_when(is_ended, contact);
	contact->failures = failures_new();
	return contact->failures ? open_http(contact) : failed_for_memory();
}

int contact_open(const struct options *options, struct contact **ret_contact)
{
	struct contact *contact = calloc(1, sizeof(*contact));
	if (!contact)
		return failed_for_memory();
	contact->options = options;
	int status = open_parts(contact);
	if (status) {
		contact_stop(contact);
		contact_free(contact);
		return status;
	}
	*ret_contact = contact;
	return 0;
}

/* A session that came from elsewhere, if one is set. */
static int open_tokens(struct contact *contact)
{
	int status = token_file_open(contact->options, &contact->tokens);
	if (status || !contact->tokens)
		return status;
	int r = token_worker_new(
	    contact->tokens, contact->http, &contact->token_worker);
	if (r < 0)
		return failed("cannot start: %s", strerror(-r));
	contact->keeper = token_worker_keeper(contact->token_worker);
	return 0;
}

int contact_begin(struct contact *contact)
{
	const struct options *options = contact->options;
	contact->sign_in =
	    sign_in_new(options, contact->http, contact->signals);
	if (!contact->sign_in)
		return failed_for_memory();
	int status = open_tokens(contact);
	if (status)
		return status;
	contact->api_config = (struct api_config){
	    .url = options->url,
	    .key = options->key,
	    .email = options->email,
	    .password = options->password,
	    .keeper = contact->tokens ? &contact->keeper : NULL,
	    .mfa_code = options->mfa_code,
	    .connections = options->connections,
	    .retry_ms = options->retry_ms,
	    /* What a backup has none of, its server refuses. */
	    .lacks_specs = options->directory != NULL,
	    .waits = sign_in_waits,
	    .ctx = contact->sign_in,
	};
	if (api_new(contact->http, &contact->api_config, contact->failures,
		&contact->api) < 0)
		return failed_for_memory();
	/* What goes wrong now is said in one line of its own. */
	log_set_level(LOG_LEVEL_ERROR);
	sign_in_begin(contact->sign_in, contact->api);
	return 0;
}

int contact_end(struct contact *contact)
{
	int status = sign_in_end(contact->sign_in);
	log_set_level(contact->options->log_level);
	return status;
}

int contact_was_ended(struct contact *contact)
{
	int number = signals_missed(contact->signals);
	return number ? signals_complain(number) : 0;
}

struct http *contact_http(const struct contact *contact)
{
	return contact->http;
}

struct api *contact_api(const struct contact *contact)
{
	return contact->api;
}

struct failures *contact_failures(const struct contact *contact)
{
	return contact->failures;
}

struct signals *contact_signals(const struct contact *contact)
{
	return contact->signals;
}

void contact_stop(struct contact *contact)
{
	if (!contact)
		return;
	replica_give_up_when(NULL, NULL);
	signals_free(contact->signals);
	contact->signals = NULL;
	if (contact->http)
		http_stop(contact->http);
}

void contact_free(struct contact *contact)
{
	if (!contact)
		return;
	api_free(contact->api);
	sign_in_free(contact->sign_in);
	token_worker_free(contact->token_worker);
	token_file_close(contact->tokens);
	http_free(contact->http);
	failures_free(contact->failures);
	free(contact);
}
