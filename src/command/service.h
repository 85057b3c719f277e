/*
 * What a service tells the service manager that started it (sd_notify(3)):
 * datagrams to the socket that NOTIFY_SOCKET names. Without that, nothing
 * happens. Main thread; nothing can fail that would be of use to know.
 */
#ifndef COMMAND_SERVICE_H
#define COMMAND_SERVICE_H

/* Find the manager, if there is one, before the program confines itself: once.
 */
void service_reach(void);

/* The server has answered, and what lies at mountpoint does, too. 0, or -errno:
 * -EAGAIN: the manager has not read what it was told before, and that was
 * waited for for a moment. */
int service_is_ready(const char *mountpoint);

/* It is unmounted, or was told to end. A manager that does not read is not
 * waited for. */
void service_is_ending(void);

#endif
