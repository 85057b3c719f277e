/* Any text as an exported page, or as a table in one file: each record that is
 * taken is strictly valid, has an id, and stands in the text as it was. */
#include "fuzz.h"

#include <string.h>

#include "emulator/load/export.h"

struct seen {
	const char *text;
	size_t len;
	size_t records;
};

static int check(void *ctx, struct saved *saved)
{
	struct seen *seen = ctx;
	const struct document_key *key = document_key(saved->document);
	const struct place *place = document_text(saved->document);
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	MUST(key->id_len > 0);
	MUST(document_read_text(saved->document, &text) == 0);
	MUST(text.len == place->len && text.len >= 2);
	MUST(text.data[0] == '{' && text.data[text.len - 1] == '}');
	MUST(json_check(text.data, text.len) == 0);
	/* What was packed lies elsewhere. */
	MUST(place_is_file(place) ||
	     (place->memory >= seen->text &&
		 place->memory + place->len <= seen->text + seen->len));
	seen->records++;
	return 0;
}

static void run(const char *name, const char *text, size_t len)
{
	struct export_name what;
	struct loading *loading;
	struct unpacked *unpacked = NULL;
	struct seen seen = {text, len, 0};
	const struct place place = {.memory = text, .len = len};
	MUST(export_name_parse(name, &what) == 1);
	MUST(loading_new(what.table, NULL, &loading) == 0);
	int r = export_read(
	    name, &what, place, loading, true, &unpacked, check, &seen);
	/* By its name only it is no page: that is said, or it is used. */
	MUST(r <= 0 || (what.page < 0 && seen.records == 0));
	if (r == 0)
		MUST(loading_finish(loading) == 0);
	unpacked_unref(unpacked);
	loading_free(loading);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A place in memory is told by its pointer. */
	const char *text = size ? (const char *)data : "";
	be_quiet();
	run("t_page2.json", text, size);
	run("t.json", text, size);
	return 0;
}
