/* Stored files of which only the bytes were saved: what is known of them is
 * what their names say. For the loading thread. */
#ifndef EMULATOR_LOOSE_H
#define EMULATOR_LOOSE_H

#include "emulator/load/loading.h"
#include "emulator/load/shelf.h"

/*
 * Add what nobody claimed of a sorted shelf to the list of stored files, which
 * is settled: NAME, or ID_NAME with an id as databases make them (ObjectIds,
 * UUIDs, ULIDs, and rec_… or file_… with letters and digits). Whose name has no
 * id, or one that is another's, gets one that is made of the whole name. An
 * error that was saved as a content is told of instead. 0, -EPROTO (with a line
 * on stderr), -ENOMEM, or what place_stat says.
 */
int loose_serve(struct shelf *shelf, struct loading *files);

#endif
