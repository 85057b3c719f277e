#include "emulator/load/stray.h"

#include <string.h>
#include <strings.h>

const char *stray_kind(const char *name)
{
	static const char *const known[] = {
	    "__MACOSX", "Thumbs.db", "desktop.ini", "lost+found"};
	if (strncmp(name, "._", 2) == 0)
		return "an AppleDouble file";
	if (name[0] == '.')
		return "a hidden name";
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcasecmp(name, known[i]) == 0)
			return "left by a system";
	return NULL;
}

/* name without what is from start up to end. */
static bool leave_out(const char *name, const char *start, const char *end,
    struct buf *ret_original)
{
	return buf_add(ret_original, name, (size_t)(start - name)) == 0 &&
	       buf_adds(ret_original, end) == 0;
}

bool stray_is_conflict(const char *name, struct buf *ret_original)
{
	/* NAME.sync-conflict-20260102-030405-ABCDEFG.EXT */
	const char *mark = strstr(name, ".sync-conflict-");
	if (mark)
		return leave_out(name, mark, mark + 1 + strcspn(mark + 1, "."),
		    ret_original);
	/* NAME (somebody's conflicted copy 2026-01-02).EXT */
	mark = strcasestr(name, "conflicted copy");
	if (!mark)
		return false;
	const char *start = mark, *end = strchr(mark, ')');
	while (start > name && *start != '(')
		start--;
	if (!end || *start != '(' || start == name)
		return false;
	return leave_out(
	    name, start[-1] == ' ' ? start - 1 : start, end + 1, ret_original);
}
