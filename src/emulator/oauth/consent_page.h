/*
 * What a person sees who is asked whether a program may look: plain HTML. All
 * that the program says of itself is hostile, and may be shown but nothing
 * else. No other page may frame this one, and nothing is fetched for it. Of a
 * connection's thread.
 */
#ifndef EMULATOR_CONSENT_PAGE_H
#define EMULATOR_CONSENT_PAGE_H

#include "emulator/exchange/http_reply.h"
#include "emulator/oauth/grants.h"

struct consent_page {
	const char *consent; /* what the form carries */
	const char *name;    /* the program's */
	const struct grant_wish *wish;
	const char *email; /* whose password is asked for; NULL: nobody's */
	bool mistaken;	   /* the last one was wrong */
};

/* Ask. 0, -ENOMEM, -EMSGSIZE, or what getrandom says. */
int consent_page_ask(const struct consent_page *page,
    const struct request *request, struct reply *reply);

/* Say why nobody is asked. title and text are ours. 0 or as above. */
int consent_page_refuse(
    struct reply *reply, int status, const char *title, const char *text);

#endif
