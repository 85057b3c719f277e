#include "command/check_tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "command/check_words.h"
#include "command/own_mcp.h"
#include "json/json.h"

/* ---- one table ---- */

static void explain_refused(
    struct check *check, const struct survey_listing *listing)
{
	const struct api_error *error = &listing->error;
	check->problems++;
	if (error->err == -ENOENT)
		printf("is not there: take it out of the setting tables\n");
	else if (error->err == -EACCES) {
		printf("may not be listed: ");
		check_print_reason(error);
		printf("; single records may be readable by their names\n");
	} else {
		printf("fails: ");
		check_print_reason(error);
		printf("\n");
	}
}

static bool is_empty(struct json_span value)
{
	static const char *const empty[] = {"", "{}", "[]", "null", "false"};
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		if (value.len == strlen(empty[i]) &&
		    (!value.len ||
			memcmp(value.text, empty[i], value.len) == 0))
			return true;
	}
	return false;
}

/* Rules that leave something out without a word. */
static void tell_rules(const char *text, size_t len)
{
	static const char *const names[] = {
	    "permissions", "rowFilters", "columnPermissions"};
	struct json_span outer[3] = {0}, inner[3] = {0};
	if (json_members(text, len, names, 3, outer) < 0)
		return;
	if (json_is_object(outer[0]))
		json_members(outer[0].text, outer[0].len, names, 3, inner);
	if (!is_empty(outer[1]) || !is_empty(inner[1]))
		printf("; its row filters may hide records from this listing");
	if (!is_empty(outer[2]) || !is_empty(inner[2]))
		printf("; its column permissions may leave fields out");
}

static int tell_spec(struct check *check, const char *table)
{
	struct api_error error;
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int number = survey_spec(check->survey, table, &text, &error);
	if (number)
		return number;
	if (error.err && error.err != -ENOENT) {
		check->problems++;
		printf("; .spec.json fails: ");
		check_print_reason(&error);
	} else if (error.err) {
		printf("; no .spec.json");
		/* None was saved. */
		if (!check->options->directory) {
			printf(": ");
			check_print_reason(&error);
		}
	} else {
		tell_rules(buf_str(&text), text.len);
	}
	printf("\n");
	return 0;
}

/* How a table became known. */
enum origin { NAMED, TOLD, FOUND };

static const char *const origins[] = {
    [NAMED] = ", named",
    [TOLD] = ", mcp: not named in the settings, so a backup without this login"
	     " would miss it",
    [FOUND] = ", found by use: not named in the settings, so a backup elsewhere"
	      " would miss it",
};

/* What may not be listed: a mount does not show it unless it is named, and does
 * not miss it either. */
static void tell_refused(struct check *check,
    const struct survey_listing *listing, enum origin origin)
{
	unsigned problems = check->problems;
	explain_refused(check, listing);
	if (origin == TOLD && listing->error.err == -EACCES)
		check->problems = problems;
}

/* *ret_err: how it ended; 0: it is there. */
static int tell_table(
    struct check *check, const char *table, enum origin origin, int *ret_err)
{
	struct survey_listing listing;
	int number = survey_list(check->survey, table, &listing);
	int refused = *ret_err = listing.error.err;
	check->is_api |= refused != -ENOENT;
	if (!number && (origin == NAMED || refused != -ENOENT)) {
		printf("  %-20s ", table);
		if (refused)
			tell_refused(check, &listing, origin);
		else
			check_print_items(&listing, "record");
	}
	if (!number && !refused) {
		check_tell_incomplete(check, &listing);
		check_count_listing(check, &listing);
		check->requests++; /* its spec */
		/* Whoever names a directory names all that it holds. */
		if (!check->options->directory)
			printf("%s", origins[origin]);
		number = tell_spec(check, table);
	}
	survey_listing_done(&listing);
	return number;
}

/* ---- who lists tables ---- */

static void cancel(void *ctx, int number)
{
	struct check *check = ctx;
	check->signal = number;
	mcp_cancel(check->mcp);
}

/* Whoever has logged in is told of tables: which, is found out below. */
static int ask_mcp(struct check *check)
{
	struct mcp_error error;
	char words[400];
	if (check->options->directory)
		return 0;
	if (own_mcp_new(check->options, contact_http(check->contact), NULL,
		&check->mcp) < 0)
		return 0; /* the next one that needs memory says so */
	if (!mcp_has_login(check->mcp))
		return 0;
	signals_watch(contact_signals(check->contact), cancel, check);
	int r = mcp_find_now(check->mcp, &check->told, &error);
	signals_watch(contact_signals(check->contact), NULL, NULL);
	if (r == -ECANCELED)
		return check->signal;
	printf("mcp:      %s", check->options->mcp_url);
	log_make_safe(error.message, words, sizeof(words));
	if (r < 0)
		printf(" does not say which tables there are: %s (%s)\n", words,
		    error.request);
	else
		printf(" tells of %zu names\n", candidates_count(check->told));
	return 0;
}

/* Those that are there, and not named. */
static int tell_told(struct check *check)
{
	struct candidates *told = check->told;
	int number = 0;
	size_t index;
	while (!number && told && candidates_next(told, &index)) {
		const char *table = candidates_name(told, index);
		int err = 0;
		if (!options_name_table(check->options, table))
			number = tell_table(check, table, TOLD, &err);
		if (!err)
			check->tables++;
		candidates_tell(told, index,
		    err == 0	     ? CANDIDATES_THERE
		    : err == -ENOENT ? CANDIDATES_ABSENT
				     : CANDIDATES_UNKNOWN);
	}
	return number;
}

static bool was_told(const struct candidates *told, const char *table)
{
	for (size_t i = 0; told && i < candidates_count(told); i++) {
		if (strcmp(candidates_name(told, i), table) == 0)
			return candidates_is_there(told, i);
	}
	return false;
}

/* ---- all tables ---- */

int check_tables(struct check *check)
{
	char **named = check->options->tables;
	const struct own_table *found = check->found;
	int err, number = ask_mcp(check);
	bool directory = check->options->directory != NULL;
	bool none = !named[0] && !(found && found->name) &&
		    (!check->told || !candidates_count(check->told));
	if (!number)
		printf("tables:%s\n", !none	  ? ""
				      : directory ? "   none"
						  : "   none is known");
	for (size_t i = 0; !number && named[i]; i++, check->tables++)
		number = tell_table(check, named[i], NAMED, &err);
	if (!number)
		number = tell_told(check);
	for (; !number && found && found->name; found++, check->tables++) {
		if (!was_told(check->told, found->name))
			number = tell_table(check, found->name,
			    found->told ? TOLD : FOUND, &err);
	}
	if (!check->tables && !directory)
		check->problems++;
	return number;
}
