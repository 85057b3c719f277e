/*
 * The records of one directory, a file each, read by as many threads as there
 * are processors: a hundred thousand small files take one thread seconds.
 */
#ifndef EMULATOR_CREW_H
#define EMULATOR_CREW_H

#include "emulator/load/backup_dir.h"
#include "emulator/load/saved.h"

/* What came of one file: error 0, and the record; or what saved_take or opening
 * says, -ELOOP (a link), -ENXIO (it is no file). */
struct crew_result {
	struct saved saved;
	int error;
};

/* Read the folder's files first to first+count-1 into as many results. 0 or
 * -ENOMEM; crew_done is owed if 0. */
int crew_read(const struct backup_dir *folder, size_t first, size_t count,
    bool with_original, struct crew_result **ret_results);

/* Give back what is left in the results. NULL is fine. */
void crew_done(struct crew_result *results, size_t count);

#endif
