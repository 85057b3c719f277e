#include "emulator/load/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/load/backup.h"

/* What sample.py made: for each file "SIZE PATH\n", then its bytes. The paths
 * are those of a copied mount. */
extern const char emulator_sample[];
extern const char emulator_sample_end[];

#define PATH_SIZE 512

/* Take one file off the front; -EPROTO when the text is damaged. */
static int add_next(struct backup *backup, const char **text, const char *end)
{
	char path[PATH_SIZE], *after;
	const char *newline = memchr(*text, '\n', (size_t)(end - *text));
	size_t size = strtoul(*text, &after, 10);
	if (!newline || *after != ' ' ||
	    (size_t)(newline - after) > sizeof(path) ||
	    size > (size_t)(end - newline - 1))
		return -EPROTO;
	memcpy(path, after + 1, (size_t)(newline - after - 1));
	path[newline - after - 1] = '\0';
	char *slash = strchr(path, '/');
	if (!slash)
		return -EPROTO;
	*slash = '\0';
	struct place place = {.memory = newline + 1, .len = size};
	*text = newline + 1 + size;
	int r = backup_add_directory(backup, path);
	return r < 0 ? r : backup_add_file(backup, path, slash + 1, place);
}

int sample_load(struct store *store)
{
	struct backup *backup;
	const char *text = emulator_sample;
	int r = backup_new(store, &backup);
	if (r < 0)
		return r;
	while (r == 0 && text < emulator_sample_end)
		r = add_next(backup, &text, emulator_sample_end);
	if (r == 0)
		r = backup_finish(backup);
	backup_free(backup);
	return r;
}
