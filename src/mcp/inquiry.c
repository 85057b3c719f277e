#include "mcp/inquiry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "json/json.h"

#define QUESTIONS_MAX 400

/* ---- asking ---- */

int inquiry_ask(struct inquiry *inquiry, const char *method, const char *params,
    const char *what, struct rpc_answer *ret_answer, struct mcp_error *error)
{
	if (inquiry->questions++ >= QUESTIONS_MAX ||
	    timestamp_mono_ms() > inquiry->until) {
		*error = (struct mcp_error){.err = -E2BIG};
		snprintf(
		    error->request, sizeof(error->request), "MCP %s", what);
		strcpy(error->message,
		    "there are too many projects to ask for all of them");
		return -E2BIG;
	}
	return conversation_ask(
	    inquiry->conversation, method, params, what, ret_answer, error);
}

bool inquiry_is_over(const struct mcp_error *error)
{
	switch (error->err) {
	case -ECANCELED:
	case -ENOMEM:
	case -E2BIG:
		return true;
	default:
		return error->status == 401;
	}
}

int inquiry_tolerate(struct inquiry *inquiry, const struct mcp_error *error)
{
	if (inquiry_is_over(error))
		return error->err;
	inquiry->note(inquiry->ctx, error);
	return 0;
}

void inquiry_complain(
    struct inquiry *inquiry, const char *what, const char *message)
{
	struct mcp_error error = {.err = -EPROTO};
	snprintf(error.request, sizeof(error.request), "MCP %s", what);
	snprintf(error.message, sizeof(error.message), "%s", message);
	inquiry->note(inquiry->ctx, &error);
}

int inquiry_items(const struct rpc_answer *answer, const char *what,
    struct items **ret_items, struct mcp_error *error)
{
	const char *words = "";
	int r = items_read(answer->result, ret_items, &words);
	if (r == 0 || r == -ENOMEM) {
		error->err = r;
		return r;
	}
	*error = (struct mcp_error){.err = r};
	snprintf(error->request, sizeof(error->request), "MCP %s", what);
	snprintf(error->message, sizeof(error->message), "%s",
	    r == -EACCES ? words : "the answer holds no list");
	items_free(*ret_items);
	*ret_items = NULL;
	return r;
}

int inquiry_by_cursor(struct inquiry *inquiry, const char *method,
    int (*take)(void *ctx, const struct rpc_answer *answer), void *ctx,
    struct mcp_error *error)
{
	CLEANUP_FREE char *cursor = NULL;
	int r = 0;
	for (unsigned page = 0; r == 0 && page < INQUIRY_PAGES_MAX; page++) {
		CLEANUP(rpc_answer_done) struct rpc_answer answer = {0};
		CLEANUP_BUF struct buf params;
		buf_init(&params, 65536);
		r = buf_adds(&params, cursor ? "{\"cursor\":" : "{");
		if (r == 0 && cursor)
			r = json_string_encode(cursor, strlen(cursor), &params);
		if (r == 0)
			r = buf_addc(&params, '}');
		if (r == 0)
			r = inquiry_ask(inquiry, method, buf_str(&params),
			    method, &answer, error);
		if (r == 0)
			r = error->err = take(ctx, &answer);
		const char *next =
		    r == 0 ? rpc_text(&answer, "nextCursor") : NULL;
		if (!next || (cursor && strcmp(cursor, next) == 0))
			break;
		free(cursor);
		cursor = strdup(next);
		if (!cursor)
			r = error->err = -ENOMEM;
	}
	return r;
}

/* ---- tables ---- */

static const char *const table_names[] = {
    "tableName", "table_name", "name", NULL};
static const char *const project_names[] = {
    "projectId", "project_id", "project", NULL};
static const char *const environment_names[] = {"environmentId",
    "environment_id", "envId", "env_id", "environment", "env", NULL};

int inquiry_take_table(struct inquiry *inquiry, const struct items *items,
    size_t index, const char *group)
{
	CLEANUP_BUF struct buf key;
	const char *name = items_text(items, index, table_names);
	const char *project = items_text(items, index, project_names);
	const char *environment = items_text(items, index, environment_names);
	buf_init(&key, 65536);
	if (!name)
		return 0;
	/* A bare name is all that there is of an item. */
	if (project == name)
		project = environment = NULL;
	int r = buf_printf(&key, "%s/%s/%s", group, project ? project : "",
	    environment ? environment : "");
	if (r == 0)
		r = candidates_add(inquiry->candidates, buf_str(&key), name);
	if (r == -ENOSPC)
		inquiry_complain(inquiry, "tables", "there are too many names");
	return r == -ENOSPC ? 0 : r;
}
