/* What --help and --version say. One thread. */
#ifndef CONFIG_USAGE_H
#define CONFIG_USAGE_H

/* On stdout: how to call the program, and each setting as its row has it. */
void usage_print_help(void);

/* On stdout. */
void usage_print_version(void);

#endif
