/* Any bytes as a config file: it is taken, or refused in one line that a
 * terminal may show; and any line of text as a password comes out as it went
 * in, whatever other profiles stand around it. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "config/complain.h"
#include "config/options.h"
#include "config/profile.h"

static char home[] = "/tmp/fuzz-config-XXXXXX";
static char path[64];
static int file = -1, said = -1, terminal = -1;

static void clean_up(void)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(home);
}

/* The file is one in memory, which a link leads to: disks are slow. */
static void set_up(void)
{
	char link[64];
	if (said >= 0)
		return;
	MUST(mkdtemp(home));
	MUST(setenv("XDG_CONFIG_HOME", home, 1) == 0);
	snprintf(path, sizeof(path), "%s/bkendfs", home);
	MUST(mkdir(path, 0700) == 0);
	strcat(path, "/config");
	atexit(clean_up);
	terminal = dup(STDERR_FILENO);
	said = memfd_create("said", MFD_CLOEXEC);
	file = memfd_create("config", MFD_CLOEXEC);
	MUST(terminal >= 0 && said >= 0 && file >= 0);
	MUST(fchmod(file, 0600) == 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	MUST(symlink(link, path) == 0);
}

/* What it says is one line, without anything that a terminal obeys. */
static void check_said(int status)
{
	char text[8192];
	ssize_t len = pread(said, text, sizeof(text), 0);
	MUST(len >= 0 && (len > 0) == (status != 0));
	if (len == 0)
		return;
	MUST(text[len - 1] == '\n' &&
	     memchr(text, '\n', (size_t)len) == text + len - 1);
	for (ssize_t i = 0; i < len - 1; i++)
		MUST((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static int apply(
    const char *text, size_t len, const char *name, struct options *options)
{
	MUST(ftruncate(file, 0) == 0);
	MUST(pwrite(file, text, len, 0) == (ssize_t)len);
	MUST(ftruncate(said, 0) == 0 && lseek(said, 0, SEEK_SET) == 0);
	fflush(stderr);
	dup2(said, STDERR_FILENO);
	int status = profile_apply(name, options);
	dup2(terminal, STDERR_FILENO);
	MUST(status == 0 || status == EXIT_USAGE);
	check_said(status);
	return status;
}

static void check_any(const char *text, size_t len)
{
	struct options options = {0};
	apply(text, len, NULL, &options);
	options_done(&options);
	memset(&options, 0, sizeof(options));
	apply(text, len, "p", &options);
	options_done(&options);
}

/* In a file with others before and behind it, between quotes. */
static void check_password(const char *text, size_t len)
{
	CLEANUP_BUF struct buf around;
	struct options options = {0};
	buf_init(&around, BUF_MAX_DEFAULT);
	if (memchr(text, '\n', len) || memchr(text, '\0', len) ||
	    !utf8_is_valid(text, len))
		return;
	MUST(buf_adds(&around, "[other]\npassword = x\n[p]\npassword=\"") == 0);
	MUST(buf_add(&around, text, len) == 0);
	MUST(buf_adds(&around, "\"\nttl = 7\n\n[last]\nttl = x\n") == 0);
	int status = apply(buf_str(&around), around.len, "p", &options);
	if (status == 0) {
		MUST(options.ttl_ms == 7000);
		MUST(options.password && strlen(options.password) == len);
		MUST(memcmp(options.password, text, len) == 0);
	} else {
		/* It may not be empty. */
		MUST(len == 0);
	}
	options_done(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	set_up();
	check_any(text, size);
	check_password(text, size);
	return 0;
}
