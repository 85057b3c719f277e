#include "sync/listing/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/write.h"
#include "sync/record/put.h"
#include "tree/name.h"

struct spec {
	struct core *core;
	const struct folder *folder;
	void (*done)(void *ctx, int err);
	void *ctx;
	struct replica_place in;
	struct api_call *call;
	int64_t asked; /* a moment */
	struct commit_hook hook;
	bool is_done; /* in the replica, or refused */
};

static void on_commit(void *ctx, int err)
{
	struct spec *spec = ctx;
	spec->is_done = err == 0;
	spec->done(spec->ctx, err);
}

struct spec *spec_new(struct core *core, const struct folder *folder,
    void (*done)(void *ctx, int err), void *ctx)
{
	struct spec *spec = calloc(1, sizeof(*spec));
	if (!spec)
		return NULL;
	spec->core = core;
	spec->folder = folder;
	spec->done = done;
	spec->ctx = ctx;
	spec->hook = (struct commit_hook){.fn = on_commit, .ctx = spec};
	return spec;
}

void spec_free(struct spec *spec)
{
	if (!spec)
		return;
	spec_stop(spec);
	free(spec);
}

void spec_begin(struct spec *spec)
{
	/* Stored files have none. */
	spec->is_done = spec->folder->table == NULL;
}

void spec_stop(struct spec *spec)
{
	api_cancel(TAKE(spec->call));
	write_unhook(&spec->hook);
}

bool spec_is_done(const struct spec *spec)
{
	return spec->is_done;
}

static int put(struct spec *spec, const char *text, size_t len, int64_t checked)
{
	struct core *core = spec->core;
	int r = write_begin(core->write);
	if (r == 0)
		r = put_spec(
		    core, spec->folder->id, text, len, &spec->in, checked);
	if (r == 0)
		write_hook(core->write, &spec->hook);
	return r;
}

static void on_text(
    void *ctx, const struct api_error *error, const char *text, size_t len)
{
	struct spec *spec = ctx;
	spec->call = NULL;
	/* A server that refuses it has none for us, which .bkendfs/errors
	 * tells; one that fails leaves open whether it has, and a listing
	 * without it would be a hole that nobody sees. */
	if (error->err == -ENOENT) {
		spec->is_done = true;
		spec->done(spec->ctx, 0);
		return;
	}
	int r = error->err;
	if (r == 0)
		r = put(spec, text, len, confirmation(spec->core, spec->asked));
	if (r < 0)
		spec->done(spec->ctx, r);
}

/* It was asked for by name just now: it only needs its place. */
static int reuse(struct spec *spec, int64_t since)
{
	struct core *core = spec->core;
	struct node node;
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = replica_lookup(
	    core->replica, spec->folder->id, ".spec.json", &node);
	if (r == 0 && confirmed_at(core, &node) < since)
		r = -ENOENT;
	if (r == 0)
		r = replica_text(core->replica, node.id, &text);
	if (r == 0)
		r = put(spec, buf_str(&text), text.len, node.checked);
	return r;
}

int spec_want(struct spec *spec, const struct replica_place *in, int64_t since)
{
	struct core *core = spec->core;
	if (spec->is_done || spec->call || spec->hook.queue)
		return 0;
	spec->in = *in;
	int r = reuse(spec, since);
	if (r != -ENOENT)
		return r;
	char subject[NAME_BYTES_MAX + 16];
	snprintf(
	    subject, sizeof(subject), "%s/.spec.json", spec->folder->title);
	spec->asked = moment_event(core);
	spec->call =
	    api_spec(core->api, subject, spec->folder->table, on_text, spec);
	return spec->call ? 0 : -ENOMEM;
}
