#include "http/page.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/utf8.h"

bool page_begins(const char *body, size_t len)
{
	static const char *const tags[] = {
	    "<!DOCTYPE HTML", "<HTML", "<HEAD", "<BODY"};
	size_t at = utf8_mark_len(body, len);
	while (at < len && body[at] && strchr(" \t\r\n\f", body[at]))
		at++;
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		size_t size = strlen(tags[i]);
		/* A tag ends so. */
		if (len - at > size &&
		    strncasecmp(body + at, tags[i], size) == 0 &&
		    (body[at + size] == '>' || body[at + size] == ' '))
			return true;
	}
	return false;
}
