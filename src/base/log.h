/*
 * The program's log: one line a message, safe for a terminal whatever a
 * server put into it (control characters, those that change the order of a
 * line, and bytes that are not UTF-8 are shown as \xNN). Never pass a secret, a
 * header, a query or a signed URL. Thread-safe. It waits for no reader: where a
 * pipe or a terminal takes nothing, lines are left out, and their number is
 * told when it does; so it is with syslog.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Lines go to a file, which is the owner's alone if it is made; call before
 * threads start. path NULL leaves the target as it is (stderr at first). 0, or
 * -errno when the file cannot be opened. */
int log_open_file(const char *path);

/* Where lines go to a file, from here on they go to whatever file has its name
 * now, which is made if there is none: the one before may have been put aside.
 * 0, or -errno where that cannot be opened, and the old one stays. */
int log_reopen(void);

/* Lines go to syslog, under ident, which must live on; call before threads
 * start. Without the memory for it they go to stderr. */
void log_open_syslog(const char *ident);

/* What is less grave than that is left out; LOG_LEVEL_INFO at first. */
void log_set_level(enum log_level level);

/* error, warn, info, debug -> level. 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *ret_level);

/* Copy text into out, with everything that a terminal could obey spelt out as
 * \xNN; cut where it does not fit. */
void log_make_safe(const char *text, char *out, size_t size);

/* Write one line, by one of the macros below. */
void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
