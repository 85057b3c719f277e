/*
 * One table while it is put together from what was saved of it, and what is
 * known to be missing of it. For the loading thread.
 */
#ifndef EMULATOR_LOADING_H
#define EMULATOR_LOADING_H

#include "emulator/load/saved_answer.h"
#include "emulator/store/table.h"

struct loading;

/* For a table, which is borrowed; NULL: for a new one of this name, which is
 * the loading's until loading_take_table. 0 or -ENOMEM. */
int loading_new(
    const char *name, struct table *table, struct loading **ret_loading);

/* NULL is fine. */
void loading_free(struct loading *loading);

/* Its table, borrowed. */
struct table *loading_table(const struct loading *loading);

/* The table, which is the caller's from now on. */
struct table *loading_take_table(struct loading *loading);

/* The table is one: more than a file's name says so. */
void loading_confirm(struct loading *loading);

/* Whether that was said. */
bool loading_is_confirmed(const struct loading *loading);

/* Whether a file has the name that a mount gives this record, be it in another
 * normal form, or packed. 1, 0 or -ENOMEM. */
int loading_is_own_name(const char *name, const struct document *record);

/* A record that has a file to itself. The reference is taken over. 0 or
 * -ENOMEM. */
int loading_add_file(
    struct loading *loading, const char *name, struct document *record);

/* A record among others in a file, which may come again in another: of those
 * the newest counts. The reference is taken over. 0 or -ENOMEM. */
int loading_add_item(struct loading *loading, struct document *record);

/* A page of the export was there. answer is what it says of the rest, or NULL
 * when the page cannot be used, which was said. 0 or -ENOMEM. */
int loading_add_page(
    struct loading *loading, int64_t number, const struct saved_answer *answer);

/* Say on stderr that something of the table is missing, and remember it. */
void loading_miss(struct loading *loading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether anything is missing. */
bool loading_is_incomplete(const struct loading *loading);

/* All was added: sort, and say what is missing. 0, -EPROTO (two records have
 * one id, which is said), -ENOMEM. */
int loading_finish(struct loading *loading);

#endif
