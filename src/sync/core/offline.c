#include "sync/core/offline.h"

#include <errno.h>
#include <stdio.h>

#include "base/failures.h"
#include "sync/core/core.h"
#include "tree/name.h"

int offline_lacks(const struct core *core, const char *dir, const char *name,
    const char *message)
{
	char path[2 * NAME_BYTES_MAX + 2];
	snprintf(path, sizeof(path), "%s%s%s", dir, *dir && name ? "/" : "",
	    name ? name : "");
	failures_add(
	    core->config.failures, path, "", 0, -ENODATA, "offline", message);
	return -ENODATA;
}
