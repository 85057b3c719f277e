#include "emulator/load/export.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/number.h"
#include "base/utf8.h"
#include "emulator/load/saved_answer.h"
#include "emulator/load/gzip.h"
#include "emulator/load/values.h"
#include "tree/name.h"

#define PIECE ((size_t)256 << 10)

/* While a file is cut into records. */
struct reader {
	const char *name;
	const struct export_name *what;
	const struct place *place;
	struct loading *loading;
	bool with_original;
	export_fn fn;
	void *ctx;
	uint64_t base;		    /* where the text begins in place */
	uint64_t records;	    /* so far */
	int64_t pages;		    /* so far, in the file of a whole table */
	bool page;		    /* an answer with records was there */
	bool failed;		    /* an error was there in its place */
	bool strange;		    /* an object that is neither */
	bool explained;		    /* what is wrong was said */
	struct saved_answer answer; /* what the last one said of the rest */
};

/* ---- names ---- */

static bool ends_in(const char *name, size_t len, const char *ending)
{
	size_t n = strlen(ending);
	return len > n && strncasecmp(name + len - n, ending, n) == 0;
}

/* Without the ending; 0 when it has none of ours. */
static size_t stem_len(const char *name)
{
	static const char *const endings[] = {".json", ".ndjson", ".jsonl"};
	size_t len = strlen(name);
	if (ends_in(name, len, ".gz"))
		len -= strlen(".gz");
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (ends_in(name, len, endings[i]))
			return len - strlen(endings[i]);
	return 0;
}

/* .json or .json.gz, of what stem_len has found. */
static bool is_json_ending(const char *ending)
{
	size_t len = strlen(".json");
	return strncasecmp(ending, ".json", len) == 0 &&
	       (!ending[len] || ending[len] == '.');
}

/* TABLE_pageN: the page; -1 when it does not end so. */
static int64_t page_number(const char *stem, size_t *len)
{
	static const char mark[] = "_page";
	int64_t page;
	size_t start = *len;
	while (start > 0 && stem[start - 1] >= '0' && stem[start - 1] <= '9')
		start--;
	size_t mark_len = strlen(mark);
	if (start == *len || start <= mark_len ||
	    memcmp(stem + start - mark_len, mark, mark_len) != 0 ||
	    number_parse(stem + start, 0, INT64_MAX - 1, &page) < 0)
		return -1;
	*len = start - mark_len;
	return page;
}

int export_name_parse(const char *name, struct export_name *ret_name)
{
	char stem[256];
	size_t len = stem_len(name);
	if (len == 0 || len >= sizeof(stem))
		return 0;
	memcpy(stem, name, len);
	stem[len] = '\0';
	ret_name->lines = !is_json_ending(name + len);
	int64_t page = page_number(stem, &len);
	stem[len] = '\0';
	if (!name_is_table(stem) || len >= sizeof(ret_name->table))
		return 0;
	memcpy(ret_name->table, stem, len + 1);
	ret_name->page = page;
	return 1;
}

/* ---- contents ---- */

static int complain(struct reader *reader, const char *what)
{
	reader->explained = true;
	return saved_complain("", reader->name, what);
}

/* ID.json, with nothing behind it but a line's end: what somebody gave for the
 * backup is the directory of one table. */
static bool is_record_file(
    const struct reader *reader, const struct document *record, uint64_t after)
{
	return reader->records == 0 && reader->what->page < 0 &&
	       !reader->what->lines &&
	       reader->place->len - reader->base - after <= strlen("\r\n") &&
	       strcmp(document_key(record)->id, reader->what->table) == 0;
}

/* A record's text, which lies at this offset of the file's; alone: it is in no
 * array. */
static int add_record(struct reader *reader, const char *text, size_t len,
    uint64_t offset, bool alone)
{
	struct place place;
	struct saved saved;
	int r = place_slice(reader->place, reader->base + offset, len, &place);
	if (r < 0)
		return r;
	r = saved_read(&place, text, len, reader->with_original, &saved);
	place_done(&place);
	if (r == -EINVAL && reader->records == 0 && reader->what->page < 0) {
		reader->strange = true;
		return 0;
	}
	if (r == -EINVAL)
		return complain(reader, "a record has no id");
	if (r < 0)
		return r;
	if (alone && is_record_file(reader, saved.document, offset + len)) {
		reader->strange = true;
		saved_done(&saved);
		return 0;
	}
	reader->records++;
	r = reader->fn(reader->ctx, &saved);
	saved_done(&saved);
	return r;
}

/* A page's array, as a text of its own within the file's. */
struct inner {
	struct reader *reader;
	uint64_t offset;
};

static int take_item(
    void *ctx, const char *text, size_t len, uint64_t offset, bool element)
{
	struct inner *inner = ctx;
	(void)element;
	return add_record(
	    inner->reader, text, len, inner->offset + offset, false);
}

static int take_page(struct reader *reader, uint64_t offset)
{
	struct inner inner = {reader, offset};
	struct json_span items = reader->answer.items;
	struct values *values;
	reader->page = true;
	int r = values_new(take_item, &inner, &values);
	if (r < 0)
		return r;
	r = values_feed(values, items.text, items.len);
	values_free(values);
	if (r == 0 && reader->what->page < 0)
		r = loading_add_page(
		    reader->loading, ++reader->pages, &reader->answer);
	return r;
}

static int take_error(struct reader *reader)
{
	CLEANUP_BUF struct buf said;
	buf_init(&said, DOCUMENT_TEXT_MAX);
	int r = saved_answer_print_error(&reader->answer, &said);
	if (r < 0)
		return r;
	reader->failed = true;
	loading_miss(reader->loading,
	    "%s holds an error in place of records: %s", reader->name,
	    buf_str(&said));
	return 0;
}

static int take_value(
    void *ctx, const char *text, size_t len, uint64_t offset, bool element)
{
	struct reader *reader = ctx;
	enum saved_answer_kind kind;
	if (element) {
		reader->page = true;
		return add_record(reader, text, len, offset, false);
	}
	int r = saved_answer_read(text, len, reader->what->table,
	    reader->what->page >= 0, &kind, &reader->answer);
	if (r < 0)
		return r;
	const char *items = reader->answer.items.text;
	switch (kind) {
	case ANSWER_PAGE:
		return take_page(reader, offset + (uint64_t)(items - text));
	case ANSWER_ERROR:
		return take_error(reader);
	case ANSWER_RECORD:
		reader->page = true;
		return add_record(reader, text, len, offset, true);
	default:
		reader->strange = true;
		return 0;
	}
}

/* The first byte that is no white space, nor a byte order mark's. */
static char first_of(const struct buf *start)
{
	const char *text = buf_str(start);
	text += utf8_mark_len(text, start->len);
	return text[strspn(text, " \t\r\n")];
}

/* What a text that begins so is, if it can be no JSON at all. */
static const char *no_json(const struct buf *start)
{
	char first = first_of(start);
	if (!first)
		return "is empty";
	return first == '<' ? "holds a page of HTML or XML in place of records"
			    : NULL;
}

/* The next piece of the text. 0 at its end, 1, or -errno. */
static int read_piece(
    const struct place *place, uint64_t at, struct buf *ret_piece)
{
	struct place piece;
	uint64_t left = place->len - at;
	buf_clear(ret_piece);
	if (left == 0)
		return 0;
	int r = place_slice(place, at, left < PIECE ? left : PIECE, &piece);
	if (r < 0)
		return r;
	r = place_read(&piece, ret_piece);
	place_done(&piece);
	return r < 0 ? r : 1;
}

static int read_values(struct reader *reader, struct buf *piece)
{
	struct values *values;
	uint64_t at = reader->base;
	int r = values_new(take_value, reader, &values);
	if (r < 0)
		return r;
	while ((r = read_piece(reader->place, at, piece)) > 0) {
		r = values_feed(values, piece->data, piece->len);
		if (r < 0)
			break;
		at += piece->len;
	}
	if (r == 0)
		r = values_end(values);
	/* A table of nothing is a table. */
	if (values_had_array(values))
		reader->page = true;
	values_free(values);
	return r;
}

/* Unpack, pass over a byte order mark, and see whether it can be JSON. */
static int open_text(struct reader *reader, struct place *place,
    struct unpacked **spool, struct buf *piece)
{
	int r = read_piece(place, 0, piece);
	if (r > 0 && gzip_is(buf_str(piece), piece->len)) {
		r = gzip_unpack(place, spool);
		if (r == 0)
			r = read_piece(place, 0, piece);
	}
	if (r < 0)
		return r;
	if (saved_is_utf16(buf_str(piece), piece->len))
		return -EILSEQ;
	reader->base = utf8_mark_len(buf_str(piece), piece->len);
	const char *what = no_json(piece);
	if (!what) {
		reader->strange = !strchr("{[", first_of(piece));
		return 0;
	}
	reader->failed = true;
	loading_miss(reader->loading, "%s %s", reader->name, what);
	return 0;
}

/* What came of it. */
static int conclude(struct reader *reader)
{
	bool whole_table = reader->what->page < 0;
	/* Other programs have files of their own that end in .json. */
	if (reader->strange && whole_table && reader->records == 0 &&
	    !reader->what->lines)
		return 1;
	if (reader->strange && whole_table)
		return complain(reader,
		    "what it begins with is no record; move it away, or take "
		    "that out, to serve the rest");
	if (reader->strange || (!reader->page && !reader->failed))
		return complain(reader,
		    "not a whole page of items; fetch it again, or move it "
		    "away to serve the rest");
	if (whole_table)
		return 0;
	return loading_add_page(reader->loading, reader->what->page,
	    reader->page ? &reader->answer : NULL);
}

static int explain(struct reader *reader, int r)
{
	if (reader->explained || r == -ENOMEM)
		return r;
	if (r == -EPROTO)
		return complain(reader,
		    "not whole: it ends, or is damaged, in the middle; fetch "
		    "it again, or move it away to serve the rest");
	return saved_explain("", reader->name, r);
}

int export_read(const char *name, const struct export_name *what,
    struct place place, struct loading *loading, bool with_original,
    struct unpacked **spool, export_fn fn, void *ctx)
{
	CLEANUP_BUF struct buf piece;
	buf_init(&piece, PIECE);
	struct reader reader = {
	    .name = name,
	    .what = what,
	    .place = &place,
	    .loading = loading,
	    .with_original = with_original,
	    .fn = fn,
	    .ctx = ctx,
	    .answer = {.total = -1, .total_pages = -1, .page = -1},
	};
	int r = open_text(&reader, &place, spool, &piece);
	if (r == 0 && !reader.failed && !reader.strange)
		r = read_values(&reader, &piece);
	r = r < 0 ? explain(&reader, r) : conclude(&reader);
	place_done(&place);
	return r;
}
