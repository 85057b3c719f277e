#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../random.h"
#include "client.h"
#include "clock.h"
#include "lookup.h"
#include "mount.h"
#include "query.h"
#include "record.h"
#include "server.h"
#include "sync/core/position.h"
#include "trace.h"
#include "world.h"

/* What is asked and waited for must come to an end within so many answers. */
#define ANSWERS_MOST 3000

uint64_t run_steps;
uint64_t run_answers;

static const struct plan *plan;

/* ---- the loop ---- */

static void revive(void)
{
	if (!mount_is_dead())
		return;
	trace("mount: again");
	mount_stop(true);
	client_is_cut_off();
	mount_start(false);
}

/* Answers take their time. */
static void answer(struct http_call *call, uint32_t choice)
{
	fake_advance(transport, 1 + choice % 20);
	if (!fake_is_open(call))
		return;
	server_answer(call, choice / 20);
	run_answers++;
}

static struct http_call *open_call(uint32_t which)
{
	size_t count = fake_open_count(transport);
	return count ? fake_open(transport, which % count) : NULL;
}

/* ---- steps ---- */

static void tell_change(const char *what, int record)
{
	if (record < 0)
		return;
	int version = world_current(record);
	if (version < 0)
		trace("server: %s %s", what, world_id(record)->text);
	else
		trace("server: %s %s, v%d", what, world_id(record)->text,
		    version);
}

static void change_world(uint32_t kind, uint32_t choice)
{
	switch (kind % 6) {
	case 0:
		tell_change("inserts", world_insert(choice));
		break;
	case 1:
		tell_change("deletes", world_delete(choice));
		break;
	case 2:
	case 3:
		tell_change("changes", world_change(choice, kind % 6 == 3));
		break;
	case 4:
		tell_change("deletes", world_delete(choice));
		tell_change("inserts", world_insert(choice / 3));
		break;
	default:
		tell_change("hides", world_delete(choice));
		tell_change("shows", world_show(choice / 3));
		break;
	}
}

static void burst(const struct step *step)
{
	uint64_t random = step->a | 1;
	uint32_t kind = step->c % 4 ? 2 : (uint32_t)random_below(&random, 5);
	for (uint32_t i = 0; i < 2 + step->b % 12; i++)
		change_world(kind, (uint32_t)random_below(&random, 100000));
}

/* What the loop's thread does while another one is held up: see mount.h. */
static uint64_t meanwhile;

static void loop_runs(void)
{
	if (!meanwhile)
		return;
	size_t count = random_below(&meanwhile, 4);
	if (random_below(&meanwhile, 3) == 0)
		change_world((uint32_t)random_below(&meanwhile, 6),
		    (uint32_t)random_below(&meanwhile, 1000));
	for (size_t i = 0; i < count; i++) {
		struct http_call *call = open_call(0);
		if (call)
			answer(call, (uint32_t)random_below(&meanwhile, 1000));
	}
}

/* A listing from begin to end, while requests are answered and, perhaps, the
 * world changes. */
static void list(const struct step *step)
{
	uint64_t random = step->a | 1;
	bool busy = step->kind == STEP_LIST_BUSY;
	meanwhile = busy && step->c % 4 == 3 ? step->a : 0;
	struct handle *handle = client_list(meanwhile ? loop_runs : NULL);
	if (!handle)
		return;
	for (int i = 0; i < 300 && client_list_on(handle); i++) {
		struct http_call *call = open_call(
		    step->c % 2 ? (uint32_t)random_below(&random, 16) : 0);
		if (finding_kind() || mount_is_dead())
			return;
		if (busy && random_below(&random, 6) == 0)
			change_world((uint32_t)random_below(&random, 6),
			    (uint32_t)random_below(&random, 100000));
		if (call)
			answer(call, (uint32_t)random_below(&random, 1 << 24));
		else if (!fake_advance_to_timer(transport) &&
			 client_list_waits(handle))
			return;
	}
	client_list_end(handle, false);
}

static int64_t time_span(uint32_t choice)
{
	static const int64_t spans[] = {
	    3, 300, 900, 1100, 5000, 31000, 59000, 61000, 130000};
	return spans[choice % 9];
}

static void set_wall(uint32_t choice)
{
	static const int64_t wrong[] = {0, -500, -3000, 90000, -90000, 3600000,
	    -3600000, 86400000, -86400000};
	int64_t ms = wrong[choice % 9];
	trace("mount: its wall clock is wrong by %lld s", (long long)ms / 1000);
	clock_set_wall(ms);
}

static void remount(bool hard)
{
	mount_stop(hard);
	client_is_cut_off();
	mount_start(false);
}

static void old_replica(void)
{
	mount_stop(true);
	client_is_cut_off();
	if (mount_old_replica())
		trace("mount: with an old replica");
	mount_start(false);
}

/* The server changes, some of a listing sees that, which is left or killed, and
 * the server's database is put back to what it was before. */
static void relapse(const struct step *step)
{
	trace("server: its database is saved");
	world_back_up(step->a);
	change_world(step->a % 5, step->b);
	client_open(false);
	for (uint32_t i = 0; i < 1 + step->b % 6; i++) {
		struct http_call *call = open_call(0);
		if (call)
			answer(call, 20 * 7);
	}
	if (mount_is_dead() || finding_kind())
		return;
	if (step->c % 2) {
		client_interrupt(0);
	} else {
		trace("mount: killed, and again");
		remount(true);
	}
	if (world_put_back(step->a))
		trace("server: its database is put back");
}

/* What is on the disk is all that there is. */
static void list_offline(void)
{
	trace("mount: ends, and again offline");
	mount_stop(true);
	client_is_cut_off();
	mount_start(true);
	struct handle *handle = client_list(NULL);
	while (client_list_on(handle) && !client_list_waits(handle))
		;
	client_list_end(handle, false);
	trace("mount: ends, and again");
	remount(true);
}

static void take_server_step(const struct step *step)
{
	struct http_call *call;
	switch (step->kind) {
	case STEP_ANSWER:
		call = open_call(step->a);
		if (call)
			answer(call, step->b);
		else
			fake_advance_to_timer(transport);
		break;
	case STEP_ANSWER_ALL:
		for (uint32_t i = 0; i < 2 + step->a % 20; i++) {
			if ((call = open_call(0)))
				answer(call, (step->b * (i + 1)) & 0xffffff);
		}
		break;
	case STEP_FREEZE:
		if ((call = open_call(step->a)))
			server_freeze(call);
		break;
	case STEP_INSERT:
		change_world(0, step->a);
		break;
	case STEP_DELETE:
		change_world(1, step->a);
		break;
	case STEP_CHANGE:
		change_world(2 + step->b % 2, step->a);
		break;
	case STEP_SWAP:
		change_world(4, step->a);
		break;
	case STEP_BURST:
		burst(step);
		break;
	case STEP_BACK_UP:
		trace("server: its database is saved");
		world_back_up(step->a);
		break;
	case STEP_PUT_BACK:
		if (world_put_back(step->a))
			trace("server: its database is put back");
		break;
	case STEP_AHEAD:
		tell_change("changes, ahead of its clock,",
		    world_change_ahead(
			step->a, (1 + step->b % 1000) * INT64_C(3600000)));
		break;
	case STEP_SERVER_CLOCK:
		trace("server: its clock steps ahead");
		world_step_clock(1000 + step->a % 3600000);
		break;
	default:
		break;
	}
}

static void take_client_step(const struct step *step)
{
	switch (step->kind) {
	case STEP_OPEN:
		client_open(step->a % 2);
		break;
	case STEP_READ:
		client_read(step->a, 1 + step->b % 6);
		break;
	case STEP_LIST:
	case STEP_LIST_BUSY:
		list(step);
		break;
	case STEP_REWIND:
		client_rewind(step->a);
		break;
	case STEP_CLOSE:
		client_close(step->a);
		break;
	case STEP_LOOK_UP:
		lookup_start(step->a);
		break;
	case STEP_LOOK_UP_NOW:
		meanwhile = step->b;
		lookup_start_now(step->a, loop_runs);
		break;
	case STEP_INTERRUPT:
		client_interrupt(step->a);
		break;
	default:
		break;
	}
}

static void take_mount_step(const struct step *step)
{
	switch (step->kind) {
	case STEP_PASS_TIME:
		trace("%lld ms pass", (long long)time_span(step->a));
		fake_advance(transport, time_span(step->a));
		break;
	case STEP_HANG_UP:
		trace("SIGHUP");
		world_is_asked_anew();
		mount_hang_up();
		break;
	case STEP_REMOUNT:
		trace("mount: ends, and again");
		remount(false);
		break;
	case STEP_KILL:
		if (step->a % 2) {
			mount_die_after(1 + step->b % 24);
			break;
		}
		trace("mount: killed, and again");
		remount(true);
		break;
	case STEP_OFFLINE:
		list_offline();
		break;
	case STEP_SAVE_REPLICA:
		trace("mount: its replica is copied");
		mount_save_replica();
		break;
	case STEP_OLD_REPLICA:
		old_replica();
		break;
	case STEP_RELAPSE:
		relapse(step);
		break;
	case STEP_DISK_FULL:
		mount_disk_full(1 + step->a % 3);
		break;
	case STEP_WALL_CLOCK:
		/* Of the two clocks that there are to go by, one must be
		 * right. */
		if (trait(TRAIT_clock_told) == 0)
			set_wall(step->a);
		break;
	case STEP_SUSPEND:
		trace(
		    "mount: sleeps for %lld ms", (long long)time_span(step->a));
		clock_suspend(time_span(step->a));
		break;
	default:
		break;
	}
}

/* Nothing is under way and no time will end it: it waits for ever. */
static void check_waiting(void)
{
	if (client_waiting() && !fake_open_count(transport) &&
	    !fake_timer_count(transport))
		finding("waits", "%zu operations wait, and nothing is asked",
		    client_waiting());
}

static void take_step(const struct step *step)
{
	take_server_step(step);
	take_client_step(step);
	take_mount_step(step);
	fake_run(transport);
	revive();
	check_waiting();
	run_steps++;
}

/* ---- the end ---- */

/* Answer all. False: there is no end to it. */
static bool answer_all(void)
{
	for (int i = 0; i < ANSWERS_MOST; i++) {
		struct http_call *call = open_call(0);
		if (finding_kind())
			return true;
		if (call)
			answer(call, 20 * 7);
		else if (!client_waiting() || !fake_advance_to_timer(transport))
			return true;
	}
	return false;
}

/* List all. changes: when so many answers have come, the server changes. */
static int list_to_end(const char *when, int change_after, bool exact)
{
	struct handle *handle = client_list(NULL);
	int answers = 0;
	while (client_list_on(handle) && !finding_kind()) {
		struct http_call *call = open_call(0);
		if (call && answers++ == change_after)
			change_world((uint32_t)change_after, 7);
		if (answers > ANSWERS_MOST) {
			finding("endless", "a listing %s has no end", when);
			break;
		}
		if (call)
			answer(call, 20 * 7);
		else if (!fake_advance_to_timer(transport))
			check_waiting();
	}
	return finding_kind() ? 0 : client_list_end(handle, exact);
}

static void list_exactly(const char *when)
{
	int err = list_to_end(when, -1, true);
	if (err)
		finding("refused", "a listing %s fails: %s", when,
		    strerrorname_np(-err));
}

/* Whether all that has changed shows in the newest date and the total, so that
 * a question or two tell that nothing has. Not where the server gives less than
 * a page at once: then the order of the few that come may tell nothing, nor are
 * they all, and what changed since takes several pages. */
static bool is_cheap(void)
{
	const unsigned *traits = plan->traits;
	return !traits[TRAIT_total] && !traits[TRAIT_order] &&
	       !traits[TRAIT_date_filter] && traits[TRAIT_clock_told] <= 1 &&
	       query_largest_page() >= PAGE_LIMIT &&
	       !traits[TRAIT_over_largest] && !traits[TRAIT_forms] &&
	       world_clock_is_right() && clock_wall_is_right() &&
	       record_is_dated(0);
}

/* What costs no more than is needed: nothing has changed for long. */
static void check_cost(void)
{
	trace("later still");
	fake_advance(transport, mount.ttl_ms + 600000);
	list_exactly("that is unchanged");
	trace("and once more");
	fake_advance(transport, mount.ttl_ms + 600000);
	size_t before = server_answered();
	list_exactly("that is unchanged");
	if (is_cheap() && server_answered() - before > 3)
		finding("dear", "%zu requests to see that nothing has changed",
		    server_answered() - before);
}

/* One change in the midst of each of a few listings: not all may fail. */
static void check_slow_changes(void)
{
	int err = 0;
	for (int i = 0; i < 4 && !finding_kind(); i++) {
		trace("a listing, in which something changes");
		fake_advance(transport, mount.ttl_ms + 1000);
		err = list_to_end("that changes slowly", 1 + i, false);
		if (!err)
			return;
	}
	if (!finding_kind())
		finding("refused", "each listing that changes a bit fails: %s",
		    strerrorname_np(-err));
}

/* From now on the server is quiet: all comes right, whatever was before. */
static void settle(void)
{
	trace("the server is quiet from now on");
	server_becomes_quiet();
	mount_disk_full(0);
	mount_die_after(0);
	if (!answer_all())
		finding("endless", "what waits has no end");
	check_waiting();
	if (finding_kind() || !plan_is_honest(plan))
		return;
	client_close_all();
	trace("later");
	fake_advance(transport, mount.ttl_ms + 130000);
	list_exactly("after a while");
	if (finding_kind())
		return;
	trace("SIGHUP");
	world_is_asked_anew();
	mount_hang_up();
	list_exactly("after SIGHUP");
	if (!finding_kind())
		check_cost();
	if (!finding_kind())
		check_slow_changes();
}

bool run_plan(const struct plan *new_plan, bool told)
{
	plan = new_plan;
	clock_reset();
	trace_reset(told);
	plan_begin(plan);
	world_reset();
	server_reset();
	client_reset();
	mount_reset();
	mount_start(false);
	for (size_t i = 0; i < plan->count && !finding_kind(); i++)
		take_step(&plan->steps[i]);
	if (!finding_kind())
		settle();
	mount_stop(true);
	clock_stop();
	return finding_kind() == NULL;
}

void run_clean_up(void)
{
	mount_forget_all();
}
