/*
 * Which names the kernel may still believe. Each reply that names something
 * says for how long; when a name changes, this tells whether anything has to be
 * taken back, which costs the kernel all names at once.
 *
 * Any thread; nothing here blocks, nor knows of FUSE. Times are on the clock of
 * timestamp_mono_ms, in milliseconds.
 */
#ifndef FS_BELIEFS_H
#define FS_BELIEFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct beliefs;

/* A reply full of names that the kernel takes in at its leisure: what is taken
 * back meanwhile, it may come to believe after all. Zeroed by its owner. */
struct told {
	bool under_way;
	bool changed; /* since it went out */
	int64_t dir;
	int64_t until_ms;
	LIST_ENTRY(told) link;
};

/* longest_ms: no name is to be believed for longer. NULL: out of memory. */
struct beliefs *beliefs_new(int64_t longest_ms);

/* NULL is fine. */
void beliefs_free(struct beliefs *beliefs);

/* To be had before the replica is asked for a name of dir. */
uint64_t beliefs_ticket(struct beliefs *beliefs, int64_t dir);

/* For how long a name may be believed that is good for valid_ms: 0 when some
 * name of dir changed since the ticket was taken. */
int64_t beliefs_tell(struct beliefs *beliefs, int64_t dir, uint64_t ticket,
    int64_t valid_ms, int64_t now_ms);

/* The same for a reply of many names, which is under way from here on. */
int64_t beliefs_tell_many(struct beliefs *beliefs, struct told *told,
    int64_t dir, uint64_t ticket, int64_t valid_ms, int64_t now_ms);

/* It does not go out after all. */
void beliefs_untell(struct beliefs *beliefs, struct told *told);

/* The kernel has taken in what it was told. True: a name changed meanwhile, so
 * that all have to be taken back (once more). */
bool beliefs_taken_in(struct beliefs *beliefs, struct told *told);

/* A name of dir leads elsewhere now. True: the kernel may believe otherwise.
 * Its caller takes all names back then. */
bool beliefs_change(struct beliefs *beliefs, int64_t dir, int64_t now_ms);

/* The same of any name, in whatever directory. */
bool beliefs_change_all(struct beliefs *beliefs, int64_t now_ms);

#endif
