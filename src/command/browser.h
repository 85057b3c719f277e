/* The person's browser. Main thread. */
#ifndef COMMAND_BROWSER_H
#define COMMAND_BROWSER_H

/* Have xdg-open show an address, as a process of its own that knows no secret
 * of ours and that our signals do not reach. Whether there is one that could is
 * not told: the address is to be printed, too. */
void browser_open(const char *address);

#endif
