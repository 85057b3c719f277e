/*
 * A table's API as an OpenAPI 3.0.0 document, for client generators and API
 * tools. Pure; called by the handler of data.
 */
#ifndef EMULATOR_OPENAPI_H
#define EMULATOR_OPENAPI_H

#include "base/buf.h"

/* Append the document; envelope tells whether answers come in one. spec is the
 * table's specification in JSON; NULL, or one that says nothing of the fields:
 * records may hold anything. 0 or -ENOMEM. */
int openapi_print(
    const char *table, const char *spec, bool envelope, struct buf *out);

#endif
