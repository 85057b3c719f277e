/*
 * The settings, one row each: where it may be given, what its value looks like,
 * what it means, and where it goes. Reading, the help text and the tests all go
 * by these rows. One thread.
 */
#ifndef CONFIG_SETTING_H
#define CONFIG_SETTING_H

#include <stddef.h>

#include "config/options.h"

enum setting_kind {
	SETTING_STRING,
	SETTING_SECRET, /* a string that nobody else gets to see */
	SETTING_PATH,	/* made absolute: a daemon leaves its directory */
	SETTING_FLAG,
	SETTING_SECONDS,
	SETTING_COUNT,
	SETTING_SIZE,
	SETTING_TABLES,
	SETTING_JSON,
	SETTING_LEVEL,
};

struct setting {
	const char *option;   /* after -o; NULL: never from there */
	const char *variable; /* in the environment; NULL: none */
	const char *key;      /* in a profile; NULL: none */
	const char *form;     /* of its value; NULL: it takes none */
	const char *help;     /* a line or more */
	const char *value;    /* the built-in default; NULL: none */
	enum setting_kind kind;
	size_t offset; /* in struct options */
};

/* All rows, in the order of the help text. Both are there before main. */
extern const struct setting settings[];
extern const size_t settings_count;

/* The row of an option of that name, len bytes long; NULL: there is none. */
const struct setting *setting_of_option(const char *name, size_t len);

/* The row of an environment variable; NULL: there is none. */
const struct setting *setting_of_variable(const char *name);

/* The row of a profile's key; NULL: there is none. */
const struct setting *setting_of_key(const char *name);

/*
 * Set it, over what a weaker source has given. value: NULL where there was
 * none. where: what a complaint begins with, as "FILE:LINE: ". 0, or an exit
 * status after one.
 */
int setting_apply(const struct setting *setting, const char *where,
    const char *value, struct options *options);

#endif
