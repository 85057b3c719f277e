/*
 * Inside sync/: the rooms that a sync is made of, for its faces (lookup,
 * open_dir, read). Any thread.
 */
#ifndef SYNC_PARTS_H
#define SYNC_PARTS_H

struct core;
struct listings;
struct fetches;
struct streams;
struct sync;
struct tables;

/* All borrowed, for the life of the sync. */
struct core *sync_core(struct sync *sync);
struct listings *sync_listings(struct sync *sync);
struct fetches *sync_fetches(struct sync *sync);
struct streams *sync_streams(struct sync *sync);
struct tables *sync_tables(struct sync *sync);

#endif
