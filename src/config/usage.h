/* What --help says. One thread. */
#ifndef CONFIG_USAGE_H
#define CONFIG_USAGE_H

/* On stdout, a screen of it: how to call the program, and the settings' names.
 */
void usage_print_overview(void);

/* On stdout: how to call the program, and each setting as its row has it. */
void usage_print_help(void);

/* On stderr, for whoever has set nothing: the ways to begin. */
void usage_print_beginnings(void);

#endif
