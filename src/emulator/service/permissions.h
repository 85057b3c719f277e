/*
 * What a table's specification lets whom do. Called by the handler of data, on
 * the connection's thread.
 *
 * There is one account here, and what is served is what somebody saved: so the
 * account owns all of it (`self`), and holds every custom role.
 */
#ifndef EMULATOR_PERMISSIONS_H
#define EMULATOR_PERMISSIONS_H

#include "emulator/query/columns.h"
#include "emulator/service/credentials.h"

struct permissions;

enum operation { OPERATION_READ, OPERATION_LIST };

/* From a specification's text, or NULL where there is none. One that is no JSON
 * object allows nothing to anybody but an administrator. 0 or -ENOMEM. */
int permissions_new(const char *spec, struct permissions **ret_permissions);

/* NULL is fine. */
void permissions_free(struct permissions *permissions);

/* Whether the role may do that. */
bool permissions_allow(const struct permissions *permissions, enum role role,
    enum operation operation);

/* The columns that the role does not see. They point into permissions. */
void permissions_read_columns(const struct permissions *permissions,
    enum role role, struct columns *ret_columns);

/* What the role sees of a list, as the alternatives of a filter in JSON, which
 * is the caller's; NULL: everything. 0 or -ENOMEM. */
int permissions_read_rows(const struct permissions *permissions, enum role role,
    char **ret_alternatives);

#endif
