#include "emulator/service/page_reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "emulator/query/listing.h"
#include "emulator/query/project.h"
#include "emulator/service/page_query.h"

/* What one page's answer is made of. */
struct page {
	const struct request *request;
	struct table *table;
	const struct columns *columns;
	struct listing listing;
	struct projection projection;
	bool projected;
	int64_t number;
	int64_t limit;
};

static void refuse(
    struct reply *reply, const struct request *request, const char *message)
{
	reply_error(reply, request, 400, "common/invalid-parameter", message);
}

static int lie_about_size(
    unsigned lies, const char *text, size_t len, struct buf *out)
{
	static const char *const name = "size";
	struct json_span span;
	int64_t size = 0;
	int r = json_members(text, len, &name, 1, &span);
	if (r == 0 && span.text)
		json_int64(span, &size);
	if (r < 0)
		return r;
	if (lies & LIE_SIZE)
		size /= 2;
	if (lies & LIE_SIZE_LARGE)
		size = size * 2 + 10;
	if (lies & LIE_SIZE_ZERO)
		size = 0;
	char value[24];
	snprintf(value, sizeof(value), "%" PRId64, size);
	return project_replace(
	    text, len, name, lies & LIE_SIZE_MISSING ? NULL : value, out);
}

int page_reply_row(const struct request *request, const struct table *table,
    const struct columns *columns, row_t row, struct buf *out)
{
	unsigned lies = request->switches.lies;
	if (!table_is_files(table) || !(lies & LIE_ANY_SIZE))
		return columns_read_text(columns, table, row, out);
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = table_read_text(table, row, &text);
	if (r == 0)
		r = lie_about_size(lies, buf_str(&text), text.len, out);
	return r;
}

static int add_items(const struct page *page, struct buf *out)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = buf_adds(out, "\"items\":[");
	for (size_t i = 0; r == 0 && i < page->listing.count; i++) {
		row_t row = page->listing.rows[i];
		if (i > 0)
			r = buf_addc(out, ',');
		if (r == 0 && !page->projected) {
			r = page_reply_row(page->request, page->table,
			    page->columns, row, out);
			continue;
		}
		buf_clear(&text);
		if (r == 0)
			r = page_reply_row(page->request, page->table,
			    page->columns, row, &text);
		if (r == 0)
			r = projection_apply(
			    &page->projection, buf_str(&text), text.len, out);
	}
	return r == 0 ? buf_addc(out, ']') : r;
}

static int add_pagination(const struct page *page, struct buf *out)
{
	const struct switches *switches = &page->request->switches;
	uint64_t limit = (uint64_t)page->limit;
	uint64_t number = (uint64_t)page->number;
	uint64_t total = page->listing.total;
	/* The lie is about the numbers; whether a page follows stays true. */
	bool next = number < (total + limit - 1) / limit;
	if (switches->lies & LIE_TOTAL_LOW)
		total /= 2;
	if (switches->lies & LIE_TOTAL_HIGH)
		total += total / 2 + 1;
	int r = buf_printf(out,
	    "\"pagination\":{\"total\":%" PRIu64 ",\"page\":%" PRIu64
	    ",\"limit\":%" PRIu64 ",\"totalPages\":%" PRIu64,
	    total, number, limit, (total + limit - 1) / limit);
	enum paging paging = switches->paging;
	if (paging == PAGING_DEFAULT)
		paging =
		    table_is_files(page->table) ? PAGING_NEXTPAGE : PAGING_NEXT;
	const char *suffix = paging == PAGING_NEXTPAGE ? "Page" : "";
	if (r == 0 && paging != PAGING_NONE)
		r = buf_printf(out, ",\"hasNext%s\":%s,\"hasPrev%s\":%s",
		    suffix, next ? "true" : "false", suffix,
		    number > 1 ? "true" : "false");
	return r == 0 ? buf_addc(out, '}') : r;
}

/* A copy of which something is missing never looks as if it were whole. */
static void add_missing(const struct page *page, struct reply *reply)
{
	const char *missing = table_missing(page->table);
	if (missing)
		reply_add_header(reply, "X-Incomplete", "%s", missing);
}

static int write_page(const struct page *page, struct reply *reply)
{
	const struct switches *switches = &page->request->switches;
	struct buf *out = &reply->body;
	bool items = !(switches->lies & LIE_NO_ITEMS);
	add_missing(page, reply);
	int r = reply_begin(reply, page->request);
	if (r == 0)
		r = buf_addc(out, '{');
	if (r == 0 && (switches->pagination_first || !items))
		r = add_pagination(page, out);
	if (r == 0 && switches->pagination_first && items)
		r = buf_addc(out, ',');
	if (r == 0 && items)
		r = add_items(page, out);
	if (r == 0 && items && !switches->pagination_first)
		r = buf_addc(out, ',');
	if (r == 0 && items && !switches->pagination_first)
		r = add_pagination(page, out);
	if (r == 0)
		r = buf_addc(out, '}');
	return r == 0 ? reply_end(reply, page->request) : r;
}

static int run(struct emulator *emulator, const struct listing_query *query,
    struct page *page, struct reply *reply)
{
	const struct request *request = page->request;
	const char *select = params_get(&request->params, "select");
	struct listing_query fetched = *query;
	if ((request->switches.lies & LIE_REPEAT_PAGE) && fetched.page == 2)
		fetched.page = 1;
	int r =
	    listing_run(emulator->store, page->table, &fetched, &page->listing);
	page->projected = select && *select;
	if (r == 0 && page->projected)
		r = projection_init(&page->projection, select);
	if (r == 0)
		r = write_page(page, reply);
	listing_done(&page->listing);
	projection_done(&page->projection);
	return r;
}

/* What is wrong with what was asked for, in words; else as any failure. */
static void reply_outcome(const struct request *request, int r,
    const struct buf *problem, struct reply *reply)
{
	if (r == -EINVAL)
		refuse(reply, request, buf_str(problem));
	else if (r == -E2BIG)
		refuse(reply, request,
		    "a pattern takes too long, or select names too much");
	else
		reply_failure(reply, request, r);
}

void page_reply(struct emulator *emulator, const struct request *request,
    struct table *table, const struct page_scope *scope, struct reply *reply)
{
	CLEANUP_BUF struct buf problem;
	buf_init(&problem, BUF_MAX_DEFAULT);
	struct listing_query query = {0};
	int r =
	    page_query_parse(request, table_is_files(table), &problem, &query);
	if (scope) {
		query.columns = scope->columns;
		query.rows = scope->rows;
	}
	struct page page = {
	    .request = request,
	    .table = table,
	    .columns = query.columns,
	    .number = query.page,
	    .limit = query.limit,
	};
	if (r == 0)
		r = run(emulator, &query, &page, reply);
	filter_free(query.filter);
	reply_outcome(request, r, &problem, reply);
}

bool page_reply_refuses(const struct request *request, struct reply *reply)
{
	CLEANUP_BUF struct buf problem;
	buf_init(&problem, BUF_MAX_DEFAULT);
	int r = page_query_refuse_any(request, &problem);
	reply_outcome(request, r, &problem, reply);
	return r < 0;
}
