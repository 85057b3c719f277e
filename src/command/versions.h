/* What --version says. */
#ifndef COMMAND_VERSIONS_H
#define COMMAND_VERSIONS_H

/* On stdout: our version, and those of the libraries that run beneath us, for
 * whoever reports what went wrong. */
void versions_print(void);

#endif
