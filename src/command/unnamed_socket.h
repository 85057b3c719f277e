/*
 * A socket that listens, and has lost its name: whoever connects to it has to
 * hold what is left of that, a descriptor, and nobody can put another one in
 * its place. For the server of a directory. One thread.
 */
#ifndef COMMAND_UNNAMED_SOCKET_H
#define COMMAND_UNNAMED_SOCKET_H

/*
 * Make one; it has a name in dir, which is made ours alone, for a moment.
 * *ret_place is a descriptor of its place: /proc/self/fd/PLACE is the way to
 * it, for this process. The caller closes both. The descriptor that listens, or
 * -errno; see own_dir_make.
 */
int unnamed_socket_open(const char *dir, int *ret_place);

#endif
