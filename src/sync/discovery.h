/*
 * Inside sync/: tables that the server which lists them tells of. When somebody
 * looks at the root, it is asked, at most once in a while; each name it gives
 * is asked for with the key, and what is there is shown from then on and
 * remembered. Where it cannot be asked, what is known is shown.
 *
 * Loop thread only, unless said.
 */
#ifndef SYNC_DISCOVERY_H
#define SYNC_DISCOVERY_H

#include <stdbool.h>

struct core;
struct discovery;
struct sync_op;
struct tables;

/* Both are borrowed for its life. NULL: no memory. */
struct discovery *discovery_new(struct core *core, struct tables *tables);

/* Nothing is asked any more. NULL is fine. */
void discovery_end(struct discovery *discovery);

/* NULL is fine. */
void discovery_free(struct discovery *discovery);

/* Whether the root may not be listed yet. Any thread, soon. */
bool discovery_is_due(const struct discovery *discovery);

/* End op once it may be. */
void discovery_await(struct discovery *discovery, struct sync_op *op);

#endif
