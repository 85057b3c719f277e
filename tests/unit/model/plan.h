/*
 * What a run does, all of it settled beforehand by its seed: the traits of the
 * server and of the mount, and the steps. So a run repeats, and can be made
 * smaller: steps are left out, traits made plain.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Each trait with the names of its values; the first one is the plain one. */
#define TRAITS(X)                                                              \
	X(source, "table|files|storage")                                       \
	X(ids, "objectid|uuid|rec_n|number|number and text")                   \
	X(records, "few|none|one|pages|many")                                  \
	X(largest_page, "any|1|2|4|10")                                        \
	X(over_largest, "clamped|refused")                                     \
	X(total, "right|absent|string|too low|too high|random|9e18")           \
	X(has_next, "told|absent")                                             \
	X(page_count, "told|absent")                                           \
	X(place, "told|absent")                                                \
	X(id_filter, "heeded|ignored|refused")                                 \
	X(date_filter, "heeded|ignored|refused")                               \
	X(order, "heeded|no sort|no direction|none")                           \
	X(dates,                                                               \
	    "iso ms|iso s|no updated|none|some none|space|+00|lower case|"     \
	    "no zone|epoch ms|epoch s|$date|null|unreadable|+09:00")           \
	X(close_dates, "apart|equal or back")                                  \
	X(ancient, "no|before 1970")                                           \
	X(clock_told, "right|absent|ahead|behind")                             \
	X(double_record, "none|one")                                           \
	X(empty_page, "none|second")                                           \
	X(faults, "none|rare|many")                                            \
	X(envelope, "bare|data")                                               \
	X(spec, "absent|there")                                                \
	X(ttl, "60 s|1 s|0")                                                   \
	X(connections, "16|1|3")                                               \
	/* What compares an id with a number. */                               \
	X(numbers, "heeded|500|reset|refused|ignored|as text")                 \
	/* Of dates, in filters and in orders. */                              \
	X(compared, "times|texts")                                             \
	/* Each record's dates are written in a form of its own. */            \
	X(forms, "one|several")

enum trait {
#define X(name, values) TRAIT_##name,
	TRAITS(X)
#undef X
	    TRAIT_COUNT
};

/* What may happen, and how often in comparison. */
#define STEPS(X)                                                               \
	X(ANSWER, 40, "a request is answered")                                 \
	X(ANSWER_ALL, 5, "requests are answered in turn")                      \
	X(FREEZE, 4, "a request is answered, but the answer is slow to come")  \
	X(INSERT, 4, "the server inserts")                                     \
	X(DELETE, 4, "the server deletes")                                     \
	X(CHANGE, 5, "the server changes a record")                            \
	X(SWAP, 3, "the server deletes one and inserts one")                   \
	X(BURST, 2, "the server changes many")                                 \
	X(BACK_UP, 2, "the server's database is saved")                        \
	X(PUT_BACK, 2, "the server's database is put back")                    \
	X(SERVER_CLOCK, 1, "the server's clock steps ahead")                   \
	X(OPEN, 6, "a directory is opened")                                    \
	X(READ, 12, "a handle is read on")                                     \
	X(LIST, 4, "a directory is listed from begin to end")                  \
	X(LIST_BUSY, 4, "the same, while the server changes")                  \
	X(REWIND, 2, "a handle is rewound")                                    \
	X(CLOSE, 2, "a handle is closed")                                      \
	X(LOOK_UP, 6, "a name is looked up")                                   \
	X(LOOK_UP_NOW, 4, "a name is looked up by another thread")             \
	X(INTERRUPT, 3, "an operation is interrupted")                         \
	X(PASS_TIME, 6, "time passes")                                         \
	X(HANG_UP, 2, "SIGHUP")                                                \
	X(REMOUNT, 1, "unmounted, and mounted")                                \
	X(KILL, 2, "killed, and mounted")                                      \
	X(OFFLINE, 1, "mounted offline, listed, and mounted again")            \
	X(SAVE_REPLICA, 1, "the replica's file is copied")                     \
	X(OLD_REPLICA, 1, "the replica's file is put back, and mounted")       \
	X(DISK_FULL, 1, "the disk is full for some commits")                   \
	X(WALL_CLOCK, 1, "the mount's wall clock is set")                      \
	X(SUSPEND, 1, "the machine sleeps")                                    \
	X(RELAPSE, 2, "a change is seen, in vain, and put back")               \
	X(AHEAD, 1, "the server changes a record, dated ahead of its clock")

enum step_kind {
#define X(name, weight, text) STEP_##name,
	STEPS(X)
#undef X
	    STEP_COUNT
};

struct step {
	enum step_kind kind;
	uint32_t a, b, c;
};

/* Traits from here on came later, and have random numbers of their own: what a
 * seed found before, it finds again. */
#define TRAIT_FIRST_LATE TRAIT_numbers

/* Values of the trait numbers. */
enum {
	NUMBERS_HEEDED,
	NUMBERS_500,
	NUMBERS_RESET,
	NUMBERS_REFUSED,
	NUMBERS_IGNORED,
	NUMBERS_AS_TEXT,
};

/* A value of the trait total. */
#define TOTAL_TOO_LOW 3

#define PLAN_STEPS_MAX 400

struct plan {
	uint64_t seed;
	unsigned traits[TRAIT_COUNT];
	size_t count;
	struct step steps[PLAN_STEPS_MAX];
};

void plan_make(struct plan *plan, uint64_t seed);

/*
 * What plan_make may choose from, else everything. The first: steps of the
 * kinds named (and answers), "LIST,KILL". The second: a trait that is the same
 * in all runs, "ids=uuid". The third: plain traits, but for those set so and
 * for how many records there are, and ttl. False: there is no such name.
 */
bool plan_only_steps(const char *names);
bool plan_set_trait(const char *setting);
void plan_only_plain(void);

/* Whether the server is one that never lies. It may still change, or fail. */
bool plan_is_honest(const struct plan *plan);

/* The value of a trait in the run under way. */
unsigned trait(enum trait which);
void plan_begin(const struct plan *plan);

const char *step_name(enum step_kind kind);
const char *trait_value(const struct plan *plan, enum trait trait);

/* Those that are not plain, in a line. */
void plan_print_traits(const struct plan *plan, FILE *out);

#endif
