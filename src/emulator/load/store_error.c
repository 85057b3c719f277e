#include "emulator/load/store_error.h"

#include <string.h>

/* No such answer is larger. */
#define ERROR_MAX 4096

/* What stands between a tag and the next one; false where it is not there. */
static bool add_element(const char *text, const char *tag, struct buf *ret)
{
	const char *start = strstr(text, tag);
	if (!start)
		return false;
	start += strlen(tag);
	return buf_add(ret, start, strcspn(start, "<")) == 0;
}

int store_error_read(const struct place *place, struct buf *ret_code)
{
	static const char start[] = "<Error>";
	CLEANUP_BUF struct buf text;
	buf_init(&text, ERROR_MAX);
	if (place->len > ERROR_MAX - 1)
		return 0;
	int r = place_read(place, &text);
	if (r < 0)
		return r;
	const char *at = buf_str(&text);
	if (strncmp(at, "<?xml", strlen("<?xml")) == 0) {
		at += strcspn(at, ">");
		at += *at == '>';
		at += strspn(at, " \t\r\n");
	}
	return strncmp(at, start, strlen(start)) == 0 &&
	       add_element(at, "<Code>", ret_code);
}
