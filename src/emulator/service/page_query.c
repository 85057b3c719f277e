#include "emulator/service/page_query.h"

#include <errno.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "emulator/query/pattern.h"

#define LIMIT_DEFAULT 20

static const char *const known[] = {"page", "limit", "sortBy", "sortDirection",
    "search", "andFilters", "orFilters", "select"};

/* Of stored files: members that have to be equal. */
static const char *const file_members[] = {
    "visibility", "ownerType", "ownerId", "bucket", "mimeType"};

static int refuse(struct buf *problem, const char *name, const char *what)
{
	int r = buf_printf(problem, "%s: %s", name, what);
	return r < 0 ? r : -EINVAL;
}

static bool is_among(const char *name, const char *const names[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_known(const char *name, bool files)
{
	return is_among(name, known, ARRAY_SIZE(known)) ||
	       (files ? is_among(name, file_members, ARRAY_SIZE(file_members))
		      : strcmp(name, "searchType") == 0);
}

/* Every parameter is known, is there once, and is text. */
static int check_names(
    const struct params *params, bool files, struct buf *problem)
{
	if (params->too_many)
		return refuse(problem, "parameters", "too many");
	for (size_t i = 0; i < params->count; i++) {
		const struct param *param = &params->items[i];
		if (!is_known(param->name, files))
			return refuse(problem, param->name,
			    "not a parameter that is known here");
		if (params_find(params, param->name) != param)
			return refuse(problem, param->name, "given twice");
		if (strlen(param->value) != param->len)
			return refuse(problem, param->name, "holds a NUL");
		if (!utf8_is_valid(param->value, param->len))
			return refuse(problem, param->name, "not UTF-8");
	}
	return 0;
}

/* What the test switches forbid. */
static int check_lies(const struct request *request, struct buf *problem)
{
	const struct params *params = &request->params;
	unsigned lies = request->switches.lies;
	if ((lies & LIE_NO_SELECT) && params_find(params, "select"))
		return refuse(problem, "select", "not supported");
	if ((lies & LIE_NO_FILTER) && (params_find(params, "andFilters") ||
					  params_find(params, "orFilters")))
		return refuse(problem, "filters", "not supported");
	return 0;
}

/* NULL where there is none, or an empty one. */
static const char *get(const struct params *params, const char *name)
{
	const char *value = params_get(params, name);
	return value && *value ? value : NULL;
}

/* A whole number; 0 counts as 1, and what is too large as the largest. */
static int parse_number(const struct params *params, const char *name,
    int64_t missing, struct buf *problem, int64_t *ret)
{
	const char *text = get(params, name);
	*ret = missing;
	if (!text)
		return 0;
	if (text[strspn(text, "0123456789")] != '\0')
		return refuse(problem, name, "not a number");
	if (number_parse(text, 0, INT64_MAX, ret) < 0)
		*ret = INT64_MAX;
	if (*ret == 0)
		*ret = 1;
	return 0;
}

static int parse_order(const struct request *request, struct buf *problem,
    struct listing_query *query)
{
	const char *direction = params_get(&request->params, "sortDirection");
	bool up = direction && strcmp(direction, "asc") == 0;
	if (direction && !up && strcmp(direction, "desc") != 0)
		return refuse(problem, "sortDirection", "neither asc nor desc");
	query->ascending = up && !(request->switches.lies & LIE_NO_SORT);
	query->sort_by = request->switches.lies & LIE_NO_SORT_FIELD
			     ? NULL
			     : get(&request->params, "sortBy");
	return 0;
}

static int parse_filter(const struct params *params, bool files,
    struct buf *problem, struct filter **ret_filter)
{
	struct filter *filter;
	int r = filter_new(params_get(params, "andFilters"),
	    params_get(params, "orFilters"), problem, &filter);
	if (r < 0)
		return r;
	for (size_t i = 0; files && r == 0 && i < ARRAY_SIZE(file_members);
	     i++) {
		const char *value = get(params, file_members[i]);
		if (value)
			r = filter_add_equal(filter, file_members[i], value);
	}
	if (r == -EINVAL)
		r = refuse(problem, "filters", "too many");
	if (r < 0)
		filter_free(filter);
	else
		*ret_filter = filter;
	return r;
}

int page_query_parse(const struct request *request, bool files,
    struct buf *problem, struct listing_query *ret_query)
{
	const struct params *params = &request->params;
	struct listing_query query = {
	    .search = get(params, "search"),
	    .search_field = files ? "originalName" : get(params, "searchType"),
	};
	int r = check_names(params, files, problem);
	if (r == 0 && query.search && strlen(query.search) > PATTERN_LEN_MAX)
		r = refuse(problem, "search", "too long");
	if (r == 0)
		r = check_lies(request, problem);
	if (r == 0)
		r = parse_number(params, "page", 1, problem, &query.page);
	if (r == 0)
		r = parse_number(
		    params, "limit", LIMIT_DEFAULT, problem, &query.limit);
	if (r == 0)
		r = parse_order(request, problem, &query);
	if (r == 0)
		r = parse_filter(params, files, problem, &query.filter);
	if (r < 0)
		return r;
	if (query.limit > request->switches.max_limit)
		query.limit = request->switches.max_limit;
	*ret_query = query;
	return 0;
}

int page_query_refuse_any(const struct request *request, struct buf *problem)
{
	const struct params *params = &request->params;
	if (params->count == 0)
		return 0;
	return refuse(problem, params->items[0].name,
	    "not a parameter that is known here");
}
