#include "emulator/oauth/registrations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "emulator/exchange/signer.h"

#define REGISTRATIONS_MAX 256

struct registrations {
	struct lock lock;
	/* Under lock: a ring, the newest at next - 1. */
	struct registration *items;
	size_t next;
};

int registrations_new(struct registrations **ret_registrations)
{
	struct registrations *registrations = calloc(1, sizeof(*registrations));
	if (registrations)
		registrations->items =
		    calloc(REGISTRATIONS_MAX, sizeof(*registrations->items));
	if (!registrations || !registrations->items) {
		free(registrations);
		return -ENOMEM;
	}
	lock_init(&registrations->lock);
	*ret_registrations = registrations;
	return 0;
}

void registrations_free(struct registrations *registrations)
{
	if (!registrations)
		return;
	lock_done(&registrations->lock);
	free(registrations->items);
	free(registrations);
}

int registrations_add(
    struct registrations *registrations, struct registration *registration)
{
	strcpy(registration->id, "dyn-");
	int r = signer_random_hex(registration->id + 4, 16);
	if (r < 0)
		return r;
	lock_acquire(&registrations->lock);
	registrations->items[registrations->next++ % REGISTRATIONS_MAX] =
	    *registration;
	lock_release(&registrations->lock);
	return 0;
}

int registrations_find(struct registrations *registrations, const char *id,
    struct registration *ret_registration)
{
	int r = -ENOENT;
	lock_acquire(&registrations->lock);
	for (size_t i = 0; r < 0 && i < REGISTRATIONS_MAX; i++) {
		const struct registration *one = &registrations->items[i];
		if (!one->id[0] || strcmp(one->id, id) != 0)
			continue;
		*ret_registration = *one;
		r = 0;
	}
	lock_release(&registrations->lock);
	return r;
}

bool registration_allows(
    const struct registration *registration, const char *redirect_uri)
{
	for (size_t i = 0; i < registration->redirect_count; i++)
		if (redirect_fits(registration->redirects[i], redirect_uri))
			return true;
	return false;
}
