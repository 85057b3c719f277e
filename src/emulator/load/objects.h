/*
 * The bytes of stored files, as they were saved under names, and the metadata
 * that they belong to. For the loading thread.
 */
#ifndef EMULATOR_OBJECTS_H
#define EMULATOR_OBJECTS_H

#include "emulator/load/loading.h"
#include "emulator/load/saved.h"

struct objects;

/* Where something was: in a copied mount, or in an official export. */
enum objects_origin { OBJECTS_SAVED, OBJECTS_EXPORTED };

/* 0 or -ENOMEM. */
int objects_new(struct objects **ret_objects);

/* NULL is fine. */
void objects_free(struct objects *objects);

/* The directory for those of this origin is there. */
void objects_expect(struct objects *objects, enum objects_origin origin);

/* One object. The place is taken over. 0 or -ENOMEM. */
int objects_add(struct objects *objects, enum objects_origin origin,
    const char *name, struct place place);

/* Metadata that names one: what saved holds is taken over, another reference to
 * its document is in the table of the stored files. 0 or -ENOMEM. */
int objects_add_metadata(
    struct objects *objects, enum objects_origin origin, struct saved *saved);

/* All was added, and files, the loading of the stored files, is finished: give
 * each file its object, and each exported object that no metadata names
 * metadata of its own. Spool: see gzip_unpack. 0; -EPROTO when an object is
 * missing of a copied mount, which is said; or what reading says. */
int objects_join(
    struct objects *objects, struct loading *files, struct unpacked **spool);

#endif
