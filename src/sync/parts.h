/*
 * Inside sync/: the rooms that a sync is made of, for its faces (lookup,
 * open_dir, read). Any thread.
 */
#ifndef SYNC_PARTS_H
#define SYNC_PARTS_H

struct core;
struct discovery;
struct listings;
struct fetches;
struct streams;
struct sync;
struct tables;

/* What all of it shares. This and what follows is borrowed, for the life of the
 * sync. */
struct core *sync_core(struct sync *sync);

/* The listers of all directories. */
struct listings *sync_listings(struct sync *sync);

/* The records that are fetched by name. */
struct fetches *sync_fetches(struct sync *sync);

/* The stored files that are read. */
struct streams *sync_streams(struct sync *sync);

/* The tables that are looked for by name. */
struct tables *sync_tables(struct sync *sync);

/* The tables that others tell of. */
struct discovery *sync_discovery(struct sync *sync);

#endif
