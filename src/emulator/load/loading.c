#include "emulator/load/loading.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "emulator/load/nfc.h"
#include "tree/name.h"

/* A record whose file has another name than a mount gives it: a copy of one
 * that is there as well, or the only one. */
struct oddity {
	struct document *record; /* a reference */
	char *name;
	bool same; /* but for the normal form, which a system changed */
};

/* A page of the export: by its file's name, and as it calls itself. */
struct page {
	int64_t number;
	int64_t said; /* -1: not said */
};

struct loading {
	struct table *table;
	struct table *own; /* the same, while it is the part's */
	struct oddity *oddities;
	size_t oddity_count;
	bool from_pages;    /* records may come twice */
	struct page *pages; /* those that can be used */
	size_t page_count;
	/* Of records that came twice: how many differed where no time tells the
	 * later one, and the id of the first of them. */
	size_t doubtful;
	char *doubtful_id;
	int64_t last_page;   /* of all that were there */
	int64_t said_pages;  /* as many should be there; 0: not said */
	int64_t said_total;  /* the most records that any page spoke of */
	int64_t more_behind; /* the last page that said so */
	bool confirmed;
};

int loading_new(
    const char *name, struct table *table, struct loading **ret_loading)
{
	struct loading *loading = calloc(1, sizeof(*loading));
	if (!loading)
		return -ENOMEM;
	int r = table ? 0 : table_new(name, false, &loading->own);
	if (r < 0) {
		free(loading);
		return r;
	}
	loading->table = table ? table : loading->own;
	loading->said_total = -1;
	*ret_loading = loading;
	return 0;
}

void loading_free(struct loading *loading)
{
	if (!loading)
		return;
	for (size_t i = 0; i < loading->oddity_count; i++) {
		document_unref(loading->oddities[i].record);
		free(loading->oddities[i].name);
	}
	free(loading->oddities);
	free(loading->pages);
	free(loading->doubtful_id);
	table_free(loading->own);
	free(loading);
}

struct table *loading_table(const struct loading *loading)
{
	return loading->table;
}

struct table *loading_take_table(struct loading *loading)
{
	loading->own = NULL;
	return loading->table;
}

void loading_confirm(struct loading *loading)
{
	loading->confirmed = true;
}

bool loading_is_confirmed(const struct loading *loading)
{
	return loading->confirmed;
}

bool loading_is_incomplete(const struct loading *loading)
{
	return table_missing(loading->table) != NULL;
}

/* Whether it is the name that a mount gives this record. */
static int is_own_name(const char *name, const struct document *record)
{
	const struct document_key *key = document_key(record);
	CLEANUP_BUF struct buf own;
	buf_init(&own, BUF_MAX_DEFAULT);
	/* Nearly all: without a look at what may be unsafe in an id. */
	if (strlen(name) == key->id_len + strlen(".json") &&
	    memcmp(name, key->id, key->id_len) == 0 &&
	    strcmp(name + key->id_len, ".json") == 0)
		return 1;
	int r = name_of_record(key->id, key->id_len, &own);
	return r < 0 ? r : strcmp(buf_str(&own), name) == 0;
}

/* Whether the record's file would have this name in another normal form. */
static int is_same_name(const char *name, const struct document *record)
{
	const struct document_key *key = document_key(record);
	CLEANUP_BUF struct buf own, own_nfc, nfc;
	buf_init(&own, BUF_MAX_DEFAULT);
	buf_init(&own_nfc, BUF_MAX_DEFAULT);
	buf_init(&nfc, BUF_MAX_DEFAULT);
	int r = name_of_record(key->id, key->id_len, &own);
	if (r == 0)
		r = nfc_add(buf_str(&own), &own_nfc);
	if (r == 0)
		r = nfc_add(name, &nfc);
	return r < 0 ? r : buf_compare(&own_nfc, &nfc) == 0;
}

int loading_is_own_name(const char *name, const struct document *record)
{
	static const char packed[] = ".gz";
	size_t len = strlen(name), n = strlen(packed);
	CLEANUP_FREE char *plain = strdup(name);
	if (!plain)
		return -ENOMEM;
	if (len > n && strcmp(name + len - n, packed) == 0)
		plain[len - n] = '\0';
	int own = is_own_name(plain, record);
	return own == 0 ? is_same_name(plain, record) : own;
}

static int add_oddity(
    struct loading *loading, const char *name, struct document *record)
{
	struct oddity *oddities = reallocarray(
	    loading->oddities, loading->oddity_count + 1, sizeof(*oddities));
	if (oddities)
		loading->oddities = oddities;
	int same = is_same_name(name, record);
	char *copy = strdup(name);
	if (same < 0 || !oddities || !copy) {
		free(copy);
		document_unref(record);
		return -ENOMEM;
	}
	oddities[loading->oddity_count++] = (struct oddity){record, copy, same};
	return 0;
}

int loading_add_file(
    struct loading *loading, const char *name, struct document *record)
{
	int own = is_own_name(name, record);
	if (own < 0)
		document_unref(record);
	if (own != 0)
		return own < 0 ? own : table_append(loading->table, record);
	return add_oddity(loading, name, record);
}

int loading_add_item(struct loading *loading, struct document *record)
{
	loading->from_pages = true;
	return table_append(loading->table, record);
}

int loading_add_page(
    struct loading *loading, int64_t number, const struct saved_answer *answer)
{
	loading->from_pages = true;
	if (number > loading->last_page)
		loading->last_page = number;
	if (!answer)
		return 0;
	struct page *pages = reallocarray(
	    loading->pages, loading->page_count + 1, sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	loading->pages = pages;
	pages[loading->page_count++] = (struct page){number, answer->page};
	if (answer->total > loading->said_total)
		loading->said_total = answer->total;
	if (answer->total_pages > loading->said_pages)
		loading->said_pages = answer->total_pages;
	if (answer->more && number > loading->more_behind)
		loading->more_behind = number;
	return 0;
}

void loading_miss(struct loading *loading, const char *format, ...)
{
	char text[512], safe[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_make_safe(text, safe, sizeof(safe));
	log_warn("%s: incomplete: %s", table_name(loading->table), safe);
	/* Without memory, it was said at least. */
	table_miss(loading->table, safe);
}

/* ---- what is missing ---- */

static int compare_pages(const void *a, const void *b)
{
	const struct page *left = a, *right = b;
	return (left->number > right->number) - (left->number < right->number);
}

static int compare_said(const void *a, const void *b)
{
	const struct page *left = a, *right = b;
	if (left->said != right->said)
		return left->said < right->said ? -1 : 1;
	return compare_pages(a, b);
}

/* The same page under two names: that of one of them was never fetched. Where
 * the number of all records is known, it tells. */
static void find_repeated_pages(struct loading *loading)
{
	const char *name = table_name(loading->table);
	const struct page *pages = loading->pages;
	if (loading->said_total >= 0 || loading->page_count == 0)
		return;
	qsort(loading->pages, loading->page_count, sizeof(*loading->pages),
	    compare_said);
	for (size_t i = 1; i < loading->page_count; i++)
		if (pages[i].said >= 0 && pages[i].said == pages[i - 1].said &&
		    pages[i].number != pages[i - 1].number)
			loading_miss(loading,
			    "%s_page%" PRId64 " and %s_page%" PRId64
			    " both hold page %" PRId64,
			    name, pages[i - 1].number, name, pages[i].number,
			    pages[i].said);
}

static void miss_pages(struct loading *loading, int64_t first, int64_t last)
{
	const char *name = table_name(loading->table);
	if (first == last)
		loading_miss(loading,
		    "page %" PRId64 " is missing (%s_page%" PRId64 ".json)",
		    first, name, first);
	else
		loading_miss(loading,
		    "pages %" PRId64 " to %" PRId64
		    " are missing (%s_page%" PRId64 ".json and so on)",
		    first, last, name, first);
}

static void find_missing_pages(struct loading *loading)
{
	int64_t next = 1, last = loading->last_page;
	if (loading->page_count > 0)
		qsort(loading->pages, loading->page_count,
		    sizeof(*loading->pages), compare_pages);
	if (loading->said_pages > last)
		last = loading->said_pages;
	for (size_t i = 0; i < loading->page_count; i++) {
		int64_t page = loading->pages[i].number;
		if (page > next)
			miss_pages(loading, next, page - 1);
		next = page + 1;
	}
	if (next <= last)
		miss_pages(loading, next, last);
	if (loading->said_pages == 0 && loading->last_page >= next)
		loading_miss(loading,
		    "what was behind page %" PRId64 " is not known",
		    loading->last_page);
	if (loading->more_behind > 0 && loading->more_behind >= last)
		loading_miss(loading,
		    "page %" PRId64 " says that more follow; they are missing",
		    loading->more_behind);
}

static void find_missing_records(struct loading *loading)
{
	int64_t count = (int64_t)table_count(loading->table);
	if (loading->said_total > count)
		loading_miss(loading,
		    "the pages speak of %" PRId64 " records; %" PRId64
		    " are there",
		    loading->said_total, count);
}

/* ---- records by other names ---- */

static bool is_there(const struct table *table, const struct document *record)
{
	const struct document_key *key = document_key(record);
	return table_find(table, key->id, key->id_len) >= 0;
}

/* Whether their texts differ, but for white space; what cannot be read now is
 * told of later. */
static bool differ(const struct document *a, const struct document *b)
{
	CLEANUP_BUF struct buf left, right;
	uint64_t left_hash, right_hash;
	buf_init(&left, DOCUMENT_TEXT_MAX);
	buf_init(&right, DOCUMENT_TEXT_MAX);
	return document_read_text(a, &left) == 0 &&
	       document_read_text(b, &right) == 0 &&
	       json_hash(buf_str(&left), left.len, &left_hash) == 0 &&
	       json_hash(buf_str(&right), right.len, &right_hash) == 0 &&
	       left_hash != right_hash;
}

static void on_twin(void *ctx, struct document *kept, struct document *dropped)
{
	struct loading *loading = ctx;
	const struct document_key *key = document_key(kept);
	if (!loading->from_pages) {
		log_error("%s: two records have the id %s",
		    table_name(loading->table), key->id);
		return;
	}
	/* One that was changed between two pages has another time. */
	if (key->updated_ms != document_key(dropped)->updated_ms ||
	    !differ(kept, dropped))
		return;
	if (loading->doubtful++ == 0)
		loading->doubtful_id = strdup(key->id);
}

static size_t settle(struct loading *loading)
{
	size_t dropped = table_settle(loading->table, on_twin, loading);
	return loading->from_pages ? 0 : dropped;
}

static void tell_doubtful(struct loading *loading)
{
	if (loading->doubtful > 0)
		loading_miss(loading,
		    "%zu records came again with another content and no later "
		    "updatedAt, %s among them; one of each is served",
		    loading->doubtful,
		    loading->doubtful_id ? loading->doubtful_id : "one");
}

/* A copy of a record that is there by its right name is nobody's. */
static void drop_copies(struct loading *loading, bool same)
{
	for (size_t i = 0; i < loading->oddity_count; i++) {
		struct oddity *oddity = &loading->oddities[i];
		if (oddity->same != same ||
		    !is_there(loading->table, oddity->record))
			continue;
		log_warn("%s/%s: another copy of the record %s, not served",
		    table_name(loading->table), oddity->name,
		    document_key(oddity->record)->id);
		document_unref(oddity->record);
		oddity->record = NULL;
	}
}

static int take_oddities(struct loading *loading, bool same)
{
	size_t taken = 0;
	drop_copies(loading, same);
	for (size_t i = 0; i < loading->oddity_count; i++) {
		struct oddity *oddity = &loading->oddities[i];
		if (oddity->same != same || !oddity->record)
			continue;
		int r = table_append(loading->table, oddity->record);
		oddity->record = NULL;
		if (r < 0)
			return r;
		taken++;
	}
	return taken > 0 && settle(loading) > 0 ? -EPROTO : 0;
}

int loading_finish(struct loading *loading)
{
	int r = settle(loading) > 0 ? -EPROTO : 0;
	if (r == 0)
		r = take_oddities(loading, true);
	if (r == 0)
		r = take_oddities(loading, false);
	if (r < 0)
		return r;
	if (loading->page_count > 0 || loading->last_page > 0)
		find_missing_pages(loading);
	find_repeated_pages(loading);
	find_missing_records(loading);
	tell_doubtful(loading);
	return 0;
}
