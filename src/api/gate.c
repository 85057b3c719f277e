#include "api/gate.h"

void gate_init(struct gate *gate, struct http *http, unsigned limit)
{
	*gate = (struct gate){.http = http, .limit = limit, .allowed = limit};
	TAILQ_INIT(&gate->waiting);
	TAILQ_INIT(&gate->waiting_speculative);
}

void gate_done(struct gate *gate)
{
	http_timer_stop(gate->http, gate->hold_timer);
	gate->hold_timer = NULL;
}

static struct gate_queue *queue_of(struct gate *gate, struct gate_pass *pass)
{
	return pass->speculative ? &gate->waiting_speculative : &gate->waiting;
}

/* Who is let in may leave again at once, and let the next one in: that is left
 * to the one who is at it, or the stack would grow with the queue. */
static void let_in(struct gate *gate)
{
	if (gate->letting_in)
		return;
	gate->letting_in = true;
	while (!gate->hold_until_ms && gate->inside < gate->allowed) {
		struct gate_pass *pass = TAILQ_FIRST(&gate->waiting);
		if (!pass)
			pass = TAILQ_FIRST(&gate->waiting_speculative);
		if (!pass)
			break;
		TAILQ_REMOVE(queue_of(gate, pass), pass, link);
		pass->state = PASS_IN;
		gate->inside++;
		pass->go(pass->ctx);
	}
	gate->letting_in = false;
}

static void on_hold_over(void *ctx)
{
	struct gate *gate = ctx;
	gate->hold_timer = NULL;
	gate->hold_until_ms = 0;
	let_in(gate);
}

void gate_enter(struct gate *gate, struct gate_pass *pass)
{
	pass->state = PASS_WAITING;
	if (pass->urgent)
		TAILQ_INSERT_HEAD(queue_of(gate, pass), pass, link);
	else
		TAILQ_INSERT_TAIL(queue_of(gate, pass), pass, link);
	let_in(gate);
}

void gate_leave(struct gate *gate, struct gate_pass *pass)
{
	if (pass->state == PASS_WAITING) {
		TAILQ_REMOVE(queue_of(gate, pass), pass, link);
		pass->state = PASS_OUT;
	} else if (pass->state == PASS_IN) {
		pass->state = PASS_OUT;
		gate->inside--;
		if (gate->older > gate->inside)
			gate->older = gate->inside;
		let_in(gate);
	}
}

void gate_narrow(struct gate *gate)
{
	gate->well = 0;
	if (gate->older)
		return;
	gate->allowed = gate->allowed > 1 ? gate->allowed / 2 : 1;
	gate->older = gate->inside;
}

void gate_widen(struct gate *gate)
{
	if (gate->allowed == gate->limit || ++gate->well < gate->allowed)
		return;
	gate->well = 0;
	gate->allowed++;
}

void gate_hold(struct gate *gate, int64_t delay_ms)
{
	int64_t until = http_now(gate->http) + delay_ms;
	if (until <= gate->hold_until_ms)
		return;
	http_timer_stop(gate->http, gate->hold_timer);
	gate->hold_until_ms = until;
	gate->hold_timer =
	    http_timer_start(gate->http, delay_ms, on_hold_over, gate);
	if (!gate->hold_timer)
		gate->hold_until_ms = 0;
}
