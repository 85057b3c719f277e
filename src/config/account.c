/* The API's URL, the key and the account. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "http/http.h"
#include "config/complain.h"

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

static int check_url(struct options *options, int *ret_status)
{
	char *url = options->url;
	cut_version(url);
	if (!http_url_is_http(url) || strpbrk(url, "?# \t\r\n"))
		return options_complain(ret_status, EXIT_USAGE,
		    "'%s' is no API URL: it looks like https://HOST[/PATH]",
		    url);
	if (http_url_is_clear_remote(url))
		return options_complain(ret_status, EXIT_USAGE,
		    "%.*s would send the key in the clear: use https://"
		    " (http:// is for this machine only)",
		    (int)strcspn(url, "@"), url);
	const char *authority = strstr(url, "://") + 3;
	const char *at = strchr(authority, '@');
	if (at && at < authority + strcspn(authority, "/"))
		return options_complain(ret_status, EXIT_USAGE,
		    "the API URL holds a user name: give it in BKEND_EMAIL");
	return 0;
}

/* Keys go into a header line: no byte may end it. */
static int check_key(const char *key, int *ret_status)
{
	if (strncmp(key, "pk_", 3) != 0 && strncmp(key, "sk_", 3) != 0)
		return options_complain(ret_status, EXIT_USAGE,
		    "the key is none: BKEND_PUBLISHABLE_KEY begins with pk_,"
		    " BKEND_SECRET_KEY with sk_");
	for (const char *c = key; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return options_complain(ret_status, EXIT_USAGE,
			    "the key holds a character that no key has; copy"
			    " it again");
	}
	return 0;
}

static int ask_password(struct options *options, int *ret_status)
{
	struct termios old, quiet;
	char line[1024];
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &old) < 0)
		return options_complain(ret_status, EXIT_USAGE,
		    "no password for %s: set BKEND_PASSWORD", options->email);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	/* Before the question, or a quick answer would show, or be flushed. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fprintf(stderr, "Password for %s: ", options->email);
	/* Not through stdio, which would keep a copy. */
	ssize_t got = read(STDIN_FILENO, line, sizeof(line) - 1);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	if (got <= 0)
		return options_complain(
		    ret_status, EXIT_USAGE, "no password given");
	line[got] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	int r = options_set_string(&options->password, line, ret_status);
	explicit_bzero(line, sizeof(line));
	return r;
}

int options_check_account(struct options *options, int *ret_status)
{
	const char *publishable = options_environment("BKEND_PUBLISHABLE_KEY");
	const char *secret = options_environment("BKEND_SECRET_KEY");
	/* An account goes with the publishable key; the secret one needs none
	 * and sees everything. */
	const char *key =
	    secret && !(publishable && options->email) ? secret : publishable;
	int r = check_url(options, ret_status);
	if (r < 0)
		return r;
	if (!options->key) {
		if (!key)
			return options_complain(ret_status, EXIT_USAGE,
			    "no key: set BKEND_PUBLISHABLE_KEY or"
			    " BKEND_SECRET_KEY");
		r = options_set_string(&options->key, key, ret_status);
		if (r == 0 && key == secret) {
			free(options->email);
			options->email = NULL;
		}
	}
	if (r == 0)
		r = check_key(options->key, ret_status);
	if (r == 0 && options->email && !options->password && !options->offline)
		r = ask_password(options, ret_status);
	return r;
}
