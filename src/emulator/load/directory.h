/* Load a saved project from a directory. Called by main before anything is
 * served. */
#ifndef EMULATOR_DIRECTORY_H
#define EMULATOR_DIRECTORY_H

#include "emulator/store/store.h"

/* 0, or -errno, with a line on stderr that says what is wrong with which
 * file. Record texts and objects stay on disk. Symbolic links in it are named
 * on stderr, and neither followed nor served. */
int directory_load(struct store *store, const char *path);

#endif
