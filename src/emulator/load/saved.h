/*
 * One saved file: a record out of its text, and what is said of a file that is
 * not as it should be. For the loading thread.
 */
#ifndef EMULATOR_SAVED_H
#define EMULATOR_SAVED_H

#include "emulator/store/document.h"

/* Say on stderr what is wrong with a file; dir is "" in the root. Returns
 * -EPROTO. */
int saved_complain(const char *dir, const char *name, const char *what);

/* A document from its text, wherever that is. The place is taken over, also on
 * failure. 0, -EPROTO (no JSON object), -EINVAL (it names no id), or what
 * place_read says. */
int saved_read_document(struct place place, struct document **ret_document);

#endif
