/* One run: a plan, carried out from begin to end. */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include <stdbool.h>

#include "plan.h"

/* Whether nothing was found (else trace.h tells what). told: in words, on
 * standard output. */
bool run_plan(const struct plan *plan, bool told);

/* Steps that were carried out, and requests answered, in all runs. */
extern uint64_t run_steps;
extern uint64_t run_answers;

/* Nothing is left behind. */
void run_clean_up(void);

#endif
