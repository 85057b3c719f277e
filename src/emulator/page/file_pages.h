/* The pages of the stored files: all of them, and one. For site.c; on the
 * connection's thread. */
#ifndef EMULATOR_FILE_PAGES_H
#define EMULATOR_FILE_PAGES_H

#include "emulator/page/frame.h"

/* ?page=N. 0 or -errno. */
int file_pages_list(const struct view *view);

/* ?id=ID. 0, -ENOENT (no such file, and nothing is written) or -errno. */
int file_pages_view(const struct view *view);

/* A few of them, the newest first; nothing where there are none. 0 or -errno.
 */
int file_pages_add_newest(const struct view *view);

#endif
