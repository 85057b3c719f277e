#include "status/known_tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "replica/replica.h"
#include "tree/name.h"

/* So many have a line: the rest is counted. */
#define LINES_MAX 1000

static int count_one(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	(void)node;
	(void)name;
	(void)pos;
	++*(int64_t *)ctx;
	return 0;
}

int64_t tables_count(const struct status_source *source)
{
	int64_t count = 0;
	replica_tables(source->replica, 0, count_one, &count);
	return count;
}

struct printing {
	const struct status_source *source;
	struct buf *out;
	int lines;
};

static bool is_named(const struct status_source *source, const char *dir)
{
	const char *const *table = source->tables;
	for (; table && *table; table++) {
		if (strcmp(name_of_table_dir(*table), dir) == 0)
			return true;
	}
	return false;
}

int tables_print_shortfall(const struct status_source *source, int64_t dir,
    const char *before, const char *after, struct buf *out)
{
	char words[1024];
	CLEANUP_BUF struct buf said;
	buf_init(&said, BUF_MAX_DEFAULT);
	int r = replica_shortfall(source->replica, dir, &said);
	if (r < 0 || !said.len)
		return r;
	log_make_safe(buf_str(&said), words, sizeof(words));
	return buf_printf(out, "%s%s%s", before, words, after);
}

static int print_one(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct printing *printing = ctx;
	struct replica_listing listing;
	char when[TIMESTAMP_SIZE];
	(void)pos;
	if (printing->lines++ == LINES_MAX)
		return 1;
	const char *how = is_named(printing->source, name) ? "named"
			  : node->pos[0] >= TABLE_TOLD	   ? "mcp"
							   : "found by use";
	int r = replica_listing(printing->source->replica, node->id, &listing);
	if (r < 0)
		return r;
	if (!listing.end)
		return buf_printf(printing->out,
		    "table: %s, %s, never listed whole\n", name, how);
	r = buf_printf(printing->out,
	    "table: %s, %s, %" PRId64 " records when it was listed, %s", name,
	    how, listing.count, timestamp_format(listing.listed_ms, when));
	/* Listed to its end, and yet not whole, if the server itself says so.
	 */
	if (r == 0)
		r = tables_print_shortfall(printing->source, node->id,
		    INCOMPLETE_WORDS, "", printing->out);
	return r == 0 ? buf_addc(printing->out, '\n') : r;
}

/* What to do about it. */
#define MAKE_DO                                                                \
	": listing it ends in an error (EIO); rsync -a copies what there is"   \
	" (and exits with 23), cp -r nothing of it\n"

static int warn_of_one(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	const struct printing *printing = ctx;
	char before[512];
	(void)pos;
	snprintf(before, sizeof(before),
	    "%s is incomplete, as the server"
	    " itself says: ",
	    name);
	return tables_print_shortfall(
	    printing->source, node->id, before, MAKE_DO, printing->out);
}

int tables_warn(const struct status_source *source, struct buf *out)
{
	struct printing printing = {source, out, 0};
	const struct node files = {.id = NODE_FILES};
	int r = warn_of_one(&printing, &files, "files", 0);
	return r == 0
		   ? replica_tables(source->replica, 0, warn_of_one, &printing)
		   : r;
}

int tables_print(const struct status_source *source, struct buf *out)
{
	struct printing printing = {source, out, 0};
	int r = replica_tables(source->replica, 0, print_one, &printing);
	return r == 1 ? buf_printf(out, "table: and more\n") : r;
}
