#include "json/parsed.h"

#include <string.h>

cJSON *parsed_member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void scrub(const cJSON *json)
{
	for (; json; json = json->next) {
		if (json->valuestring)
			explicit_bzero(
			    json->valuestring, strlen(json->valuestring));
		scrub(json->child);
	}
}

void parsed_free(cJSON *json)
{
	scrub(json);
	cJSON_Delete(json);
}
