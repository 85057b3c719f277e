#include "command/token_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/kept_file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/own_dir.h"
#include "base/timestamp.h"
#include "config/askpass.h"
#include "config/complain.h"

/* What is written down. */
struct tokens {
	uint64_t seed; /* a hash of the token that all began with; 0: none */
	uint64_t generation; /* grows with each pair */
	char *access;	     /* owned; NULL: none */
	char *refresh;	     /* owned; NULL: none, or it is being used */
	int64_t expires_ms;  /* of access, wall clock */
};

struct token_file {
	const struct options *options;
	struct kept_file *kept;
	uint64_t generation;  /* of the pair that this mount has; 0: none */
	struct tokens tokens; /* as read, while the lock is held */
};

static void tokens_done(struct tokens *tokens)
{
	free_secret(tokens->access);
	free_secret(tokens->refresh);
	*tokens = (struct tokens){0};
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, text, strlen(text));
	return hash ? hash : 1;
}

/* ---- reading and writing ---- */

static int read_number(const char *value, int64_t *ret)
{
	return number_parse(value, 0, INT64_MAX, ret);
}

/* "NAME VALUE" */
static int take_line(char *line, struct tokens *tokens)
{
	int64_t number = 0;
	char *value = strchr(line, ' ');
	if (!value)
		return 0;
	*value++ = '\0';
	int r = 0;
	if (strcmp(line, "seed") == 0)
		tokens->seed = strtoull(value, NULL, 16);
	else if (strcmp(line, "generation") == 0 &&
		 (r = read_number(value, &number)) == 0)
		tokens->generation = (uint64_t)number;
	else if (strcmp(line, "expires") == 0)
		r = read_number(value, &tokens->expires_ms);
	else if (strcmp(line, "access") == 0 && !tokens->access)
		r = (tokens->access = strdup(value)) ? 0 : -ENOMEM;
	else if (strcmp(line, "refresh") == 0 && !tokens->refresh)
		r = (tokens->refresh = strdup(value)) ? 0 : -ENOMEM;
	return r;
}

/* None at all is fine: all is empty then. */
static int read_tokens(struct token_file *file)
{
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, KEPT_FILE_MAX);
	tokens_done(&file->tokens);
	int r = kept_file_read(file->kept, &text);
	char *rest = text.data, *line;
	while (r == 0 && (line = strsep(&rest, "\n")))
		r = take_line(line, &file->tokens);
	return r;
}

static int write_tokens(const struct token_file *file)
{
	const struct tokens *tokens = &file->tokens;
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, KEPT_FILE_MAX);
	int r = buf_printf(&text,
	    "seed %016" PRIx64 "\ngeneration %" PRIu64 "\nexpires %" PRId64
	    "\n",
	    tokens->seed, tokens->generation, tokens->expires_ms);
	if (r == 0 && tokens->access)
		r = buf_printf(&text, "access %s\n", tokens->access);
	if (r == 0 && tokens->refresh)
		r = buf_printf(&text, "refresh %s\n", tokens->refresh);
	return r == 0 ? kept_file_write(file->kept, &text) : r;
}

/* And read what is there. 0; -EAGAIN: somebody else has it, and wait is false;
 * or what goes wrong. */
static int lock(struct token_file *file, bool wait)
{
	int r = kept_file_lock(file->kept, wait);
	return r == 0 ? read_tokens(file) : r;
}

static void unlock(struct token_file *file)
{
	tokens_done(&file->tokens);
	kept_file_unlock(file->kept);
}

/* ---- before the mount ---- */

/* Of the same tokens, in the same project, there is one file. */
static int find_path(struct token_file *file)
{
	const struct options *options = file->options;
	CLEANUP_FREE char *dir = NULL, *own = NULL;
	char *identity = NULL;
	int r = own_dir_default(OWN_DIR_STATE, &dir);
	if (r == -ENOENT)
		return failed(
		    "no place for tokens: %s", own_dir_nowhere(OWN_DIR_STATE));
	if (r < 0 ||
	    asprintf(&identity, "%s\n%s\n%s\n%s", options->url, options->key,
		options->email ? options->email : "",
		options->refresh_token ? options->refresh_token
				       : options->refresh_token_command) < 0)
		return failed_for_memory();
	uint64_t hash = hash_of(identity);
	free_secret(identity);
	r = own_dir_make(dir, &own);
	if (r < 0)
		return failed(
		    "%s is no place for tokens: %s", dir, own_dir_problem(r));
	char name[40];
	snprintf(name, sizeof(name), "tokens-%016" PRIx64, hash);
	return kept_file_new(own, name, &file->kept) < 0 ? failed_for_memory()
							 : 0;
}

int token_file_open(const struct options *options, struct token_file **ret_file)
{
	*ret_file = NULL;
	if (!options->refresh_token && !options->refresh_token_command)
		return 0;
	struct token_file *file = calloc(1, sizeof(*file));
	if (!file)
		return failed_for_memory();
	file->options = options;
	int status = find_path(file);
	if (status)
		token_file_close(file);
	else
		*ret_file = file;
	return status;
}

void token_file_close(struct token_file *file)
{
	if (!file)
		return;
	tokens_done(&file->tokens);
	kept_file_free(file->kept);
	free(file);
}

/* A header line and a line of the file take it as it is. */
static bool is_plain(const char *token)
{
	for (; *token; token++) {
		if (*token <= ' ' || *token > '~')
			return false;
	}
	return true;
}

static int plant(struct token_file *file, const char *token)
{
	struct tokens *tokens = &file->tokens;
	if (!*token || !is_plain(token))
		return complain("the refresh token holds a character that no"
				" token has; copy it again");
	if (tokens->seed == hash_of(token))
		return failed("the session has ended, and its refresh token is"
			      " used up: sign in where it came from, and give"
			      " the new one");
	tokens->seed = hash_of(token);
	free_secret(TAKE(tokens->access));
	int status = options_set_string(&tokens->refresh, token);
	int r = status ? 0 : write_tokens(file);
	return r < 0
		   ? failed("%s: %s", kept_file_path(file->kept), strerror(-r))
		   : status;
}

static int plant_first(struct token_file *file)
{
	const struct options *options = file->options;
	if (options->refresh_token)
		return plant(file, options->refresh_token);
	char *token;
	int status = askpass_run(
	    "refresh_token_command", options->refresh_token_command, &token);
	if (status)
		return status;
	status = plant(file, token);
	free_secret(token);
	return status;
}

static int prepare(struct token_file *file)
{
	int r = lock(file, true);
	int status =
	    r < 0 ? failed("%s: %s", kept_file_path(file->kept), strerror(-r))
		  : 0;
	if (!status && !file->tokens.refresh)
		status = plant_first(file);
	unlock(file);
	return status;
}

int token_file_prepare(const struct options *options)
{
	struct token_file *file;
	int status = token_file_open(options, &file);
	if (!status && file)
		status = prepare(file);
	token_file_close(file);
	return status;
}

/* ---- while the mount lives ---- */

/* Another mount has got it. */
static int adopt(struct token_file *file, struct answer_tokens *ret_pair)
{
	struct tokens *tokens = &file->tokens;
	file->generation = tokens->generation;
	*ret_pair = (struct answer_tokens){
	    .access = TAKE(tokens->access),
	    .lifetime_ms = tokens->expires_ms - timestamp_now_ms(),
	};
	unlock(file);
	return 0;
}

int token_file_take(struct token_file *file, struct answer_tokens *ret_pair)
{
	struct tokens *tokens = &file->tokens;
	int r = lock(file, false);
	if (r == 0 && file->generation &&
	    tokens->generation > file->generation && tokens->access &&
	    tokens->expires_ms > timestamp_now_ms())
		return adopt(file, ret_pair);
	char *refresh = r == 0 ? TAKE(tokens->refresh) : NULL;
	if (r == 0)
		r = refresh ? write_tokens(file) : -ENOENT;
	if (r == 0) {
		*ret_pair = (struct answer_tokens){.refresh = refresh};
		return 0;
	}
	free_secret(refresh);
	unlock(file);
	if (r != -EAGAIN && r != -ENOENT)
		log_warn("%s: %s", kept_file_path(file->kept), strerror(-r));
	return r;
}

static int note(struct token_file *file, const struct answer_tokens *pair)
{
	struct tokens *tokens = &file->tokens;
	if (pair->access) {
		free_secret(TAKE(tokens->access));
		if (!(tokens->access = strdup(pair->access)))
			return -ENOMEM;
		tokens->expires_ms = timestamp_now_ms() + pair->lifetime_ms;
		file->generation = ++tokens->generation;
	}
	if (!(tokens->refresh = strdup(pair->refresh)))
		return -ENOMEM;
	return write_tokens(file);
}

void token_file_keep(struct token_file *file, const struct answer_tokens *pair)
{
	int r = pair ? note(file, pair) : 0;
	if (r < 0)
		log_error("%s: %s: the session ends with this mount",
		    kept_file_path(file->kept), strerror(-r));
	unlock(file);
}
