#include "command/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "command/contact.h"
#include "command/local_server.h"
#include "command/mount.h"
#include "command/own_replica.h"
#include "command/refusal.h"
#include "command/survey.h"
#include "command/token_file.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/config.h"
#include "config/secrets.h"
#include "json/json.h"

struct check {
	const struct options *options;
	struct contact *contact;
	struct survey *survey;
	char **found; /* tables that only the replica names; NULL ends */
	/* What a full backup takes. */
	int64_t requests;
	int64_t downloads;
	double bytes;
	bool at_least;	   /* a server did not tell all of it */
	unsigned problems; /* that would make it fail */
};

/* ---- words ---- */

/* What a server says, for a terminal: its words, its code and the status. */
static void print_reason(const struct api_error *error)
{
	char text[400], code[200];
	if (!error->status) {
		printf("%s", strerror(-error->err));
		return;
	}
	log_make_safe(refusal_words(error), text, sizeof(text));
	log_make_safe(error->code, code, sizeof(code));
	if (error->message[0] && error->code[0])
		printf("%s (%s, %d)", text, code, error->status);
	else
		printf("%s (%d)", text, error->status);
}

static void print_bytes(double bytes)
{
	static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
	size_t i = 0;
	for (; bytes >= 1000 && i + 1 < ARRAY_SIZE(units); i++)
		bytes /= 1000;
	printf(i ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}

/* "one file", or "files": an s more. */
static void print_count(int64_t count, const char *one)
{
	printf("%" PRId64 " %s%s", count, one, count == 1 ? "" : "s");
}

static int64_t count_of(const struct survey_listing *listing)
{
	return listing->total >= 0 ? listing->total : listing->seen;
}

static void print_items(const struct survey_listing *listing, const char *one)
{
	if (listing->total < 0 && listing->more)
		printf("at least ");
	print_count(count_of(listing), one);
}

/* ---- who ---- */

static void print_member(const char *text, struct json_span member)
{
	char line[300];
	CLEANUP_BUF struct buf value;
	buf_init(&value, 256);
	if (json_string_decode(member, &value) < 0 || !value.len)
		return;
	log_make_safe(buf_str(&value), line, sizeof(line));
	printf("%s%s", text, line);
}

static int tell_account(struct check *check)
{
	static const char *const names[] = {"email", "name", "id", "role"};
	struct json_span members[ARRAY_SIZE(names)];
	struct api_error error;
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, BUF_MAX_DEFAULT);
	int number = survey_me(check->survey, &text, &error);
	if (number)
		return number;
	check->requests++; /* the sign-in's; this one is not a backup's */
	if (error.err || json_members(buf_str(&text), text.len, names,
			     ARRAY_SIZE(names), members) < 0) {
		printf("account:  signed in; the server does not say as whom:"
		       " ");
		print_reason(&error);
		printf("\n");
		return 0;
	}
	print_member("account:  ", members[0].text   ? members[0]
				   : members[1].text ? members[1]
						     : members[2]);
	print_member(", role ", members[3]);
	printf("\n");
	return 0;
}

static int tell_who(struct check *check)
{
	const struct options *options = check->options;
	if (options->directory) {
		printf("directory: %s\n", options->directory);
		return 0;
	}
	printf("server:   %s\n", options->url);
	if (options->email || options->refresh_token ||
	    options->refresh_token_command)
		return tell_account(check);
	printf(strncmp(options->key, "sk_", 3) == 0
		   ? "account:  none: a secret key, which sees all that its"
		     " scopes allow\n"
		   : "account:  none: a guest, by the publishable key\n");
	return 0;
}

/* ---- tables ---- */

static void count_listing(
    struct check *check, const struct survey_listing *listing)
{
	int64_t count = count_of(listing);
	int64_t pages = (count + listing->limit - 1) / listing->limit;
	check->requests += pages ? pages : 1;
	if (listing->seen)
		check->bytes += (double)listing->bytes / (double)listing->seen *
				(double)count;
	if (listing->total < 0 && listing->more)
		check->at_least = true;
}

static void explain_refused(
    struct check *check, const struct survey_listing *listing)
{
	const struct api_error *error = &listing->error;
	check->problems++;
	if (error->err == -ENOENT)
		printf("is not there: take it out of the setting tables\n");
	else if (error->err == -EACCES) {
		printf("may not be listed: ");
		print_reason(error);
		printf("; single records may be readable by their names\n");
	} else {
		printf("fails: ");
		print_reason(error);
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
	if (error.err) {
		printf("; no .spec.json");
		/* None was saved. */
		if (!check->options->directory) {
			printf(": ");
			print_reason(&error);
		}
	} else {
		tell_rules(buf_str(&text), text.len);
	}
	printf("\n");
	return 0;
}

static int tell_table(struct check *check, const char *table, bool is_named)
{
	struct survey_listing listing;
	int number = survey_list(check->survey, table, &listing);
	int refused = listing.error.err;
	if (!number && (is_named || refused != -ENOENT)) {
		printf("  %-20s ", table);
		if (refused)
			explain_refused(check, &listing);
		else
			print_items(&listing, "record");
	}
	if (!number && !refused) {
		count_listing(check, &listing);
		check->requests++; /* its spec */
		printf(check->options->directory ? ""
		       : is_named		 ? ", named"
				  : ", found by use: not named in the settings,"
				    " so a backup elsewhere would miss it");
		number = tell_spec(check, table);
	}
	survey_listing_done(&listing);
	return number;
}

static int tell_tables(struct check *check)
{
	char **named = check->options->tables, **found = check->found;
	int number = 0;
	bool none = !named[0] && !(found && found[0]);
	printf("tables:%s\n", !none			  ? ""
			      : check->options->directory ? "   none"
							  : "   none is known");
	for (size_t i = 0; !number && named[i]; i++)
		number = tell_table(check, named[i], true);
	for (size_t i = 0; !number && found && found[i]; i++)
		number = tell_table(check, found[i], false);
	if (none && !check->options->directory)
		check->problems++;
	return number;
}

/* ---- files ---- */

static int tell_download(struct check *check, const struct buf *id)
{
	struct api_error error;
	int number = survey_download(check->survey, id, &error);
	if (number || !error.err)
		return number;
	printf("          they may be listed, but not downloaded: ");
	print_reason(&error);
	printf("\n");
	check->problems++;
	return 0;
}

static int tell_listed_files(
    struct check *check, const struct survey_listing *listing)
{
	int64_t count = count_of(listing);
	double bytes = listing->seen ? (double)listing->claimed /
					   (double)listing->seen * (double)count
				     : 0;
	print_items(listing, "file");
	printf(", %s", listing->more ? "about " : "");
	print_bytes(bytes);
	printf("\n");
	count_listing(check, listing);
	check->requests += count; /* where to download each from */
	check->downloads += count;
	check->bytes += bytes;
	return listing->first.len ? tell_download(check, &listing->first) : 0;
}

static int tell_files(struct check *check)
{
	struct survey_listing listing;
	int number = survey_list(check->survey, NULL, &listing);
	if (!number)
		printf("files:    ");
	if (!number && listing.error.err) {
		printf("may not be listed: ");
		print_reason(&listing.error);
		printf("\n");
		check->problems++;
	} else if (!number) {
		number = tell_listed_files(check, &listing);
	}
	survey_listing_done(&listing);
	return number;
}

/* ---- all of it ---- */

static void tell_cost(struct check *check)
{
	struct api_counters counters;
	api_counters(contact_api(check->contact), &counters);
	if (counters.quota_left >= 0)
		printf("quota:    %" PRId64 " more requests before the server"
		       " wants a pause\n",
		    counters.quota_left);
	printf("backup:   %s ", check->at_least ? "at least" : "about");
	print_count(check->requests, "request");
	printf(" and ");
	print_count(check->downloads, "download");
	printf(", ");
	print_bytes(check->bytes);
	printf("\n%s\n", check->problems
			     ? "A full backup would fail, or miss something:"
			       " see above."
			     : "A full backup would succeed.");
}

static int report(struct check *check)
{
	int number = tell_who(check);
	if (!number)
		number = tell_tables(check);
	if (!number)
		number = tell_files(check);
	if (number)
		return signals_complain(number);
	tell_cost(check);
	return check->problems ? EXIT_COULD_NOT : 0;
}

static void done(struct check *check)
{
	contact_stop(check->contact);
	survey_free(check->survey);
	contact_free(check->contact);
	own_replica_tables_free(check->found);
}

static int run(const struct options *options)
{
	struct check check = {.options = options};
	signals_block();
	int status =
	    options->directory ? 0 : own_replica_tables(options, &check.found);
	if (!status)
		status = contact_open(options, &check.contact);
	if (!status)
		status = contact_begin(check.contact);
	if (!status)
		status = contact_end(check.contact);
	if (!status && !(check.survey = survey_new(check.contact)))
		status = failed_for_memory();
	if (!status)
		status = report(&check);
	done(&check);
	return status;
}

/* A directory has a server of our own. */
static int run_local(struct options *options)
{
	struct local_server *server = NULL;
	int status = local_server_start(options, &server);
	if (!status)
		status = account_complete(options);
	if (!status)
		status = run(options);
	local_server_end(server);
	return status;
}

int check_project(const struct arguments *arguments)
{
	struct options options;
	int status = config_read(arguments, &options);
	if (!status && options.offline)
		status = complain("--check asks the server: not with offline");
	if (!status && !options.directory)
		status = account_complete(&options);
	if (!status && !options.directory)
		status = token_file_prepare(&options);
	secrets_forget();
	/* What fails is in the report. */
	if (!options.log_path)
		options.log_level = LOG_LEVEL_ERROR;
	if (!status)
		status = mount_open_log(&options);
	if (!status)
		status =
		    options.directory ? run_local(&options) : run(&options);
	options_done(&options);
	return status;
}
