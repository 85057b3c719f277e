/*
 * Two things have one name: the directory in which the official export keeps
 * stored files, and that of a copied mount's table that is called so. What is
 * in it, and beside it, tells which it is. For the loading thread.
 */
#ifndef EMULATOR_NAMESAKE_H
#define EMULATOR_NAMESAKE_H

#include "emulator/load/backup_dir.h"

/* Whether the folder, of that name, is a table's; its files may come to stand
 * in another order. root is the backup. Where that is not plain, what it is
 * taken for is said on stderr. 1, 0 or -ENOMEM. */
int namesake_is_table(const struct backup_dir *root, struct backup_dir *folder);

#endif
