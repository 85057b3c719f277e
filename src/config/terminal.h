/* Asking whoever sits at the terminal. Main thread. */
#ifndef CONFIG_TERMINAL_H
#define CONFIG_TERMINAL_H

#include <stdbool.h>

/* Whether there is anybody to ask. */
bool terminal_is_there(void);

/*
 * Ask for a secret: what is typed does not show. A signal that ends us
 * meanwhile does so after the terminal is as it was; one that stops us has the
 * question asked again. While there is one thread only. *ret_answer is the
 * caller's. 0, -ENODATA: nothing was given, -EMSGSIZE, -ENOMEM.
 */
int terminal_ask_secret(const char *question, char **ret_answer);

/* Ask for what is of no use in a minute, and may be seen. Something to read
 * from wake_fd ends the question: -EINTR. Otherwise as above, but with any
 * number of threads. */
int terminal_ask(const char *question, int wake_fd, char **ret_answer);

#endif
