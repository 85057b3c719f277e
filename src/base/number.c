#include "base/number.h"

#include <errno.h>
#include <stdlib.h>

int number_parse(const char *text, int64_t least, int64_t most, int64_t *ret)
{
	if (*text < '0' || *text > '9')
		return -EINVAL;
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno || *end || number < least || number > most)
		return -EINVAL;
	*ret = number;
	return 0;
}
