#include "emulator/load/nfc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static bool is_ascii(const char *name)
{
	while (*name && !(*name & 0x80))
		name++;
	return !*name;
}

int nfc_add(const char *name, struct buf *out)
{
	if (is_ascii(name))
		return buf_adds(out, name);
	utf8proc_uint8_t *composed;
	utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)name, 0,
	    &composed, UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (len == UTF8PROC_ERROR_NOMEM)
		return -ENOMEM;
	if (len < 0)
		return buf_adds(out, name);
	int r = buf_add(out, composed, (size_t)len);
	free(composed);
	return r;
}
