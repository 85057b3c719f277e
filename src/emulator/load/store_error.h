/*
 * What an export script saves in place of a stored file's bytes when its URL
 * was refused: the object store's answer, a small XML document. Pure but for
 * reading the place; for the loading thread.
 */
#ifndef EMULATOR_STORE_ERROR_H
#define EMULATOR_STORE_ERROR_H

#include "emulator/store/place.h"

/* Whether that is what lies there: 1 with the store's code in *ret_code
 * (appended, as it stands in the document), 0, or what place_read says. */
int store_error_read(const struct place *place, struct buf *ret_code);

#endif
