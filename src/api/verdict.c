#include "api/verdict.h"

/* New tokens, each refused before it served anybody, that are enough. */
#define UNPROVEN_MAX 2

/* One was got for the sake of this request, or of another one, and refused like
 * the last. */
static enum verdict after_renewal(const struct verdict_facts *facts)
{
	/* It has been good, and has ended, as a check can tell. */
	if (facts->served && facts->checkable &&
	    facts->renewals < VERDICT_RENEWALS_MAX)
		return VERDICT_RENEW;
	if (facts->held)
		return VERDICT_REFUSED;
	if (facts->renewals >= 2 || facts->signed_in ||
	    facts->unproven >= UNPROVEN_MAX)
		return VERDICT_GIVE_UP;
	return VERDICT_SIGN_IN;
}

/* New ones are held back, and no check can tell: who is refused has somebody
 * else try the same token for a moment, and then gets another one. */
static enum verdict while_held(const struct verdict_facts *facts)
{
	if (facts->pauses)
		return facts->doubted ? VERDICT_RENEW : VERDICT_REFUSED;
	return facts->doubtful ? VERDICT_WAIT : VERDICT_REFUSED;
}

enum verdict verdict_of(const struct verdict_facts *facts)
{
	bool in_vain = facts->renewals || facts->unproven >= UNPROVEN_MAX;
	if (facts->young && !facts->served && !facts->checked &&
	    facts->pauses < VERDICT_PAUSES_MAX)
		return VERDICT_WAIT;
	if (facts->vouched && !facts->checkable)
		return VERDICT_REFUSED;
	if (!facts->checked && (in_vain || (facts->held && facts->checkable)))
		return VERDICT_CHECK;
	if (facts->checked && facts->good)
		return in_vain && !facts->held ? VERDICT_GIVE_UP
					       : VERDICT_REFUSED;
	if (in_vain)
		return after_renewal(facts);
	/* A check that can tell says that it has ended. */
	return facts->held && !facts->checkable ? while_held(facts)
						: VERDICT_RENEW;
}
