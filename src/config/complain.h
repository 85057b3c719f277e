/*
 * What goes wrong before there is a mount, said in one line on stderr. Whatever
 * a server or a file put into it, a terminal does nothing but show it. Any
 * thread.
 */
#ifndef CONFIG_COMPLAIN_H
#define CONFIG_COMPLAIN_H

/* The exit statuses that users are promised. */
enum { EXIT_MOUNTED = 0, EXIT_COULD_NOT = 1, EXIT_USAGE = 2 };

/* A setting, or the way that it was given, is wrong: EXIT_USAGE. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The settings may be right, but it did not work: EXIT_COULD_NOT. */
int failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for want of memory. */
int failed_for_memory(void);

#endif
