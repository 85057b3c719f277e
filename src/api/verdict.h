/*
 * What a 401 to a request that carried a token says of the token, and what is
 * done about it: the one home of that rule, for bearer.c. Signing in is counted
 * by servers, and five times in fifteen minutes are what the service allows
 * before it locks the account: so a refusal must not cost one each. Pure and
 * thread-safe.
 */
#ifndef API_VERDICT_H
#define API_VERDICT_H

#include <stdbool.h>

struct verdict_facts {
	/* Of the token that was refused. */
	bool served;	   /* some request was answered well with it */
	bool young;	   /* when sent, it was hardly older than its answer */
	bool signed_in;	   /* it came by signing in, not by a refresh */
	bool vouched;	   /* it has served another request after it was
			      refused to this one before */
	bool doubtful;	   /* it has served somebody, and while new ones are
			      held back one may be got for who doubts it */
	unsigned unproven; /* tokens in a row, this one included, that were
			      refused and had served nobody */
	/* Of all tokens. */
	bool checkable; /* a check has found one good before: it can tell */
	bool held;	/* new ones were got in vain a short while ago */
	/* Of the request. */
	unsigned pauses;   /* waits so far for a young token */
	unsigned renewals; /* new tokens that were got for its sake */
	bool doubted; /* one of the waits was for others to try a token that
			 was doubtful */
	/* Of a check that was made after the refusal. */
	bool checked;
	bool good;
};

enum verdict {
	VERDICT_WAIT,	 /* ask again with the same token, after a pause */
	VERDICT_CHECK,	 /* find out whether the token is good at all */
	VERDICT_RENEW,	 /* ask again with a new token */
	VERDICT_SIGN_IN, /* the same, but by signing in */
	VERDICT_REFUSED, /* it is the request that is refused */
	VERDICT_GIVE_UP, /* the same, since no token helps: get no other one
			    for a while */
};

/* So often is a young token given another chance by one request. */
#define VERDICT_PAUSES_MAX 3

/* Short-lived ones that were good may end in several of its attempts. */
#define VERDICT_RENEWALS_MAX 4

/*
 * A token that has just come is not yet known everywhere in a service of many
 * machines, so it is tried again; one that was good may have ended early, so it
 * is renewed once. Where that does not help, a check tells the two apart: a
 * token that the server knows is not to blame, and signing in would not help.
 * That is believed for a while, not for ever: some servers ask more of a token
 * in one place than in another. Where no check can tell, others do: a token
 * that serves them is not to blame; and one request that is refused for ever is
 * no reason to refuse another one a new token, now and then.
 */
enum verdict verdict_of(const struct verdict_facts *facts);

#endif
