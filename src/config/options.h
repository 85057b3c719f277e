/*
 * All that is set for one mount, once it has been read (config.h) from wherever
 * it was given. Written by one thread before others start.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct local_server;

struct options {
	/* All strings are owned. */
	char *mountpoint; /* absolute once it has been checked */
	char *url;	  /* without a slash or /v1 at its end */
	char *directory;  /* mounted in the place of a server's project:
			     its real path; NULL: none is */
	/* What serves it; borrowed. NULL: nothing yet, or a server elsewhere
	 * is asked. */
	struct local_server *server;
	char *publishable_key; /* as given; NULL: not given */
	char *secret_key;      /* the same */
	char *key;	       /* the one of the two that is used */
	/* What prints them, for the shell; NULL: not given. */
	char *publishable_key_command;
	char *secret_key_command;
	char *password_command;
	char *refresh_token;	     /* the first; NULL: not given */
	char *refresh_token_command; /* NULL: not given */
	char *email;		     /* NULL: no account */
	char *password;		     /* with email */
	char *mfa_code;		     /* NULL: none */
	char **tables;		     /* NULL ends; never NULL itself */
	char *cache_dir;	     /* absolute */
	char *mcp_url;	/* of the server that lists tables; NULL: not given */
	char *cacert;	/* NULL: the system's store */
	char *log_path; /* NULL: stderr or syslog */
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
};

/* What is mounted, as a person knows it: the directory, or the server's URL.
 * Borrowed. */
const char *options_source(const struct options *options);

/* Whether the settings name the table. */
bool options_name_table(const struct options *options, const char *table);

/* Replace an owned string, overwriting the old one: it may be a secret. 0, or
 * an exit status after a complaint; then *where is as it was. */
int options_set_string(char **where, const char *value);

/* Free all of it, secrets overwritten. One that is all zeros is fine. */
void options_done(struct options *options);

#endif
