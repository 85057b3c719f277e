#include "mcp/finder.h"

#include <errno.h>
#include <string.h>

#include "base/timestamp.h"
#include "mcp/inquiry.h"
#include "mcp/resource_finder.h"
#include "mcp/tool_finder.h"

#define PATIENCE_MS 60000

int finder_run(struct conversation *conversation, struct candidates *candidates,
    void (*note)(void *ctx, const struct mcp_error *error), void *ctx,
    struct mcp_error *error)
{
	struct inquiry inquiry = {
	    .conversation = conversation,
	    .candidates = candidates,
	    .note = note,
	    .ctx = ctx,
	    .until = timestamp_mono_ms() + PATIENCE_MS,
	};
	*error = (struct mcp_error){0};
	int r = tool_finder_run(&inquiry, error);
	if (r == 0 && !inquiry.told)
		r = resource_finder_run(&inquiry, error);
	if (r == -E2BIG && inquiry.told) {
		note(ctx, error);
		r = 0;
	}
	if (r == 0 && !inquiry.told) {
		*error = (struct mcp_error){
		    .err = -EPROTO, .request = "MCP tools/list"};
		strcpy(error->message,
		    "the server has no tool and no resource that lists"
		    " tables");
		r = -EPROTO;
	}
	return r;
}
