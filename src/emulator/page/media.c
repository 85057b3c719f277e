#include "emulator/page/media.h"

#include <string.h>
#include <strings.h>

static bool is_type(const char *type, const char *wanted)
{
	size_t len = strlen(wanted);
	return strncasecmp(type, wanted, len) == 0 &&
	       (wanted[len - 1] == '/' || strchr("; \t", type[len]));
}

enum media media_of(const char *type)
{
	static const char *const pictures[] = {"image/png", "image/jpeg",
	    "image/jpg", "image/gif", "image/webp", "image/avif", "image/bmp",
	    "image/x-icon", "image/vnd.microsoft.icon", "image/svg+xml"};
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++)
		if (is_type(type, pictures[i]))
			return MEDIA_PICTURE;
	if (is_type(type, "audio/"))
		return MEDIA_SOUND;
	if (is_type(type, "video/"))
		return MEDIA_FILM;
	return is_type(type, "text/plain") ? MEDIA_TEXT : MEDIA_OTHER;
}

bool media_opens(const char *type)
{
	return media_of(type) != MEDIA_OTHER && !is_type(type, "image/svg+xml");
}
