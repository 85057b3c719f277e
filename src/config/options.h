/*
 * Settings: from -o, the environment and built-in defaults, strongest first
 * (CONTRACT.md 1). Secrets never come from the command line.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

/* The exit statuses that users are promised. */
enum { EXIT_MOUNTED = 0, EXIT_COULD_NOT = 1, EXIT_USAGE = 2 };

struct options {
	/* All strings are owned. */
	char *mountpoint; /* absolute */
	char *url;	  /* without a slash or /v1 at its end */
	char *key;
	char *email;	/* NULL: no account */
	char *password; /* with email */
	char *mfa_code;
	char **tables;	     /* NULL ends; never NULL itself */
	char *cache_dir;     /* absolute */
	char *cacert;	     /* NULL: the system's store */
	char *log_path;	     /* NULL: stderr or syslog */
	char *mount_options; /* for FUSE, comma list; NULL: none */
	enum log_level log_level;
	int64_t ttl_ms;
	int64_t retry_ms;
	int64_t cache_size; /* bytes */
	unsigned connections;
	unsigned max_threads;	   /* 0: our own choice */
	unsigned max_idle_threads; /* 0: libfuse's */
	bool raw;
	bool nocache;
	bool offline;
	bool verify_sizes;
	bool xattr;
	bool foreground;
	bool debug;
	bool single_threaded;
	bool demo;
};

/*
 * Read the settings. 0: go on. Otherwise all is said (help, version or what is
 * wrong, one line on stderr), and *ret_status is what to exit with.
 */
int options_parse(
    int argc, char **argv, struct options *ret_options, int *ret_status);

/* Finish what only the API's settings need: key, account, URL. As above. */
int options_check_account(struct options *options, int *ret_status);

void options_done(struct options *options);

/* Say a line on stderr: whatever a server or a file put into it, a terminal
 * does nothing but show it. */
void options_say(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

#endif
