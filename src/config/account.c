#include "config/account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/utf8.h"
#include "config/askpass.h"
#include "config/complain.h"
#include "config/terminal.h"
#include "config/usage.h"
#include "http/http.h"

#define DEFAULT_API "https://api-client.bkend.ai"
#define DEFAULT_MCP "https://api.bkend.ai/mcp"

static void cut_slashes(char *url)
{
	size_t len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		url[--len] = '\0';
}

/* Requests bring a /v1 of their own, but many apps' settings have one, too. */
static void cut_version(char *url)
{
	cut_slashes(url);
	const char *host = strstr(url, "://");
	char *path = host ? strchr(host + 3, '/') : NULL;
	char *last = path ? strrchr(path, '/') : NULL;
	if (last && strcmp(last, "/v1") == 0)
		*last = '\0';
	cut_slashes(url);
}

bool account_is_same_url(const char *one, const char *other)
{
	CLEANUP_FREE char *a = strdup(one);
	CLEANUP_FREE char *b = strdup(other);
	if (!a || !b)
		return false;
	cut_version(a);
	cut_version(b);
	return strcmp(a, b) == 0;
}

static int check_url(const struct options *options)
{
	char *url = options->url;
	cut_version(url);
	if (!http_url_is_http(url) || strpbrk(url, "?# \t\r\n"))
		return complain(
		    "'%s' is no API URL: it looks like https://HOST[/PATH]",
		    url);
	if (http_url_is_clear_remote(url))
		return complain(
		    "%.*s would send the key in the clear: use https://"
		    " (http:// is for this machine only)",
		    (int)strcspn(url, "@"), url);
	const char *authority = strstr(url, "://") + 3;
	const char *at = strchr(authority, '@');
	if (at && at < authority + strcspn(authority, "/"))
		return complain(
		    "the API URL holds a user name: give it in BKEND_EMAIL");
	return 0;
}

/* ---- the key ---- */

static void trim(char *text)
{
	static const char blanks[] = " \t\r\n";
	size_t begin = strspn(text, blanks), len = strlen(text);
	while (len > begin && strchr(blanks, text[len - 1]))
		text[--len] = '\0';
	memmove(text, text + begin, len - begin + 1);
}

/* Keys go into a header line: no byte may end it. */
static int check_key(const char *key)
{
	for (const char *c = key; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return complain("the key holds a character that no key"
					" has; copy it again");
	}
	return 0;
}

/* One of them shows whoever has it everything, and is not to be given out as
 * the other may be. */
static int check_kinds(const struct options *options)
{
	const char *publishable = options->publishable_key;
	const char *secret = options->secret_key;
	if (publishable && strncmp(publishable, "sk_", 3) == 0)
		return complain(
		    "the publishable key begins with sk_: it is a"
		    " secret one, so give it in BKEND_SECRET_KEY, or"
		    " as secret_key");
	if (secret && strncmp(secret, "pk_", 3) == 0)
		return complain(
		    "the secret key begins with pk_: it is a"
		    " publishable one, so give it in"
		    " BKEND_PUBLISHABLE_KEY, or as publishable_key");
	if ((publishable && strncmp(publishable, "pk_", 3) != 0) ||
	    (secret && strncmp(secret, "sk_", 3) != 0))
		return complain("the key is none: BKEND_PUBLISHABLE_KEY begins"
				" with pk_, BKEND_SECRET_KEY with sk_");
	return 0;
}

static int both(const char *name)
{
	return complain("the profile has %s and %s_command: one of them has to"
			" go",
	    name, name);
}

static int check_commands(const struct options *options)
{
	if (options->publishable_key && options->publishable_key_command)
		return both("publishable_key");
	if (options->secret_key && options->secret_key_command)
		return both("secret_key");
	if (options->password && options->password_command)
		return both("password");
	return 0;
}

static int get_key(const char *name, char **key, const char *command)
{
	int status = *key ? 0 : askpass_run(name, command, key);
	if (!status)
		trim(*key);
	return status;
}

/* Who has set nothing at all is told how to begin. */
static int no_key(const struct options *options)
{
	bool none = strcmp(options->url, DEFAULT_API) == 0 && !options->email &&
		    !options->refresh_token &&
		    !options->refresh_token_command && !options->tables[0];
	if (!none)
		return complain("no key: set BKEND_SECRET_KEY or"
				" BKEND_PUBLISHABLE_KEY, or secret_key or"
				" publishable_key in a profile");
	complain("no key, and nothing else says what to mount. To begin:");
	usage_print_beginnings();
	return EXIT_USAGE;
}

static int choose_key(struct options *options)
{
	bool publishable =
	    options->publishable_key || options->publishable_key_command;
	bool secret = options->secret_key || options->secret_key_command;
	if (!publishable && !secret)
		return no_key(options);
	bool has_account = options->email || options->refresh_token ||
			   options->refresh_token_command;
	bool use_secret = secret && !(publishable && has_account);
	char **key =
	    use_secret ? &options->secret_key : &options->publishable_key;
	int status = use_secret ? get_key("secret_key_command", key,
				      options->secret_key_command)
				: get_key("publishable_key_command", key,
				      options->publishable_key_command);
	if (!status)
		status = check_kinds(options);
	if (!status)
		status = check_key(*key);
	if (!status)
		status = options_set_string(&options->key, *key);
	/* It sees everything as it is. */
	if (use_secret) {
		free(TAKE(options->email));
		free_secret(TAKE(options->refresh_token));
		free(TAKE(options->refresh_token_command));
	}
	return status;
}

/* ---- the password ---- */

static int ask_password(struct options *options)
{
	CLEANUP_FREE char *question = NULL;
	if (!terminal_is_there())
		return complain("no password for %s: set BKEND_PASSWORD, or"
				" password_command in a profile",
		    options->email);
	char email[256];
	log_make_safe(options->email, email, sizeof(email));
	if (asprintf(&question, "Password for %s: ", email) < 0)
		return failed_for_memory();
	switch (terminal_ask_secret(question, &options->password)) {
	case 0:
		break;
	case -ENODATA:
		return complain("no password given");
	case -EMSGSIZE:
		return complain("no password is so long");
	default:
		return failed_for_memory();
	}
	if (!utf8_is_valid(options->password, strlen(options->password)))
		return complain("the password is not UTF-8");
	return 0;
}

/* Whoever has a password may mean an account: as a guest he gets a backup that
 * lacks what only he can see. */
static void say_if_nobody(const struct options *options)
{
	bool needs_none = strncmp(options->key, "sk_", 3) == 0 ||
			  options->refresh_token ||
			  options->refresh_token_command;
	if (!needs_none && (options->password || options->password_command))
		complain("there is a password, but no account that it is of:"
			 " going on as a guest, who may not see all; set"
			 " BKEND_EMAIL, or email in the profile");
}

static int get_password(struct options *options)
{
	if (!options->email)
		say_if_nobody(options);
	if (!options->email || options->password || options->offline)
		return 0;
	if (options->password_command)
		return askpass_run("password_command",
		    options->password_command, &options->password);
	/* With a session, one is of use, but not needed. */
	if (options->refresh_token || options->refresh_token_command)
		return 0;
	return ask_password(options);
}

/* ---- the server that lists tables ---- */

static int default_mcp_url(struct options *options)
{
	char *url;
	if (strcmp(options->url, DEFAULT_API) == 0)
		return options_set_string(&options->mcp_url, DEFAULT_MCP);
	if (asprintf(&url, "%s/mcp", options->url) < 0)
		return failed_for_memory();
	options->mcp_url = url;
	return 0;
}

static int check_mcp_url(struct options *options)
{
	char *url = options->mcp_url;
	if (!url)
		return default_mcp_url(options);
	cut_slashes(url);
	if (!http_url_is_http(url) || strpbrk(url, "?#@ \t\r\n"))
		return complain(
		    "mcp_url=%s: it looks like https://HOST/mcp", url);
	if (http_url_is_clear_remote(url))
		return complain("mcp_url=%s: tokens would be sent in the clear:"
				" use https:// (http:// is for this machine"
				" only)",
		    url);
	return 0;
}

/* ---- all of it ---- */

int account_identify(struct options *options)
{
	int status = check_url(options);
	if (!status)
		status = check_mcp_url(options);
	if (!status)
		status = check_commands(options);
	return status ? status : choose_key(options);
}

int account_complete(struct options *options)
{
	int status = account_identify(options);
	return status ? status : get_password(options);
}
