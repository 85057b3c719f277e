#include "command/refusal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "config/complain.h"

const char *refusal_words(const struct api_error *error)
{
	return error->message[0] ? error->message
	       : error->code[0]	 ? error->code
				 : "it gave no reason";
}

static bool speaks_of(const struct api_error *error, const char *word)
{
	return strcasestr(error->code, word) ||
	       strcasestr(error->message, word);
}

bool refusal_wants_code(const struct api_error *error)
{
	return error->err == -EACCES && speaks_of(error, "mfa");
}

static bool has_session(const struct options *options)
{
	return options->refresh_token || options->refresh_token_command;
}

static int explain_refusal(
    const struct options *options, const struct api_error *error)
{
	if (refusal_wants_code(error))
		return failed("%s asks for a second factor: set BKEND_MFA_CODE"
			      " to a fresh code (%s)",
		    options_source(options), refusal_words(error));
	bool of_key = speaks_of(error, "api-key") ||
		      speaks_of(error, "api key") || speaks_of(error, "apikey");
	if (has_session(options) && !of_key)
		return failed("%s has ended the session: sign in where it came"
			      " from, and give the new refresh token (%s)",
		    options_source(options), refusal_words(error));
	if (!options->email || of_key)
		return failed("%s refuses the key: check %s (%s)",
		    options_source(options),
		    options->email || has_session(options)
			? "BKEND_PUBLISHABLE_KEY"
			: "BKEND_SECRET_KEY or"
			  " BKEND_PUBLISHABLE_KEY",
		    refusal_words(error));
	return failed("%s refuses to sign in %s: check BKEND_EMAIL,"
		      " BKEND_PASSWORD and the key (%s)",
	    options_source(options), options->email, refusal_words(error));
}

/* Whether the answer means that we may go on. Without an account only a
 * refused key matters: a table may be missing, or closed to guests. */
static bool is_let_in(
    const struct options *options, const struct api_error *error)
{
	if (!error->err)
		return true;
	if (options->email || has_session(options) || !error->status)
		return false;
	if (error->status == 401)
		return strncmp(options->key, "sk_", 3) != 0 &&
		       !speaks_of(error, "key");
	return error->status < 500;
}

static int explain(const struct options *options, const struct api_error *error)
{
	switch (error->err) {
	case -EKEYREJECTED:
		return failed("the certificate of %s does not verify (%s);"
			      " give its CA with -o cacert=FILE",
		    options_source(options), refusal_words(error));
	case -EIO:
		if (error->status)
			return failed("%s fails (status %d, %s)",
			    options_source(options), error->status,
			    refusal_words(error));
		/* fall through */
	case -ENETUNREACH:
	case -ETIMEDOUT:
		return failed("cannot reach %s (%s): check the URL and the"
			      " network",
		    options_source(options), refusal_words(error));
	case -EACCES:
		return explain_refusal(options, error);
	case -ENOENT:
		return failed("%s is no bkend API: signing in gave status %d;"
			      " check the URL",
		    options_source(options), error->status);
	default:
		if (error->status == 400)
			return explain_refusal(options, error);
		return failed("%s does not answer as a bkend API (status %d,"
			      " %s)",
		    options_source(options), error->status,
		    refusal_words(error));
	}
}

int refusal_judge(const struct options *options, const struct api_error *error)
{
	return is_let_in(options, error) ? 0 : explain(options, error);
}
