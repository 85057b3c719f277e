/*
 * What every command needs that asks the server: signals that end it, the
 * transport, and an api that has signed in. Main thread, but where it says
 * otherwise.
 */
#ifndef COMMAND_CONTACT_H
#define COMMAND_CONTACT_H

#include "api/api.h"
#include "base/failures.h"
#include "command/signals.h"
#include "config/options.h"
#include "http/http.h"

struct contact;

/*
 * Start the threads that take in signals and carry requests; nothing is asked
 * yet. The options are borrowed for its life. 0, or an exit status after a
 * complaint.
 */
int contact_open(const struct options *options, struct contact **ret_contact);

/* Begin to sign in, or to ask whether the key is refused. Log lines are held
 * back from here to contact_end. 0, or an exit status after a complaint. */
int contact_begin(struct contact *contact);

/* Wait for the answer, and ask on the terminal where the server wants to know
 * more. 0: it lets us in; else an exit status after a complaint. */
int contact_end(struct contact *contact);

/* 0, or an exit status after a complaint: a signal came that nobody watched
 * for. */
int contact_was_ended(struct contact *contact);

/* Its transport; borrowed. */
struct http *contact_http(const struct contact *contact);

/* Its api; borrowed. NULL before contact_begin. */
struct api *contact_api(const struct contact *contact);

/* Where its failures are told of; borrowed. */
struct failures *contact_failures(const struct contact *contact);

/* The signals that end its waits; borrowed. */
struct signals *contact_signals(const struct contact *contact);

/* End its threads: no callback comes any more. NULL is fine. */
void contact_stop(struct contact *contact);

/* Free what is left after contact_stop; whatever asks by it has to be gone.
 * NULL is fine. */
void contact_free(struct contact *contact);

#endif
