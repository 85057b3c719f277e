/* The first page: what is there, and how to use it. For site.c; on the
 * connection's thread. */
#ifndef EMULATOR_FRONT_H
#define EMULATOR_FRONT_H

#include "emulator/page/frame.h"

/* 0 or -errno. */
int front_write(const struct view *view);

#endif
