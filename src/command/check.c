#include "command/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "command/check_parts.h"
#include "command/check_tables.h"
#include "command/check_words.h"
#include "command/confine.h"
#include "command/contact.h"
#include "command/local_server.h"
#include "command/mount.h"
#include "command/own_replica.h"
#include "command/token_file.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/config.h"
#include "config/secrets.h"
#include "json/json.h"

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
		check_print_reason(&error);
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

/* ---- files ---- */

static int tell_download(struct check *check, const struct buf *id)
{
	struct api_error error;
	int number = survey_download(check->survey, id, &error);
	if (number || !error.err)
		return number;
	printf("          they may be listed, but not downloaded: ");
	check_print_reason(&error);
	printf("\n");
	check->problems++;
	return 0;
}

static int tell_listed_files(
    struct check *check, const struct survey_listing *listing)
{
	int64_t count = check_count_of(listing);
	double bytes = listing->seen ? (double)listing->claimed /
					   (double)listing->seen * (double)count
				     : 0;
	check_print_items(listing, "file");
	printf(", %s", listing->more ? "about " : "");
	check_print_bytes(bytes);
	check_tell_incomplete(check, listing);
	printf("\n");
	check_count_listing(check, listing);
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
		check_print_reason(&listing.error);
		printf("\n");
		/* Each project has files, be it none: an API knows that. */
		if (!check->is_api && listing.error.err == -ENOENT)
			printf("Nothing that was asked for is there: check"
			       " whether the URL is that of a bkend API.\n");
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
	check_print_count(check->requests, "request");
	printf(" and ");
	check_print_count(check->downloads, "download");
	printf(", ");
	check_print_bytes(check->bytes);
	printf("\n%s\n", check->problems
			     ? "A full backup would fail, or miss something:"
			       " see above."
			     : "A full backup would succeed.");
}

static int report(struct check *check)
{
	int number = tell_who(check);
	if (!number)
		number = check_tables(check);
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
	mcp_free(check->mcp);
	candidates_free(check->told);
	survey_free(check->survey);
	contact_free(check->contact);
	own_replica_tables_free(check->found);
}

static int run(const struct options *options)
{
	struct check check = {.options = options};
	signals_block();
	int status = confine_command(options);
	if (!status && !options->directory)
		status = own_replica_tables(options, &check.found);
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
