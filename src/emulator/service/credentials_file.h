/*
 * Which credentials are served, and the file that they are kept in, so that an
 * app's settings stay valid: NAME=value lines, as they are printed. Only their
 * owner can read it. Called by main before anything is served.
 */
#ifndef EMULATOR_CREDENTIALS_FILE_H
#define EMULATOR_CREDENTIALS_FILE_H

#include "emulator/service/credentials.h"

/*
 * Choose: file is where they are, or shall be, kept (NULL: a place of the
 * user's own, one for each data directory); data is the directory that is
 * served, or NULL. With neither, the sample's. 0; -EPERM when others can read
 * the file; -EINVAL when it does not hold them; or another -errno; each with a
 * line on stderr.
 */
int credentials_file_load(
    struct credentials *credentials, const char *data, const char *file);

#endif
