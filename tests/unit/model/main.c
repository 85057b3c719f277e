/*
 * model-lister: the whole lister (sync over a replica) against a plain model of
 * what may be told, with a server and users that do whatever they can think of.
 *
 *   model-lister [--seed N] [--runs N] [--seconds S] [--findings N]
 *                [--without KIND]... [--allow WHAT]... [--steps KINDS]
 *                [--trait NAME=VALUE]... [--plain] [--keep-going] [--verbose]
 *
 * A run is made from its seed: traits of the server and a list of steps (see
 * plan.h). The runs are numbered on from the seed. When a property does not
 * hold, the run is made as short as it gets, and told in words; `--seed N
 * --runs 1` repeats it. --without leaves a property out (its kind stands in
 * brackets). --allow takes a promise back: "remount" lets a new mount believe
 * what an old one knew for the rest of ttl, "join" lets one who comes while
 * others still read or wait be told what they are told. --steps, --trait and
 * --plain narrow down what a run may be made of (see plan.h). --keep-going:
 * after a finding too, with a table of all at the end.
 *
 * world.c is what the server held and when, server.c how it answers, client.c
 * who asks, mount.c the mount and its accidents, check.c the properties, run.c
 * the course of a run. All clocks are the transport's, all is on one thread;
 * another thread of the mount is played by running the loop within a call,
 * wherever that takes a lock.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "mount.h"
#include "plan.h"
#include "run.h"
#include "trace.h"

/* A run that takes longer hangs. */
#define RUN_SECONDS 60

/* Shorter ones are tried for so long. */
#define SHRINK_SECONDS 6

struct settings {
	uint64_t seed;
	uint64_t runs;
	double seconds;
	uint64_t findings;
	bool verbose;
	bool keep_going;
};

/* What was found, by kind and by what is left of the shortest run. */
struct sort {
	char name[300];
	uint64_t count;
	uint64_t seed;
	uint64_t run;
	uint64_t steps;
};

static struct sort sorts[400];
static size_t sort_count;
static volatile uint64_t seed_now;

static double seconds_now(void)
{
	struct timeval now;
	gettimeofday(&now, NULL);
	return (double)now.tv_sec + (double)now.tv_usec / 1e6;
}

/* ---- making a run shorter ---- */

static double shrink_until;

static bool still_finds(const struct plan *plan, const char *kind)
{
	if (seconds_now() > shrink_until)
		return false;
	return !run_plan(plan, false) && strcmp(finding_kind(), kind) == 0;
}

/* Leave out as many steps as can be, large parts first. */
static void drop_steps(struct plan *plan, const char *kind)
{
	for (size_t part = plan->count; part > 0; part /= 2) {
		for (size_t at = 0; at < plan->count;) {
			struct plan less = *plan;
			size_t n =
			    part < plan->count - at ? part : plan->count - at;
			memmove(&less.steps[at], &less.steps[at + n],
			    (plan->count - at - n) * sizeof(less.steps[0]));
			less.count -= n;
			if (still_finds(&less, kind))
				*plan = less;
			else
				at += n;
		}
	}
}

static void make_plain(struct plan *plan, const char *kind)
{
	for (enum trait t = 0; t < TRAIT_COUNT; t++) {
		struct plan plainer = *plan;
		plainer.traits[t] = 0;
		if (plan->traits[t] && still_finds(&plainer, kind))
			*plan = plainer;
	}
}

/* The choices of steps: smaller numbers are easier to follow. */
static void simplify_steps(struct plan *plan, const char *kind)
{
	for (size_t i = 0; i < plan->count; i++) {
		for (int which = 0; which < 3; which++) {
			struct plan simpler = *plan;
			struct step *step = &simpler.steps[i];
			uint32_t *choice = which == 0	? &step->a
					   : which == 1 ? &step->b
							: &step->c;
			if (*choice == 0)
				continue;
			*choice = 0;
			if (still_finds(&simpler, kind))
				*plan = simpler;
		}
	}
}

/* A plainer step does as well, perhaps. */
static void replace_steps(struct plan *plan, const char *kind)
{
	static const enum step_kind plainer[STEP_COUNT] = {
	    [STEP_LIST_BUSY] = STEP_LIST,
	    [STEP_LOOK_UP_NOW] = STEP_LOOK_UP,
	    [STEP_OLD_REPLICA] = STEP_KILL,
	    [STEP_KILL] = STEP_REMOUNT,
	    [STEP_SUSPEND] = STEP_PASS_TIME,
	    [STEP_BURST] = STEP_CHANGE,
	    [STEP_SWAP] = STEP_DELETE,
	};
	for (size_t i = 0; i < plan->count; i++) {
		struct plan other = *plan;
		other.steps[i].kind = plainer[plan->steps[i].kind];
		/* Zero is a request's answer: not plainer, but something else.
		 */
		if (other.steps[i].kind && still_finds(&other, kind))
			*plan = other;
	}
}

static void shrink(struct plan *plan, const char *kind)
{
	size_t before;
	shrink_until = seconds_now() + SHRINK_SECONDS;
	do {
		before = plan->count;
		drop_steps(plan, kind);
		make_plain(plan, kind);
	} while (plan->count < before);
	replace_steps(plan, kind);
	simplify_steps(plan, kind);
	drop_steps(plan, kind);
}

/* ---- telling ---- */

/* Kind, traits, and what else than answers is in it. */
static void describe(
    const struct plan *plan, const char *kind, char *out, size_t size)
{
	FILE *text = fmemopen(out, size, "w");
	bool has[STEP_COUNT] = {false};
	if (!text)
		return;
	fprintf(text, "[%s]", kind);
	plan_print_traits(plan, text);
	for (size_t i = 0; i < plan->count; i++)
		has[plan->steps[i].kind] = true;
	fprintf(text, ":");
	for (enum step_kind k = 0; k < STEP_COUNT; k++) {
		if (has[k] && k != STEP_ANSWER && k != STEP_ANSWER_ALL)
			fprintf(text, " %s", step_name(k));
	}
	fclose(text);
	out[size - 1] = '\0';
}

static bool note_sort(const char *name, uint64_t seed, uint64_t run)
{
	for (size_t i = 0; i < sort_count; i++) {
		if (strcmp(sorts[i].name, name) == 0) {
			sorts[i].count++;
			return false;
		}
	}
	if (sort_count == sizeof(sorts) / sizeof(sorts[0]))
		return false;
	struct sort *sort = &sorts[sort_count++];
	*sort = (struct sort){
	    .count = 1, .seed = seed, .run = run, .steps = run_steps};
	snprintf(sort->name, sizeof(sort->name), "%s", name);
	return true;
}

static void tell(
    const struct settings *settings, struct plan *plan, uint64_t run)
{
	char kind[32], name[300];
	snprintf(kind, sizeof(kind), "%s", finding_kind());
	printf(
	    "\nseed %" PRIu64 ": [%s] %s\n", plan->seed, kind, finding_text());
	uint64_t steps = run_steps;
	shrink(plan, kind);
	run_steps = steps;
	describe(plan, kind, name, sizeof(name));
	printf("after %" PRIu64 " runs, %" PRIu64 " steps; %zu steps do:\n%s\n",
	    run + 1, steps, plan->count, name);
	bool is_new = note_sort(name, plan->seed, run);
	if (is_new || !settings->keep_going)
		run_plan(plan, true);
	fflush(stdout);
}

static int by_count(const void *a, const void *b)
{
	const struct sort *x = a, *y = b;
	return x->count > y->count ? -1 : x->count < y->count;
}

static void tell_all(void)
{
	qsort(sorts, sort_count, sizeof(sorts[0]), by_count);
	printf("\n times   seed    run   steps  what\n");
	for (size_t i = 0; i < sort_count; i++)
		printf("%6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %7" PRIu64
		       "  %s\n",
		    sorts[i].count, sorts[i].seed, sorts[i].run + 1,
		    sorts[i].steps, sorts[i].name);
}

/* ---- running ---- */

static void on_crash(int number)
{
	char line[80];
	int n = snprintf(line, sizeof(line), "\nseed %" PRIu64 ": %s\n",
	    seed_now,
	    number == SIGALRM || number == SIGPROF ? "[hangs]" : "[crashes]");
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		_exit(3);
	signal(number, SIG_DFL);
	raise(number);
}

/* Of the processor's time, which a machine full of others gives slowly; one
 * that waits for nothing at all takes none. */
static void begin_watch(unsigned seconds)
{
	struct itimerval busy = {.it_value = {.tv_sec = seconds}};
	setitimer(ITIMER_PROF, &busy, NULL);
	alarm(20 * seconds);
}

static bool parse(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
	    {"seed", required_argument, NULL, 's'},
	    {"runs", required_argument, NULL, 'r'},
	    {"seconds", required_argument, NULL, 't'},
	    {"findings", required_argument, NULL, 'f'},
	    {"without", required_argument, NULL, 'w'},
	    {"allow", required_argument, NULL, 'a'},
	    {"steps", required_argument, NULL, 'S'},
	    {"trait", required_argument, NULL, 'T'},
	    {"plain", no_argument, NULL, 'P'},
	    {"keep-going", no_argument, NULL, 'k'},
	    {"verbose", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	int c;
	*settings = (struct settings){
	    .seed = 1, .runs = UINT64_MAX, .findings = UINT64_MAX};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			settings->seed = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			settings->runs = strtoull(optarg, NULL, 10);
			break;
		case 't':
			settings->seconds = strtod(optarg, NULL);
			break;
		case 'f':
			settings->findings = strtoull(optarg, NULL, 10);
			settings->keep_going = true;
			break;
		case 'w':
			finding_leave_out(optarg);
			break;
		case 'a':
			if (strcmp(optarg, "remount") == 0)
				mount_allows.remount = true;
			else if (strcmp(optarg, "join") == 0)
				mount_allows.join = true;
			else
				return false;
			break;
		case 'S':
			if (!plan_only_steps(optarg))
				return false;
			break;
		case 'T':
			if (!plan_set_trait(optarg))
				return false;
			break;
		case 'P':
			plan_only_plain();
			break;
		case 'k':
			settings->keep_going = true;
			break;
		case 'v':
			settings->verbose = true;
			break;
		default:
			return false;
		}
	}
	if (!settings->seconds && settings->runs == UINT64_MAX)
		settings->seconds = 15;
	return optind == argc;
}

static uint64_t run_all(const struct settings *settings)
{
	static struct plan plan;
	uint64_t found = 0, run = 0;
	double begin = seconds_now();
	for (; run < settings->runs; run++) {
		if (settings->seconds &&
		    seconds_now() - begin > settings->seconds)
			break;
		seed_now = settings->seed + run;
		begin_watch(RUN_SECONDS);
		plan_make(&plan, seed_now);
		if (run_plan(&plan, settings->verbose))
			continue;
		begin_watch(20 * RUN_SECONDS);
		tell(settings, &plan, run);
		found++;
		if (!settings->keep_going || found >= settings->findings)
			break;
	}
	printf("%" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64
	       " answers, %" PRIu64 " findings, %.1f s\n",
	    run, run_steps, run_answers, found, seconds_now() - begin);
	return found;
}

int main(int argc, char **argv)
{
	struct settings settings;
	if (!parse(argc, argv, &settings)) {
		fprintf(stderr, "usage: see the head of main.c\n");
		return 2;
	}
	log_set_level(LOG_LEVEL_ERROR);
	if (!settings.verbose)
		log_open_file("/dev/null");
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	signal(SIGALRM, on_crash);
	signal(SIGPROF, on_crash);
	uint64_t found = run_all(&settings);
	if (settings.keep_going)
		tell_all();
	run_clean_up();
	return found ? 1 : 0;
}
