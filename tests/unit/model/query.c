#include "query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/cleanup.h"
#include "base/timestamp.h"
#include "plan.h"
#include "record.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MOST 100

/* ---- parsing ---- */

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

void query_decode(const char *text, size_t len, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < len && n + 1 < size; i++) {
		char c = text[i];
		if (c == '%' && i + 2 < len) {
			c = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
			i += 2;
		}
		out[n++] = c;
	}
	out[n] = '\0';
}

/* Copy a parameter's value, decoded. Whether it is there. */
static bool parameter(const char *url, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);
	for (const char *at = strchr(url, '?'); at; at = strchr(at, '&')) {
		at++;
		if (strncmp(at, name, len) != 0 || at[len] != '=')
			continue;
		at += len + 1;
		query_decode(at, strcspn(at, "&"), out, size);
		return true;
	}
	return false;
}

void query_parse(const char *url, struct query *query)
{
	char text[4096];
	*query = (struct query){.page = 1, .descending = true};
	if (parameter(url, "page", text, sizeof(text)))
		query->page = strtoll(text, NULL, 10);
	if (parameter(url, "limit", text, sizeof(text)))
		query->limit = strtoll(text, NULL, 10);
	parameter(url, "sortBy", query->sort_by, sizeof(query->sort_by));
	if (parameter(url, "sortDirection", text, sizeof(text)))
		query->descending = strcmp(text, "asc") != 0;
	if (parameter(url, "andFilters", text, sizeof(text)) &&
	    !(query->filters = cJSON_Parse(text))) {
		fprintf(stderr, "not a filter: %s\n", text);
		abort();
	}
}

/* ---- filters ---- */

static int sign(int64_t n)
{
	return (n > 0) - (n < 0);
}

/* As MongoDB orders them: numbers stand before strings. */
static int compare_ids(const struct record_id *a, const struct record_id *b)
{
	if (a->number != b->number)
		return a->number ? -1 : 1;
	if (a->number) {
		double x = atof(a->text), y = atof(b->text);
		return (x > y) - (x < y);
	}
	return strcmp(a->text, b->text);
}

static const struct version *current(int record)
{
	return world_version(world_current(record));
}

static bool has_date(int record, const char *field, int64_t *ret_ms)
{
	bool created = strcmp(field, "createdAt") == 0;
	*ret_ms =
	    created ? world_created_ms(record) : current(record)->updated_ms;
	return created ? trait(TRAIT_dates) != DATES_NONE
		       : current(record)->dated;
}

/* As it stands in the record's text. */
static void date_text(int record, const char *field, struct buf *out)
{
	buf_init(out, BUF_MAX_DEFAULT);
	if (strcmp(field, "createdAt") == 0)
		record_created_text(record, out);
	else
		record_updated_text(world_current(record), out);
}

/* Numbers stand before strings, and these before objects. */
static int kind_of_token(const char *token)
{
	return *token == '"' ? 1 : *token == '{' ? 2 : 0;
}

static int compare_tokens(const char *a, const char *b)
{
	int kind = kind_of_token(a), other = kind_of_token(b);
	if (kind != other)
		return kind < other ? -1 : 1;
	/* The quote at the end is no character of the string. */
	size_t len = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
	int order = strncmp(a, b, len - (kind == 1));
	if (kind && order == 0)
		order = sign((int64_t)strlen(a) - (int64_t)strlen(b));
	return kind ? order : sign(atoll(a) - atoll(b));
}

static int compare_dates(int x, int y, const char *field)
{
	CLEANUP_BUF struct buf one, two;
	date_text(x, field, &one);
	date_text(y, field, &two);
	return compare_tokens(buf_str(&one), buf_str(&two));
}

/* Only what is of one kind can be compared. */
static bool compare_date_text(
    int record, const char *field, const cJSON *operand, int *ret_order)
{
	CLEANUP_BUF struct buf text;
	char *token = cJSON_PrintUnformatted(operand);
	date_text(record, field, &text);
	bool comparable = kind_of_token(token) == kind_of_token(buf_str(&text));
	*ret_order = compare_tokens(buf_str(&text), token);
	cJSON_free(token);
	return comparable;
}

static bool is_id(const char *field)
{
	return strcmp(field, "id") == 0 || strcmp(field, "_id") == 0;
}

/* How a record's field stands to an operand: true and -1, 0, 1; false when
 * they cannot be compared. */
static bool compare_field(
    int record, const char *field, const cJSON *operand, int *ret_order)
{
	int64_t ms, bound;
	if (is_id(field)) {
		struct record_id id = {.number = cJSON_IsNumber(operand)};
		if (id.number)
			snprintf(id.text, sizeof(id.text), "%.17g",
			    operand->valuedouble);
		else if (cJSON_IsString(operand))
			snprintf(id.text, sizeof(id.text), "%s",
			    operand->valuestring);
		*ret_order = compare_ids(world_id(record), &id);
		if (id.number && trait(TRAIT_numbers) == NUMBERS_AS_TEXT) {
			*ret_order = strcmp(world_id(record)->text, id.text);
			return true;
		}
		return id.number == world_id(record)->number;
	}
	if (!has_date(record, field, &ms))
		return false;
	if (trait(TRAIT_compared))
		return compare_date_text(record, field, operand, ret_order);
	if (!cJSON_IsString(operand) ||
	    timestamp_parse(
		operand->valuestring, strlen(operand->valuestring), &bound) < 0)
		return false;
	*ret_order = sign(ms - bound);
	return true;
}

static bool is_among(int record, const char *field, const cJSON *list)
{
	const cJSON *operand;
	int order;
	cJSON_ArrayForEach (operand, list) {
		if (compare_field(record, field, operand, &order) && order == 0)
			return true;
	}
	return false;
}

static bool holds(int record, const char *field, const cJSON *test)
{
	const char *name = test->string;
	int order;
	if (strcmp(name, "$in") == 0)
		return is_among(record, field, test);
	if (strcmp(name, "$nin") == 0)
		return !is_among(record, field, test);
	if (strcmp(name, "$exists") == 0) {
		int64_t ms;
		bool there =
		    strcmp(field, "id") == 0 || has_date(record, field, &ms);
		return there == cJSON_IsTrue(test);
	}
	bool comparable = compare_field(record, field, test, &order);
	if (strcmp(name, "$ne") == 0)
		return !comparable || order != 0;
	if (!comparable)
		return false;
	if (strcmp(name, "$gt") == 0)
		return order > 0;
	if (strcmp(name, "$gte") == 0)
		return order >= 0;
	if (strcmp(name, "$lt") == 0)
		return order < 0;
	if (strcmp(name, "$lte") == 0)
		return order <= 0;
	if (strcmp(name, "$eq") == 0)
		return order == 0;
	fprintf(
	    stderr, "an operator that the model's server lacks: %s\n", name);
	abort();
}

static unsigned filter_trait(const cJSON *field)
{
	return trait(strstr(field->string, "id") == field->string
			 ? TRAIT_id_filter
			 : TRAIT_date_filter);
}

/* Whether it compares an id with a number. */
static bool asks_for_number(const cJSON *field)
{
	return is_id(field->string) && cJSON_IsObject(field) &&
	       cJSON_IsNumber(field->child);
}

static bool is_ignored(const cJSON *field)
{
	return trait(TRAIT_numbers) == NUMBERS_IGNORED &&
	       asks_for_number(field);
}

static bool passes(int record, const struct query *query)
{
	const cJSON *field, *test;
	cJSON_ArrayForEach (field, query->filters) {
		if (filter_trait(field))
			continue;
		if (!cJSON_IsObject(field)) {
			int order;
			if (!compare_field(
				record, field->string, field, &order) ||
			    order != 0)
				return false;
			continue;
		}
		if (is_ignored(field))
			continue;
		cJSON_ArrayForEach (test, field) {
			if (!holds(record, field->string, test))
				return false;
		}
	}
	return true;
}

static int fault_at_numbers(void)
{
	switch (trait(TRAIT_numbers)) {
	case NUMBERS_500:
		return 500;
	case NUMBERS_RESET:
		return -EPIPE;
	case NUMBERS_REFUSED:
		return 400;
	default:
		return 0;
	}
}

int64_t query_largest_page(void)
{
	static const int64_t largest[] = {LIMIT_MOST, 1, 2, 4, 10};
	return largest[trait(TRAIT_largest_page)];
}

int query_fault(const struct query *query)
{
	const cJSON *field;
	if (trait(TRAIT_over_largest) && query->limit > query_largest_page())
		return 400;
	cJSON_ArrayForEach (field, query->filters) {
		if (filter_trait(field) == 2)
			return 400;
		if (asks_for_number(field) && fault_at_numbers())
			return fault_at_numbers();
	}
	return 0;
}

void query_done(struct query *query)
{
	cJSON_Delete(query->filters);
}

/* ---- which records, and in what order ---- */

static uint32_t scrambled(int record)
{
	uint32_t n = (uint32_t)record * 0x9e3779b1U;
	return n ^ (n >> 15);
}

static int by_query(const void *a, const void *b, void *ctx)
{
	const struct query *query = ctx;
	int x = *(const int *)a, y = *(const int *)b, order = 0;
	int64_t x_ms = INT64_MIN, y_ms = INT64_MIN;
	bool dates = query->sort_by[0] && strcmp(query->sort_by, "id") != 0;
	if (trait(TRAIT_order) == 3)
		return scrambled(x) < scrambled(y) ? -1 : 1;
	if (dates && trait(TRAIT_order) != 1 && trait(TRAIT_compared) &&
	    has_date(x, query->sort_by, &x_ms) &&
	    has_date(y, query->sort_by, &y_ms)) {
		order = compare_dates(x, y, query->sort_by);
	} else if (dates && trait(TRAIT_order) != 1) {
		if (!has_date(x, query->sort_by, &x_ms))
			x_ms = INT64_MIN; /* null stands first */
		if (!has_date(y, query->sort_by, &y_ms))
			y_ms = INT64_MIN;
		order = (x_ms > y_ms) - (x_ms < y_ms);
	} else {
		order = compare_ids(world_id(x), world_id(y));
	}
	if (query->descending || trait(TRAIT_order) == 2)
		order = -order;
	return order ? order : (x > y) - (x < y);
}

int64_t query_page_size(const struct query *query)
{
	int64_t most = query_largest_page();
	int64_t limit = query->limit ? query->limit : LIMIT_DEFAULT;
	return limit < most ? limit : most;
}

int64_t query_records(struct query *query, int records[WORLD_RECORDS_MAX + 1])
{
	int all[WORLD_RECORDS_MAX];
	size_t count = world_records(all);
	int64_t found = 0;
	for (size_t i = 0; i < count; i++) {
		if (passes(all[i], query))
			records[found++] = all[i];
	}
	qsort_r(records, (size_t)found, sizeof(*records), by_query, query);
	if (trait(TRAIT_double_record) && found)
		records[found] = records[0], found++;
	return found;
}
