#include "fs/mounting.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/words.h"

/* libfuse writes to stderr otherwise; its words are part of our own line. */
static struct words last_words;

static void on_message(enum fuse_log_level level, const char *format,
    va_list args) __attribute__((format(printf, 2, 0)));

static void on_message(
    enum fuse_log_level level, const char *format, va_list args)
{
	char message[WORDS_SIZE];
	vsnprintf(message, sizeof(message), format, args);
	if (level <= FUSE_LOG_ERR)
		words_add(&last_words, message);
	log_debug("%.*s", (int)strcspn(message, "\n"), message);
}

static void on_late_message(enum fuse_log_level level, const char *format,
    va_list args) __attribute__((format(printf, 2, 0)));

static void on_late_message(
    enum fuse_log_level level, const char *format, va_list args)
{
	char message[WORDS_SIZE];
	(void)level;
	vsnprintf(message, sizeof(message), format, args);
	log_debug("%.*s", (int)strcspn(message, "\n"), message);
}

const char *mounting_message(void)
{
	return last_words.used ? last_words.text : "FUSE refuses";
}

void mounting_listen(bool debug)
{
	if (!debug)
		fuse_set_log_func(on_message);
}

void mounting_listen_late(bool debug)
{
	if (!debug)
		fuse_set_log_func(on_late_message);
}

void mounting_add_message(const char *words)
{
	words_add(&last_words, words);
}

/* What a child wrote. */
static void take_words(int from)
{
	char words[WORDS_SIZE];
	ssize_t n = pread(from, words, sizeof(words) - 1, 0);
	if (n <= 0)
		return;
	words[n] = '\0';
	words_add(&last_words, words);
}

/* fusermount3 writes to stderr, too: its words become part of our line. And
 * with auto_unmount it lives as long as the mount: it must not keep what we got
 * from whoever waits for the end of our output. */
int mounting_mount(
    struct fuse_session *session, const char *mountpoint, bool debug)
{
	CLEANUP_CLOSE int kept_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	CLEANUP_CLOSE int kept_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	CLEANUP_CLOSE int words = memfd_create("words", MFD_CLOEXEC);
	bool quiet = kept_out >= 0 && kept_err >= 0 && words >= 0 && !debug &&
		     dup2(words, STDOUT_FILENO) >= 0 &&
		     dup2(words, STDERR_FILENO) >= 0;
	int r = fuse_session_mount(session, mountpoint);
	if (quiet) {
		dup2(kept_out, STDOUT_FILENO);
		dup2(kept_err, STDERR_FILENO);
		if (r != 0)
			take_words(words);
	}
	return r;
}
