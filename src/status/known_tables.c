#include "status/known_tables.h"

#include <inttypes.h>
#include <string.h>

#include "api/api.h"
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

/* Listed to its end, and yet not whole, if the server itself says so. */
static int print_shortfall(const struct printing *printing, const char *dir)
{
	struct api *api = printing->source->api;
	char said[API_SHORTFALL_SIZE], words[2 * API_SHORTFALL_SIZE];
	if (!api || !api_shortfall(api, name_to_table(dir), said, sizeof(said)))
		return buf_addc(printing->out, '\n');
	log_make_safe(said, words, sizeof(words));
	return buf_printf(printing->out,
	    ", INCOMPLETE, as the server itself says: %s\n", words);
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
	return r == 0 ? print_shortfall(printing, name) : r;
}

int tables_print(const struct status_source *source, struct buf *out)
{
	struct printing printing = {source, out, 0};
	int r = replica_tables(source->replica, 0, print_one, &printing);
	return r == 1 ? buf_printf(out, "table: and more\n") : r;
}
