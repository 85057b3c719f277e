#include "sync/core/directory.h"

#include <stdio.h>

#include "base/log.h"
#include "sync/core/core.h"

void directory_explain(const struct directory *dir, const struct core *core,
    int err, const char *message)
{
	char request[160];
	snprintf(request, sizeof(request), "GET /v1/%s%s",
	    dir->table ? "data/" : "files", dir->table ? dir->table : "");
	failures_add(
	    core->config.failures, dir->title, request, 200, err, "", message);
	log_warn("%s: %s", dir->title, message);
}
