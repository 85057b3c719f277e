/* Where credentials are kept: NAME=value lines, as they are printed. What is
 * wrong is said on stderr. */
#ifndef EMULATOR_CREDENTIALS_FILE_H
#define EMULATOR_CREDENTIALS_FILE_H

#include "emulator/service/credentials.h"

/* The file for a data directory, in a directory of the user's own, which is
 * made. *ret_path is the caller's. 0 or -errno. */
int credentials_path(const char *data, char **ret_path);

/* Into credentials that are empty. 0; -ENOENT, unsaid, where there is no such
 * file; -EPERM when others can read it; -EINVAL; or -errno. */
int credentials_read(struct credentials *credentials, const char *path);

/* Into a new file, for its owner only, whole or not at all. 0; -EEXIST, unsaid,
 * when there is one; or -errno. */
int credentials_write(const struct credentials *credentials, const char *path);

#endif
