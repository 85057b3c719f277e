#include "emulator/service/credentials.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "emulator/exchange/signer.h"

const char *const credential_names[CREDENTIALS] = {
    [PUBLISHABLE_KEY] = "BKEND_PUBLISHABLE_KEY",
    [SECRET_KEY] = "BKEND_SECRET_KEY",
    [EMAIL] = "BKEND_EMAIL",
    [PASSWORD] = "BKEND_PASSWORD",
};

#define SAMPLE_EMAIL "demo@example.com"

static const char *const sample[CREDENTIALS] = {
    [PUBLISHABLE_KEY] =
	"pk_b3d0f1a2c4e5968778695a4b3c2d1e0fb3d0f1a2c4e5968778695a4b3c2d1e0f",
    [SECRET_KEY] =
	"sk_5ec7e7000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c",
    [EMAIL] = SAMPLE_EMAIL,
    [PASSWORD] = "demo-password",
};

/* What random ones begin with, and how many random bytes follow. */
static const struct {
	const char *prefix;
	size_t bytes;
} forms[CREDENTIALS] = {
    [PUBLISHABLE_KEY] = {"pk_", 32},
    [SECRET_KEY] = {"sk_", 32},
    [EMAIL] = {SAMPLE_EMAIL, 0},
    [PASSWORD] = {"", 16},
};

#define RANDOM_SIZE (sizeof(SAMPLE_EMAIL) + 2 * 32)

int credentials_set_sample(struct credentials *credentials)
{
	for (size_t i = 0; i < CREDENTIALS; i++) {
		credentials->values[i] = strdup(sample[i]);
		if (!credentials->values[i])
			return -ENOMEM;
	}
	return 0;
}

bool credentials_are_sample(const struct credentials *credentials)
{
	return strcmp(credentials->values[PASSWORD], sample[PASSWORD]) == 0;
}

int credentials_set_random(struct credentials *credentials)
{
	for (size_t i = 0; i < CREDENTIALS; i++) {
		char *value = calloc(1, RANDOM_SIZE);
		if (!value)
			return -ENOMEM;
		credentials->values[i] = value;
		strcpy(value, forms[i].prefix);
		int r =
		    signer_random_hex(value + strlen(value), forms[i].bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

void credentials_done(struct credentials *credentials)
{
	for (size_t i = 0; i < CREDENTIALS; i++)
		free_secret(TAKE(credentials->values[i]));
}

/* Takes as long for one that is nearly right as for any other. */
static bool is_same(const char *given, const char *right)
{
	size_t len = strlen(right);
	unsigned char difference = 0;
	if (strlen(given) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		difference |= (unsigned char)(given[i] ^ right[i]);
	return difference == 0;
}

enum role credentials_role(
    const struct credentials *credentials, const char *key)
{
	if (key && is_same(key, credentials->values[SECRET_KEY]))
		return ROLE_ADMIN;
	if (key && is_same(key, credentials->values[PUBLISHABLE_KEY]))
		return ROLE_GUEST;
	return ROLE_NONE;
}

bool credentials_fit(const struct credentials *credentials, const char *email,
    const char *password)
{
	return strcmp(email, credentials->values[EMAIL]) == 0 &&
	       is_same(password, credentials->values[PASSWORD]);
}
