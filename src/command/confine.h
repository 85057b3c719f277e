/* What a process that serves a mount, or asks a server, leaves itself of the
 * machine, and of what its user could do: see base/sandbox.h. For mount.c and
 * the other commands. */
#ifndef COMMAND_CONFINE_H
#define COMMAND_CONFINE_H

#include "base/sandbox.h"
#include "config/options.h"

/*
 * Leave everything behind that serving what the settings say does not take: it
 * may not mount, nor start a program, any more. The directories of the settings
 * are made, and checked to be ours alone. What is in force, in words, for
 * .bkendfs/status. 0, or an exit status after a complaint. While there is one
 * thread.
 */
int confine_mount(const struct options *options, char ret_words[SANDBOX_WORDS]);

/*
 * The same for a command that mounts nothing: a directory for the replica that
 * cannot be had is no reason to end, but for whoever needs it. 0, or an exit
 * status after a complaint. While there is one thread; a server of our own has
 * been started.
 */
int confine_command(const struct options *options);

#endif
