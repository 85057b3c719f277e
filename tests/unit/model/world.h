/*
 * What the server held, and when: the plain truth that listings are held
 * against. Moments are counted (each change, and each operation's begin, is one
 * more), since much may happen within a millisecond.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_RECORDS_MAX 512
#define WORLD_VERSIONS_MAX 2048

/* One text that a record had. Its number stands in the text. */
struct version {
	int record;
	int64_t updated_ms;
	bool dated; /* it says when it was changed */
	int padding;
};

struct record_id {
	char text[40];
	bool number; /* in JSON without quotes */
};

void world_reset(void);

/* ---- moments ---- */

/* Something happens: the number of this moment. */
uint64_t world_moment(void);

/* The moment that had come when the clock (clock_true_ms) stood at ms, just
 * before anything else happened then. */
uint64_t world_moment_at(int64_t ms);

/* ---- what is there now ---- */

/* The records, in the order in which they were inserted. */
size_t world_records(int ret_records[WORLD_RECORDS_MAX]);
int world_current(int record); /* its version; -1: it is not there */
int world_record_count(void);  /* of all that ever were */

const struct version *world_version(int version);
const struct record_id *world_id(int record);
int64_t world_created_ms(int record);

/* The name of a record's file, and whose name that is; -1: nobody's. */
const char *world_name(int record);
int world_named(const char *name);

/* The one that is there, or was, of that id's text; -1. */
int world_find(const char *id);

/* The server's database's clock. */
int64_t world_clock_ms(void);
void world_step_clock(int64_t ms);
bool world_clock_is_right(void);

/* ---- changes ---- */

/* Which record it was; -1: none. */
int world_insert(uint32_t choice);
int world_delete(uint32_t choice);
int world_change(uint32_t choice, bool longer);

/* The same, by someone whose clock is ahead by as much. */
int world_change_ahead(uint32_t choice, int64_t ahead_ms);

/* It is there again, as old as it was, by a change that says when: a row that a
 * filter hid. */
int world_show(uint32_t choice);

/* Save all, and put it back as it was then. */
void world_back_up(unsigned slot);
bool world_put_back(unsigned slot);

/* A listing ended whose reader must be told what has been since from, or
 * everything shall be looked at anew: what was put back before cannot be hidden
 * any more by later changes. */
void world_was_seen(uint64_t from);
void world_is_asked_anew(void);

/* Nobody does so any more, whether or not it was done: the mount is gone. */
void world_is_not_asked_anew(void);

/* The replica is copied; the copy is in its place, which knows no more than was
 * seen when it was made. */
void world_replica_is_copied(void);
void world_replica_is_old(void);

/* ---- what was there ---- */

/* Whether a record was there in each moment from first on until now. */
bool world_held_throughout(int record, uint64_t first);

/* Whether it was there, or was not, in some moment. */
bool world_held(int record, uint64_t first);
bool world_lacked(int record, uint64_t first);

/* Whether it had this version in some moment, or one of that time. */
bool world_had(int version, uint64_t first);
bool world_had_mtime(int record, int64_t mtime_ms, uint64_t first);

/* Its state cannot be known, until all is asked anew. */
void world_hide(int record);

/* Whether a record was put back since that was not there. */
bool world_came_back(uint64_t first);

/* One who began then cannot know its state: see world_put_back. */
bool world_hides(int record, uint64_t first);

#endif
