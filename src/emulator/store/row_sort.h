/*
 * Rows put in order, many at a time: by keys that lie side by side, for a look
 * at each row's document costs more than all else of a sort. Used by tables.
 * Pure.
 */
#ifndef EMULATOR_ROW_SORT_H
#define EMULATOR_ROW_SORT_H

#include "emulator/store/row.h"

/* By id, as row_compare_id has it; of equal ids the later updatedAt first. Any
 * thread; without memory it takes longer. */
void row_sort_by_id(row_t *rows, size_t count);

/* Rows that are in order of their ids, and no two of one id, by updatedAt and
 * then by id, as row_compare_updated has it. Any thread, as above. */
void row_sort_by_updated(row_t *rows, size_t count);

#endif
