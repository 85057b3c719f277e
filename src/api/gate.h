/*
 * A gate lets so many through at once, fewer while the server is in trouble,
 * and nobody while it is on hold (a rate limit). Those whom a reader waits for
 * go before those that are sent ahead of need. One is call.c's, one
 * storage.c's. Loop thread only.
 */
#ifndef API_GATE_H
#define API_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "http/http.h"

/* One who wants to pass; lives inside what it stands for. */
struct gate_pass {
	void (*go)(void *ctx); /* set before gate_enter; called once let in */
	void *ctx;
	bool speculative;
	bool urgent; /* goes first */
	enum { PASS_OUT, PASS_WAITING, PASS_IN } state;
	TAILQ_ENTRY(gate_pass) link;
};

TAILQ_HEAD(gate_queue, gate_pass);

/* Its fields are gate.c's own. */
struct gate {
	struct http *http;
	unsigned limit;
	unsigned allowed; /* at once, as things are: 1 to limit */
	unsigned inside;
	unsigned older; /* of those inside: since before it was last narrowed */
	unsigned well;	/* in a row, since it was last changed */
	int64_t hold_until_ms; /* http_now; 0: not on hold */
	struct http_timer *hold_timer;
	struct gate_queue waiting;
	struct gate_queue waiting_speculative;
	bool letting_in; /* further down on the stack */
};

/* Open for limit at once; http is borrowed. gate_done is owed. */
void gate_init(struct gate *gate, struct http *http, unsigned limit);

/* Nobody is inside or waits any more. */
void gate_done(struct gate *gate);

/* Ask for passage: pass->go is called, now or later; never from within another
 * one's. */
void gate_enter(struct gate *gate, struct gate_pass *pass);

/* Give the place back, or stop waiting for one. Harmless when out. */
void gate_leave(struct gate *gate, struct gate_pass *pass);

/* The server has too much to do, said one who is inside: let half as many in
 * from now on. Those who were inside already say nothing new with the same. */
void gate_narrow(struct gate *gate);

/* It has served one who is inside, and leaves next: as many in a row as are let
 * in at once, and one more is from then on, up to the limit. */
void gate_widen(struct gate *gate);

/* Let nobody in for that long; a longer hold that is on already stays. */
void gate_hold(struct gate *gate, int64_t delay_ms);

#endif
