#include "mcp/resource_finder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/percent.h"
#include "json/json.h"
#include "json/parsed.h"

/* URIs to read, each once. */
#define URIS_MAX 300
#define URI_LEN_MAX 1000

struct finder {
	struct inquiry *inquiry;
	char *uris[URIS_MAX];
	size_t count;
};

/* ---- which to read ---- */

static bool ends_with(const char *text, const char *tail)
{
	size_t len = strlen(text), n = strlen(tail);
	return len >= n && strcmp(text + len - n, tail) == 0;
}

static bool is_of_use(const char *uri)
{
	return strncmp(uri, "bkend://", 8) == 0 && strlen(uri) <= URI_LEN_MAX &&
	       !strpbrk(uri, "{}") &&
	       (ends_with(uri, "/tables") || ends_with(uri, "/projects") ||
		   ends_with(uri, "/environments"));
}

static int add(struct finder *finder, const char *uri)
{
	if (!is_of_use(uri))
		return 0;
	for (size_t i = 0; i < finder->count; i++) {
		if (strcmp(finder->uris[i], uri) == 0)
			return 0;
	}
	if (finder->count == URIS_MAX) {
		inquiry_complain(finder->inquiry, "resources/list",
		    "there are too many projects to read all of them");
		return 0;
	}
	if (!(finder->uris[finder->count] = strdup(uri)))
		return -ENOMEM;
	finder->count++;
	return 0;
}

static int take_list(void *ctx, const struct rpc_answer *answer)
{
	const cJSON *one;
	int r = 0;
	cJSON_ArrayForEach (one, parsed_member(answer->result, "resources")) {
		const cJSON *uri = parsed_member(one, "uri");
		if (r == 0 && cJSON_IsString(uri))
			r = add(ctx, uri->valuestring);
	}
	return r;
}

/* ---- what they say ---- */

/* "bkend://…/projects" lists what has environments, and
 * "bkend://…/environments" what has tables. */
static int add_below(struct finder *finder, const char *parent, const char *id,
    const char *child)
{
	CLEANUP_BUF struct buf uri;
	buf_init(&uri, URI_LEN_MAX * 4);
	int r = buf_printf(&uri, "%s/", parent);
	if (r == 0)
		r = percent_encode(id, strlen(id), &uri);
	if (r == 0)
		r = buf_printf(&uri, "/%s", child);
	return r == -EMSGSIZE ? 0 : r == 0 ? add(finder, buf_str(&uri)) : r;
}

static int take_item(struct finder *finder, const char *uri,
    const struct items *items, size_t index)
{
	static const char *const ids[] = {"id", "_id", "projectId",
	    "environmentId", "environment", "name", NULL};
	if (ends_with(uri, "/tables"))
		return inquiry_take_table(finder->inquiry, items, index, uri);
	const char *id = items_text(items, index, ids);
	if (!id)
		return 0;
	if (ends_with(uri, "/environments"))
		return add_below(finder, uri, id, "tables");
	/* Projects are named alike wherever their list stands. */
	return add_below(finder, "bkend://projects", id, "environments");
}

static int take_items(
    struct finder *finder, const char *uri, const struct items *items)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < items_count(items); i++)
		r = take_item(finder, uri, items, i);
	if (r == 0 && ends_with(uri, "/tables"))
		finder->inquiry->told = true;
	if (items_more(items, 1, (int64_t)items_count(items)) == 1)
		inquiry_complain(finder->inquiry, "resources/read",
		    "there are more of them, but no way to ask for the next"
		    " page");
	return r;
}

static int read_one(
    struct finder *finder, const char *uri, struct mcp_error *error)
{
	CLEANUP_BUF struct buf params;
	CLEANUP(rpc_answer_done) struct rpc_answer answer = {0};
	struct items *items = NULL;
	buf_init(&params, URI_LEN_MAX * 8);
	*error = (struct mcp_error){0};
	int r = buf_adds(&params, "{\"uri\":");
	if (r == 0)
		r = json_string_encode(uri, strlen(uri), &params);
	if (r == 0)
		r = buf_addc(&params, '}');
	if (r < 0)
		return error->err = r;
	r = inquiry_ask(finder->inquiry, "resources/read", buf_str(&params),
	    "resources/read", &answer, error);
	if (r == 0)
		r = inquiry_items(&answer, "resources/read", &items, error);
	if (r == 0)
		r = error->err = take_items(finder, uri, items);
	items_free(items);
	return r < 0 ? inquiry_tolerate(finder->inquiry, error) : 0;
}

static int run(struct finder *finder, struct mcp_error *error)
{
	int r = inquiry_by_cursor(
	    finder->inquiry, "resources/list", take_list, finder, error);
	if (r < 0)
		return r;
	/* Reading one may add others behind it. */
	for (size_t i = 0; r == 0 && i < finder->count; i++)
		r = read_one(finder, finder->uris[i], error);
	return r;
}

int resource_finder_run(struct inquiry *inquiry, struct mcp_error *error)
{
	struct finder *finder = calloc(1, sizeof(*finder));
	if (!finder)
		return error->err = -ENOMEM;
	finder->inquiry = inquiry;
	int r = run(finder, error);
	for (size_t i = 0; i < finder->count; i++)
		free(finder->uris[i]);
	free(finder);
	return r;
}
