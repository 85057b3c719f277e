/*
 * What a program leaves itself once it knows what it needs: the directories
 * that are allowed, no program to start, no privilege to gain. By the kernel's
 * Landlock, as far as it has that; an old kernel is no error.
 *
 * Made, filled and entered by one thread, while it is the only one: those that
 * are started later, and children, are inside as well. For good.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stddef.h>

struct sandbox;

/* What is left of a file, or of all that is below a directory. */
enum sandbox_use {
	SANDBOX_READ,	/* read files and list directories */
	SANDBOX_KEEP,	/* that, and make, write and remove both */
	SANDBOX_SPOOL,	/* read and write files, also such without a name */
	SANDBOX_APPEND, /* make and write files, not read any */
	SANDBOX_TIDY,	/* remove directories that are empty */
	SANDBOX_DEVICE, /* read, write and control it */
};

/* What is left of TCP, from kernel 6.7 on; other kinds of sockets are as they
 * were. */
enum sandbox_net {
	SANDBOX_CLIENT, /* connect, anywhere; not listen */
	SANDBOX_SERVER, /* listen, anywhere; not connect */
};

/* Nothing is allowed yet. 0 or -ENOMEM. */
int sandbox_new(enum sandbox_net net, struct sandbox **ret_sandbox);

/* NULL is fine. */
void sandbox_free(struct sandbox *sandbox);

/* Allow what stands at path now, links followed. 0, also where nothing does, or
 * -errno. */
int sandbox_allow(
    struct sandbox *sandbox, const char *path, enum sandbox_use use);

/* Room for what sandbox_enter says. */
#define SANDBOX_WORDS 48

/* The sanitizers look into the process, and write down what they find, where no
 * sandbox would let them: programs that are built with one do without. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_WANTED 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_WANTED 0
#endif
#ifndef SANDBOX_WANTED
#define SANDBOX_WANTED 1
#endif

/* Leave everything else behind. What is in force, in words: "landlock ABI 7",
 * or why nothing is. Descriptors that are open stay as they are. */
void sandbox_enter(struct sandbox *sandbox, char ret_words[SANDBOX_WORDS]);

#endif
