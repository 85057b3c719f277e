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

/* The server has answered, and what lies at mountpoint does, too. A manager
 * that does not read is told when it does, by a thread of its own: whoever
 * looks at the mount is not to wait for that. Once. */
void service_is_ready(const char *mountpoint);

/* It is unmounted, or was told to end. A manager that does not read is not
 * waited for any more. */
void service_is_ending(void);

#endif
