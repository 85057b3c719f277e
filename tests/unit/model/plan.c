#include "plan.h"

#include <string.h>

#include "../random.h"

static const char *const trait_names[] = {
#define X(name, values) #name,
    TRAITS(X)
#undef X
};

static const char *const trait_values[] = {
#define X(name, values) values,
    TRAITS(X)
#undef X
};

static const char *const step_names[] = {
#define X(name, weight, text) #name,
    STEPS(X)
#undef X
};

static const unsigned step_weights[] = {
#define X(name, weight, text) weight,
    STEPS(X)
#undef X
};

static const struct plan *under_way;

unsigned trait(enum trait which)
{
	return under_way->traits[which];
}

void plan_begin(const struct plan *plan)
{
	under_way = plan;
}

const char *step_name(enum step_kind kind)
{
	return step_names[kind];
}

static unsigned value_count(enum trait trait)
{
	unsigned count = 1;
	for (const char *at = trait_values[trait]; *at; at++)
		count += *at == '|';
	return count;
}

const char *trait_value(const struct plan *plan, enum trait trait)
{
	static char text[64];
	const char *at = trait_values[trait];
	for (unsigned i = 0; i < plan->traits[trait]; i++)
		at = strchr(at, '|') + 1;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "|"), at);
	return text;
}

void plan_print_traits(const struct plan *plan, FILE *out)
{
	for (enum trait t = 0; t < TRAIT_COUNT; t++) {
		if (plan->traits[t])
			fprintf(out, " %s=\"%s\"", trait_names[t],
			    trait_value(plan, t));
	}
}

bool plan_is_honest(const struct plan *plan)
{
	const unsigned *traits = plan->traits;
	return traits[TRAIT_total] <= 1 && !traits[TRAIT_double_record] &&
	       !traits[TRAIT_empty_page] && traits[TRAIT_ids] != 4 &&
	       /* Where nothing tells that there is more, nobody can know. */
	       !(traits[TRAIT_total] && traits[TRAIT_has_next] &&
		   traits[TRAIT_page_count]);
}

/* ---- what may be chosen ---- */

static bool steps_limited;
static bool step_allowed[STEP_COUNT];
static bool plain_only;
static unsigned set_traits[TRAIT_COUNT]; /* 1 + the value; 0: not set */

bool plan_only_steps(const char *names)
{
	steps_limited = true;
	while (*names) {
		size_t len = strcspn(names, ",");
		enum step_kind k = 0;
		while (
		    k < STEP_COUNT && (strlen(step_names[k]) != len ||
					  strncmp(step_names[k], names, len)))
			k++;
		if (k == STEP_COUNT)
			return false;
		step_allowed[k] = true;
		names += len + (names[len] == ',');
	}
	return true;
}

static bool set_value(enum trait trait, const char *value)
{
	struct plan plan = {0};
	for (; plan.traits[trait] < value_count(trait); plan.traits[trait]++) {
		if (strcmp(trait_value(&plan, trait), value) == 0) {
			set_traits[trait] = 1 + plan.traits[trait];
			return true;
		}
	}
	return false;
}

bool plan_set_trait(const char *setting)
{
	size_t len = strcspn(setting, "=");
	for (enum trait t = 0; setting[len] && t < TRAIT_COUNT; t++) {
		if (strlen(trait_names[t]) == len &&
		    strncmp(trait_names[t], setting, len) == 0)
			return set_value(t, setting + len + 1);
	}
	return false;
}

void plan_only_plain(void)
{
	plain_only = true;
}

static void heed_settings(struct plan *plan)
{
	for (enum trait t = 0; t < TRAIT_COUNT; t++) {
		if (set_traits[t])
			plan->traits[t] = set_traits[t] - 1;
		else if (plain_only && t != TRAIT_records && t != TRAIT_ttl)
			plan->traits[t] = 0;
	}
}

/* A few traits a run, so that each is also seen without most of the others. */
static void choose_traits(struct plan *plan, uint64_t *random)
{
	size_t odds = 2 + random_below(random, 12);
	uint64_t late = *random;
	for (enum trait t = 0; t < TRAIT_COUNT; t++) {
		uint64_t *from = t < TRAIT_FIRST_LATE ? random : &late;
		bool plain = random_below(from, odds) != 0;
		unsigned value = (unsigned)random_below(from, value_count(t));
		plan->traits[t] = plain ? 0 : value;
	}
	/* How many there are, how long they are believed and in what order they
	 * come matters always. */
	plan->traits[TRAIT_records] = (unsigned)random_below(random, 5);
	plan->traits[TRAIT_ttl] = (unsigned)random_below(random, 3);
	if (random_below(random, 2))
		plan->traits[TRAIT_ids] = (unsigned)random_below(random, 3);
	/* An empty page that nothing contradicts is the last one. */
	if (plan->traits[TRAIT_empty_page])
		plan->traits[TRAIT_has_next] = 0;
	/* So is a full one where a total is all that tells of more, and it is
	 * always too low by the same: no answer contradicts it. */
	if (plan->traits[TRAIT_total] == TOTAL_TOO_LOW &&
	    plan->traits[TRAIT_page_count])
		plan->traits[TRAIT_has_next] = 0;
	/* What equal names of stored files become is tested elsewhere. */
	if (plan->traits[TRAIT_source] == 2 && plan->traits[TRAIT_ids] == 4)
		plan->traits[TRAIT_ids] = 3;
	heed_settings(plan);
	if (plan->traits[TRAIT_forms])
		plan->traits[TRAIT_dates] = 0;
	/*
	 * Changes of one date, or dated back a little, are told from no change
	 * by the answers' clock alone; where that is wrong, nobody can.
	 */
	if (plan->traits[TRAIT_clock_told])
		plan->traits[TRAIT_close_dates] = 0;
}

/* Some kinds of steps are left out of a run, some come more often. */
static unsigned choose_weights(unsigned weights[STEP_COUNT], uint64_t *random)
{
	static const unsigned factors[] = {0, 0, 1, 1, 2, 4};
	unsigned sum = 0;
	for (enum step_kind k = 0; k < STEP_COUNT; k++) {
		bool always = k == STEP_ANSWER || k == STEP_READ;
		unsigned factor = factors[random_below(random, 6)];
		weights[k] = step_weights[k] * (always ? 1 : factor);
		if (k == STEP_OPEN || k == STEP_LIST_BUSY)
			weights[k] += 2;
		if (steps_limited && !step_allowed[k] && k > STEP_ANSWER_ALL)
			weights[k] = 0;
		sum += weights[k];
	}
	return sum;
}

void plan_make(struct plan *plan, uint64_t seed)
{
	uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	unsigned weights[STEP_COUNT];
	for (int i = 0; i < 8; i++)
		random_below(&random, 2);
	plan->seed = seed;
	choose_traits(plan, &random);
	unsigned sum = choose_weights(weights, &random);
	plan->count = 20 + random_below(&random, PLAN_STEPS_MAX - 20);
	if (random_below(&random, 2))
		plan->count = 20 + random_below(&random, 100);
	for (size_t i = 0; i < plan->count; i++) {
		size_t at = random_below(&random, sum);
		struct step *step = &plan->steps[i];
		step->kind = 0;
		while (at >= weights[step->kind])
			at -= weights[step->kind++];
		step->a = (uint32_t)random_below(&random, 1U << 30);
		step->b = (uint32_t)random_below(&random, 1U << 30);
		step->c = (uint32_t)random_below(&random, 1U << 30);
	}
}
