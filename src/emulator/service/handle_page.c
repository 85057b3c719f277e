#include "emulator/service/handle.h"

#include <string.h>

#include "emulator/page/media.h"

/* Where the pages are when anybody may see them. */
#define OPEN_TOKEN "open"

/* Contents that are opened by themselves: without scripts, without our origin,
 * and with nothing from elsewhere. */
#define CONTENTS_POLICY                                                        \
	"sandbox; default-src 'none'; img-src 'self'; media-src 'self'; "      \
	"style-src 'unsafe-inline'"

/* Takes as long wherever they differ. */
static bool is_same(const char *given, size_t len, const char *token)
{
	unsigned char difference = 0;
	if (len != strlen(token))
		return false;
	for (size_t i = 0; i < len; i++)
		difference |= (unsigned char)(given[i] ^ token[i]);
	return difference == 0;
}

static const char *token_of(const struct emulator *emulator)
{
	return *emulator->page_token ? emulator->page_token : OPEN_TOKEN;
}

/* What is below the pages' directory, or NULL: not to be seen. What every page
 * looks like is no secret. */
static const char *name_of_page(
    const struct emulator *emulator, const struct request *request)
{
	const char *rest = request->path + strlen("/page/");
	size_t len = strcspn(rest, "/");
	if (strcmp(rest, "style.css") == 0 || strcmp(rest, "icon.svg") == 0)
		return rest;
	if (rest[len] != '/' || !is_same(rest, len, token_of(emulator)))
		return NULL;
	return rest + len + 1;
}

/* ?id=ID: a stored file's contents, for a page to show, or to be saved. */
static void reply_contents(struct emulator *emulator,
    const struct request *request, struct reply *reply)
{
	struct table *files = store_files(emulator->store);
	const struct param *id = params_find(&request->params, "id");
	row_t row;
	if (!id ||
	    store_get(emulator->store, files, id->value, id->len, &row) < 0) {
		site_answer(&emulator->site, "object", request, reply);
		return;
	}
	site_add_headers(reply);
	handle_object_contents(emulator, request, row, reply);
	row_unref(row);
	reply_add_header(reply, "Content-Security-Policy", CONTENTS_POLICY);
	if (!media_opens(reply->type))
		reply_add_header(reply, "Content-Disposition", "attachment");
}

void handle_page(
    struct emulator *emulator, struct request *request, struct reply *reply)
{
	if (strcmp(request->path, "/") == 0 && !*emulator->page_token) {
		site_add_headers(reply);
		reply->status = 302;
		reply_add_header(reply, "Location", "/page/" OPEN_TOKEN "/");
		return;
	}
	const char *name = strcmp(request->path, "/") == 0
			       ? NULL
			       : name_of_page(emulator, request);
	if (!name)
		site_answer_locked(reply);
	else if (strcmp(name, "object") == 0)
		reply_contents(emulator, request, reply);
	else
		site_answer(&emulator->site, name, request, reply);
}
