/* Any lines as the files of a backup, "NAME CONTENT" each: it is served or
 * refused, and every stored file that is listed can be read about. */
#include "fuzz.h"

#include <string.h>

#include "emulator/load/backup.h"
#include "tree/name.h"

/* DIR/NAME or NAME, as the walk through a directory gives them. */
static int add(struct backup *backup, char *path, const char *text, size_t len)
{
	const struct place place = {.memory = text, .len = len};
	char *slash = strchr(path, '/');
	const char *dir = slash ? path : "", *name = path;
	if (slash) {
		*slash = '\0';
		name = slash + 1;
	}
	/* No directory entry is called so. */
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	int holds = *dir ? backup_add_directory(backup, dir) : 1;
	if (holds <= 0 || (strchr(name, '/') && holds != BACKUP_EXPORTED))
		return holds < 0 ? holds : 0;
	return backup_add_file(backup, dir, name, place);
}

static void check_table(const struct table *table)
{
	const row_t *rows = table_rows(table, TABLE_BY_ID);
	for (size_t i = 0; i < table_count(table); i++) {
		CLEANUP_BUF struct buf text;
		buf_init(&text, BUF_MAX_DEFAULT);
		MUST(table_read_text(table, rows[i], &text) == 0);
		MUST(json_check(buf_str(&text), text.len) == 0);
		MUST(i == 0 || row_compare_id(rows[i - 1], rows[i]) < 0);
	}
}

/* Whether it is one that is served. */
static bool load(struct backup *backup, char *text, size_t len)
{
	int r = 0;
	char *end = text + len;
	for (char *line = text; r == 0 && line < end;) {
		char *after = memchr(line, '\n', (size_t)(end - line));
		char *stop = after ? after : end;
		char *space = memchr(line, ' ', (size_t)(stop - line));
		if (space && !memchr(line, '\0', (size_t)(space - line))) {
			*space = '\0';
			r = add(backup, line, space + 1,
			    (size_t)(stop - space - 1));
		}
		line = stop + 1;
	}
	return r == 0 && backup_finish(backup) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store *store;
	struct backup *backup;
	char *text = malloc(size + 1);
	const struct table *table;
	MUST(text);
	if (size)
		memcpy(text, data, size);
	be_quiet();
	MUST(store_new(&store) == 0);
	MUST(backup_new(store, &backup) == 0);
	bool served = load(backup, text, size);
	backup_free(backup);
	for (size_t i = 0; served && (table = store_nth(store, i)); i++)
		check_table(table);
	if (served)
		check_table(store_files(store));
	store_free(store);
	free(text);
	return 0;
}
