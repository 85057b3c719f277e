/* Programs that know a secret. Main thread, while that is the only one. */
#ifndef CONFIG_ASKPASS_H
#define CONFIG_ASKPASS_H

/*
 * Have the shell run command, and take the one line that it prints; name is the
 * setting's. It has the terminal for as long as it runs, may take a minute, and
 * is told none of our secrets. *ret_line is the caller's, and a secret. 0, or
 * an exit status after a complaint, which repeats nothing of the line.
 */
int askpass_run(const char *name, const char *command, char **ret_line);

#endif
