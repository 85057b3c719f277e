/*
 * The machine's log, as syslog(3) reaches it, but without waiting for whoever
 * takes it in: that one may be stuck, and nobody who has something to say shall
 * be stuck with it. For log.c. Calls must not overlap.
 */
#ifndef BASE_SYSTEM_LOG_H
#define BASE_SYSTEM_LOG_H

struct system_log;

/* Lines go out under ident, which must live on. Nothing is connected yet. NULL:
 * out of memory. */
struct system_log *system_log_new(const char *ident);

/* NULL is fine. */
void system_log_free(struct system_log *log);

/* Send a line; priority as in syslog.h, such as LOG_INFO. 0, or -errno: it was
 * not taken, -EAGAIN since there is no room at the moment. */
int system_log_write(struct system_log *log, int priority, const char *line);

#endif
