/* The walk of --fetch through the tables, and the list of files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/fetch_parts.h"
#include "tree/name.h"

/* A listing may be given up for a newer one that somebody else wants. */
#define TRIES_MAX 2

struct table {
	int64_t id;
	char *name;
};

struct tables_found {
	struct table *all;
	size_t count;
};

static int on_table(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct tables_found *found = ctx;
	(void)pos;
	struct table *all =
	    realloc(found->all, (found->count + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	found->all = all;
	all[found->count].id = node->id;
	all[found->count].name = strdup(name);
	return all[found->count].name ? (found->count++, 0) : -ENOMEM;
}

/* ---- one listing ---- */

static int count_item(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	(void)name;
	(void)pos;
	*(int64_t *)ctx += node->kind != NODE_KIND_SPEC;
	return 0;
}

/* What came of it: places tell nothing of how many there are in them. */
static int show_items(
    struct fetch *fetch, int64_t dir, int64_t after, int64_t before)
{
	int64_t count = 0;
	int r = replica_entries(
	    fetch->replica, dir, after, before, count_item, &count);
	progress_add(fetch->progress, count, 0);
	return r;
}

static void show_total(struct fetch *fetch, int64_t dir)
{
	int64_t total = sync_dir_total(fetch->sync, dir);
	if (total >= 0)
		progress_expect(fetch->progress, total);
}

/* Read it to its end: only what was found whole has one. */
static int read_on(struct fetch *fetch, int64_t dir,
    const struct sync_dir *open_dir, int64_t *ret_end)
{
	int64_t after = open_dir->base, frontier = 0;
	int r;
	while ((r = sync_dir_frontier(fetch->sync, dir, open_dir, &frontier)) ==
	       0) {
		struct fetch_question question = {
		    .op = {.dir = dir, .open_dir = *open_dir, .after = after}};
		show_total(fetch, dir);
		if (frontier > after + 1) {
			r = show_items(fetch, dir, after, frontier);
			if (r < 0)
				return r;
			after = frontier - 1;
			sync_dir_reading(fetch->sync, dir, open_dir, after);
			continue;
		}
		r = fetch_ask(fetch, &question, sync_dir_wait);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	*ret_end = frontier;
	return show_items(fetch, dir, after, frontier);
}

/* fn is called with each entry of what is whole; may be NULL. */
static int list(
    struct fetch *fetch, int64_t dir, replica_entry_fn fn, void *ctx)
{
	int r = -EIO;
	for (int i = 0; r == -EIO && i < TRIES_MAX; i++) {
		int64_t end;
		struct fetch_question question = {.op = {.dir = dir}};
		show_total(fetch, dir);
		r = fetch_ask(fetch, &question, sync_dir_open);
		if (r < 0)
			break;
		struct sync_dir open_dir = question.op.open_dir;
		r = read_on(fetch, dir, &open_dir, &end);
		if (r == 0 && fn)
			r = replica_entries(
			    fetch->replica, dir, open_dir.base, end, fn, ctx);
		sync_dir_close(fetch->sync, &open_dir);
	}
	return r;
}

/* What the server itself lacks is not in the replica either, though all that it
 * has is. name: for the report. */
static void tell_shortfall(
    struct fetch *fetch, const char *table, const char *name)
{
	char said[API_SHORTFALL_SIZE], words[2 * API_SHORTFALL_SIZE];
	if (!api_shortfall(
		contact_api(fetch->contact), table, said, sizeof(said)))
		return;
	snprintf(words, sizeof(words),
	    "what the server has came, but it says itself that this is"
	    " incomplete: %s",
	    said);
	fetch_misses(fetch, name, words);
}

/* ---- tables ---- */

static const char *reason(int err)
{
	return err == -ENOENT	? "the server has no such table"
	       : err == -EACCES ? "the server refuses it"
				: strerror(-err);
}

/* Where the server refuses it, there is none: as in the mount. */
static int fetch_spec(struct fetch *fetch, const struct table *table)
{
	struct fetch_question question = {
	    .op = {.dir = table->id, .name = ".spec.json"}};
	int r = fetch_ask(fetch, &question, sync_lookup);
	return r == -ENOENT ? 0 : r;
}

static int count_entry(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct fetch *fetch = ctx;
	(void)name;
	(void)pos;
	fetch->records += node->kind == NODE_KIND_RECORD;
	return 0;
}

/* One that was found earlier, and that nobody asks for by its name, may have
 * been deleted since. What is kept of it stays. */
static bool is_gone(
    const struct fetch *fetch, const struct table *table, int err)
{
	return err == -ENOENT &&
	       !options_name_table(fetch->options, name_to_table(table->name));
}

static void fetch_table(struct fetch *fetch, const struct table *table)
{
	progress_begin(fetch->progress, table->name, "records", -1, 0);
	int r = list(fetch, table->id, count_entry, fetch);
	if (is_gone(fetch, table, r)) {
		buf_printf(&fetch->gone, "%s%s", fetch->gone.len ? ", " : "",
		    table->name);
		return;
	}
	if (r < 0) {
		fetch_misses(fetch, table->name, reason(r));
		return;
	}
	fetch->tables++;
	tell_shortfall(fetch, name_to_table(table->name), table->name);
	r = fetch_spec(fetch, table);
	if (r < 0) {
		CLEANUP_BUF struct buf name;
		buf_init(&name, BUF_MAX_DEFAULT);
		buf_printf(&name, "%s/.spec.json", table->name);
		fetch_misses(fetch, buf_str(&name), strerror(-r));
	}
}

static void find_tables(struct fetch *fetch, struct tables_found *found)
{
	struct fetch_question question = {0};
	uint64_t before = failures_count(contact_failures(fetch->contact));
	int r = fetch_ask(fetch, &question, sync_find_tables);
	if (r == 0 &&
	    failures_count(contact_failures(fetch->contact)) != before)
		fetch_misses(fetch, "(tables)",
		    "the server that lists them did not answer well");
	if (r == 0)
		r = replica_tables(fetch->replica, 0, on_table, found);
	if (r < 0)
		fetch_misses(fetch, "(tables)", strerror(-r));
	else if (!found->count && !fetch->options->directory)
		fetch_misses(fetch, "(tables)",
		    "none is known, and the server does not list them: nobody"
		    " can say that there are none; name them with -o"
		    " tables=a:b, or have them listed after bkendfs --login");
}

/* A server that has closed down knows none of them. */
static void prove_some_are_there(struct fetch *fetch)
{
	if (fetch->gone.len && !fetch->tables)
		fetch_misses(fetch, "(tables)",
		    "the server has none of those that are known from earlier;"
		    " what is kept of them stays");
}

/* ---- files ---- */

static int on_object(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct fetch *fetch = ctx;
	size_t count = fetch->object_count;
	(void)name;
	(void)pos;
	/* Doubled whenever it is full. */
	if ((count & (count - 1)) == 0) {
		struct fetch_object *all = realloc(
		    fetch->objects, (count ? 2 * count : 1) * sizeof(*all));
		if (!all)
			return -ENOMEM;
		fetch->objects = all;
	}
	fetch->objects[fetch->object_count++] =
	    (struct fetch_object){.id = node->id};
	if (node->size > 0)
		fetch->bytes += node->size;
	return 0;
}

static void list_files(struct fetch *fetch)
{
	progress_begin(fetch->progress, "files", "files", -1, 0);
	int r = list(fetch, NODE_STORAGE, on_object, fetch);
	if (r < 0)
		fetch_misses(fetch, "files",
		    r == -EACCES ? "the server refuses them" : strerror(-r));
	else
		tell_shortfall(fetch, NULL, "files");
}

void fetch_tables(struct fetch *fetch)
{
	struct tables_found found = {0};
	list_files(fetch);
	if (fetch_has_room(fetch)) {
		find_tables(fetch, &found);
		for (size_t i = 0; i < found.count && !fetch_is_over(fetch);
		     i++)
			fetch_table(fetch, &found.all[i]);
		prove_some_are_there(fetch);
	}
	for (size_t i = 0; i < found.count; i++)
		free(found.all[i].name);
	free(found.all);
}
