/*
 * Inside sync/: having the contents of stored files stay, once they are kept.
 * Loop thread only.
 */
#ifndef SYNC_PINS_H
#define SYNC_PINS_H

struct core;
struct pins;
struct sync_op;

/* core is borrowed. NULL: out of memory. */
struct pins *pins_new(struct core *core);

/* NULL is fine. Nobody may wait. */
void pins_free(struct pins *pins);

/* Pin all objects that are live now: ends op once that is committed. */
void pins_add_all(struct pins *pins, struct sync_op *op);

#endif
