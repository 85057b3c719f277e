#include "api/presence.h"

#include <string.h>

bool presence_allows(
    enum api_presence presence, const struct presence_miss *miss)
{
	switch (presence) {
	case API_LISTED:
		return !miss->of_files && strcasestr(miss->code, "table");
	case API_TOLD_OF:
		return !miss->of_files && (miss->code[0] || !miss->is_page);
	default:
		return true;
	}
}
