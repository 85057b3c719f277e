/* Who may say yes to a program: the one whose data it is. Handed in by the room
 * above, which knows the account. */
#ifndef EMULATOR_OWNER_H
#define EMULATOR_OWNER_H

#include <stdbool.h>

/* Borrowed for the time of a call. */
struct oauth_owner {
	const char *email;
	bool known_to_all; /* so that nobody has to say the password */
	bool (*fits)(const void *ctx, const char *password);
	const void *ctx;
};

#endif
