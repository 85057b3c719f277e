/*
 * Inside sync/: finding tables by use. A name that is not known is asked for
 * once, however many want it; only a table that is there leaves a trace in the
 * replica. Names that are none are remembered for ttl, a bounded number of
 * them.
 *
 * Loop thread only.
 */
#ifndef SYNC_TABLES_H
#define SYNC_TABLES_H

struct core;
struct sync_op;
struct tables;

/* NULL: no memory. */
struct tables *tables_new(struct core *core);

/* NULL is fine. */
void tables_free(struct tables *tables);

/* Find the table that op->name stands for: ends op, or restarts it when the
 * table is in the replica. */
void tables_look_up(struct tables *tables, struct sync_op *op);

/* The same of a name that somebody else has told of: that it is not there is
 * not worth a line in .bkendfs/errors. */
void tables_try(struct tables *tables, struct sync_op *op);

#endif
