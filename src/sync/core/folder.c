#include "sync/core/folder.h"

#include <stdio.h>

#include "base/log.h"
#include "sync/core/core.h"

void folder_explain(const struct folder *folder, const struct core *core,
    int err, const char *message)
{
	char request[160];
	snprintf(request, sizeof(request), "GET /v1/%s%s",
	    folder->table ? "data/" : "files",
	    folder->table ? folder->table : "");
	failures_add(core->config.failures, folder->title, request, 200, err,
	    "", message);
	log_warn("%s: %s", folder->title, message);
}
