#include "replica/within.h"

static _Thread_local const struct replica *here;

void within_set(const struct replica *replica)
{
	here = replica;
}

bool within(const struct replica *replica)
{
	return here == replica;
}
