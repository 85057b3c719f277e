/*
 * Programs that have made themselves known (RFC 7591): who they say they are,
 * and where a browser may be sent back to. Anybody may; so there is room for a
 * few only, and the oldest is forgotten. Thread-safe.
 */
#ifndef EMULATOR_REGISTRATIONS_H
#define EMULATOR_REGISTRATIONS_H

#include "base/buf.h"
#include "emulator/oauth/redirect.h"

#define REGISTRATION_NAME_MAX 200
#define REGISTRATION_REDIRECTS_MAX 8
/* NUL included. */
#define REGISTRATION_ID_SIZE 40

struct registrations;

struct registration {
	char id[REGISTRATION_ID_SIZE];
	char name[REGISTRATION_NAME_MAX + 1]; /* as it calls itself */
	char redirects[REGISTRATION_REDIRECTS_MAX][REDIRECT_MAX + 1];
	size_t redirect_count;
};

/* 0 or -ENOMEM. */
int registrations_new(struct registrations **ret_registrations);
/* NULL is fine. */
void registrations_free(struct registrations *registrations);

/* Take in a program, whose id is made up. 0, or what getrandom says. */
int registrations_add(
    struct registrations *registrations, struct registration *registration);

/* A copy of the one with that id: 0 or -ENOENT. */
int registrations_find(struct registrations *registrations, const char *id,
    struct registration *ret_registration);

/* Whether the browser may be sent there. */
bool registration_allows(
    const struct registration *registration, const char *redirect_uri);

#endif
