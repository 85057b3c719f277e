/*
 * The pages that show a person, in a browser, what is served. They show all of
 * it, so only those get them whom the service (handle_page.c) let in. Plain
 * HTML with a style sheet; nothing in them runs, and nothing is fetched from
 * elsewhere. Immutable while serving; any thread.
 */
#ifndef EMULATOR_SITE_H
#define EMULATOR_SITE_H

#include "emulator/exchange/http_reply.h"
#include "emulator/page/page_view.h"

/* The page of that name below where all of them are ("": the first one), with
 * its parameters in the request. */
void site_answer(const struct site *site, const char *name,
    const struct request *request, struct reply *reply);

/* What whoever may not see them gets: how to come by the link. */
void site_answer_locked(struct reply *reply);

/* For every answer that a browser gets from here: who may frame, embed or keep
 * it, and that no other site may read it. */
void site_add_headers(struct reply *reply);

#endif
