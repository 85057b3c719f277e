/*
 * The command line. It is read first, for it says what is asked for, but what
 * it sets is applied last, over all weaker sources. One thread.
 */
#ifndef CONFIG_ARGUMENTS_H
#define CONFIG_ARGUMENTS_H

#include "config/options.h"

/* What a person can ask for. */
enum command {
	COMMAND_MOUNT,
	COMMAND_DEMO,
	COMMAND_CHECK,
	COMMAND_FETCH,
	COMMAND_LOGIN,
	COMMAND_LOGOUT,
	COMMAND_HELP,
	COMMAND_SETTINGS,
	COMMAND_VERSION,
};

struct arguments {
	enum command command;
	/* Borrowed from argv. */
	const char *source;	/* of what to mount; NULL: not given */
	const char *mountpoint; /* NULL: the command has none */
	/* Owned; each is one option of -o, free of backslashes. */
	char **list;
	size_t count;
	bool foreground;
	bool debug;
	bool single_threaded;
};

/* 0, or an exit status after a complaint. */
int arguments_parse(int argc, char **argv, struct arguments *ret_arguments);

/* Set what they say. 0, or an exit status after a complaint. */
int arguments_apply(const struct arguments *arguments, struct options *options);

/* Free what they own. All zeros is fine. */
void arguments_done(struct arguments *arguments);

#endif
