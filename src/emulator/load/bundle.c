#include "emulator/load/bundle.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* What a file begins with, and the command that unpacks it. */
static const struct kind {
	const char *start;
	size_t len;
	size_t at;
	const char *name;
	const char *command; /* with the file's name after it, into backup */
	const char *rest;
} kinds[] = {
    {"PK\x03\x04", 4, 0, "a zip archive", "unzip", "-d backup"},
    {"PK\x05\x06", 4, 0, "a zip archive", "unzip", "-d backup"},
    {"ustar", 5, 257, "a tar archive", "mkdir backup && tar -xf", "-C backup"},
    {"\x1f\x8b", 2, 0, "packed with gzip", "mkdir backup && tar -xzf",
	"-C backup"},
    {"BZh", 3, 0, "packed with bzip2", "mkdir backup && tar -xjf", "-C backup"},
    {"\xfd"
     "7zXZ",
	5, 0, "packed with xz", "mkdir backup && tar -xJf", "-C backup"},
    {"\x28\xb5\x2f\xfd", 4, 0, "packed with zstd",
	"mkdir backup && tar --zstd -xf", "-C backup"},
    {"7z\xbc\xaf\x27\x1c", 6, 0, "a 7z archive", "7z x", "-obackup"},
    {"Rar!", 4, 0, "a rar archive", "unar -o backup", ""},
};

int bundle_is_name(const char *name)
{
	static const char *const endings[] = {".zip", ".tar", ".tgz", ".tar.gz",
	    ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".tar.zst", ".7z", ".rar"};
	size_t len = strlen(name);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i]);
		if (len > n && strcasecmp(name + len - n, endings[i]) == 0)
			return 1;
	}
	return 0;
}

void bundle_explain(const char *path)
{
	char start[512] = "";
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : pread(fd, start, sizeof(start), 0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i];
		if (len < (ssize_t)(kind->at + kind->len) ||
		    memcmp(start + kind->at, kind->start, kind->len) != 0)
			continue;
		log_error("%s: %s, not a directory; unpack it first: "
			  "%s '%s' %s; then: --data backup",
		    path, kind->name, kind->command, path, kind->rest);
		return;
	}
	log_error("%s: not a directory; give the one that the backup was saved "
		  "in",
	    path);
}
