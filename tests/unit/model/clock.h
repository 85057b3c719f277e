/*
 * The clocks of a run. Time is the transport's and passes only when a step says
 * so; the program's clocks are made from it (clock_gettime is wrapped).
 */
#ifndef MODEL_CLOCK_H
#define MODEL_CLOCK_H

#include <stdint.h>

#include "../fake-http.h"

/* The wall clock, rightly set, when the transport's stands at 0. */
#define CLOCK_WALL_BEGIN_MS INT64_C(1776072600000)

/* The transport. Each mount has one of its own, since none is told to forget
 * its timers. */
extern struct fake *transport;

/* A run begins. */
void clock_reset(void);

/* A mount begins: a transport, on which it is as late as it was. */
void clock_renew_transport(void);

/* A run ends. */
void clock_stop(void);

/* Milliseconds that have really passed, sleep included. */
int64_t clock_true_ms(void);

/* The mount's wall clock is set wrong by so much. */
void clock_set_wall(int64_t wrong_by_ms);

/* The machine sleeps: CLOCK_MONOTONIC stands still. */
void clock_suspend(int64_t ms);

#endif
