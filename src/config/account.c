#include "config/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/complain.h"
#include "http/http.h"

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

/* Keys go into a header line: no byte may end it. */
static int check_key(const char *key)
{
	if (strncmp(key, "pk_", 3) != 0 && strncmp(key, "sk_", 3) != 0)
		return complain(
		    "the key is none: BKEND_PUBLISHABLE_KEY begins with pk_,"
		    " BKEND_SECRET_KEY with sk_");
	for (const char *c = key; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return complain(
			    "the key holds a character that no key has; copy"
			    " it again");
	}
	return 0;
}

static int ask_password(struct options *options)
{
	struct termios old, quiet;
	char line[1024];
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &old) < 0)
		return complain(
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
		return complain("no password given");
	line[got] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	int status = options_set_string(&options->password, line);
	explicit_bzero(line, sizeof(line));
	return status;
}

static int choose_key(struct options *options)
{
	const char *publishable = options->publishable_key;
	const char *secret = options->secret_key;
	if (!publishable && !secret)
		return complain("no key: set BKEND_PUBLISHABLE_KEY or"
				" BKEND_SECRET_KEY");
	if (!secret || (publishable && options->email))
		return options_set_string(&options->key, publishable);
	/* It sees everything as it is. */
	free(TAKE(options->email));
	return options_set_string(&options->key, secret);
}

int account_complete(struct options *options)
{
	int status = check_url(options);
	if (!status)
		status = choose_key(options);
	if (!status)
		status = check_key(options->key);
	if (!status && options->email && !options->password &&
	    !options->offline)
		status = ask_password(options);
	return status;
}
