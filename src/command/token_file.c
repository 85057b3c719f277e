#include "command/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/number.h"
#include "base/own_dir.h"
#include "base/timestamp.h"
#include "config/askpass.h"
#include "config/complain.h"

#define FILE_SIZE_MAX ((size_t)64 << 10)

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
	char *path;
	char *lock_path;
	int lock_fd;	      /* -1: not held */
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

static int read_text(const char *path, struct buf *text)
{
	char piece[1024];
	ssize_t got;
	int r = own_file_check(path);
	if (r < 0)
		return r;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	do {
		got = read(fd, piece, sizeof(piece));
		r = got < 0 ? -errno : buf_add(text, piece, (size_t)got);
	} while (r == 0 && got > 0);
	explicit_bzero(piece, sizeof(piece));
	return r;
}

/* None at all is fine: all is empty then. */
static int read_tokens(struct token_file *file)
{
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, FILE_SIZE_MAX);
	tokens_done(&file->tokens);
	int r = read_text(file->path, &text);
	char *rest = text.data, *line;
	while (r == 0 && (line = strsep(&rest, "\n")))
		r = take_line(line, &file->tokens);
	return r;
}

static int write_all(int fd, const struct tokens *tokens)
{
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, FILE_SIZE_MAX);
	int r = buf_printf(&text,
	    "seed %016" PRIx64 "\ngeneration %" PRIu64 "\nexpires %" PRId64
	    "\n",
	    tokens->seed, tokens->generation, tokens->expires_ms);
	if (r == 0 && tokens->access)
		r = buf_printf(&text, "access %s\n", tokens->access);
	if (r == 0 && tokens->refresh)
		r = buf_printf(&text, "refresh %s\n", tokens->refresh);
	if (r == 0 && write(fd, text.data, text.len) != (ssize_t)text.len)
		r = -EIO;
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

/* Whole or not at all, also across a power cut. */
static int write_tokens(const struct token_file *file)
{
	CLEANUP_FREE char *name = NULL;
	if (asprintf(&name, "%s.XXXXXX", file->path) < 0)
		return -ENOMEM;
	CLEANUP_CLOSE int fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, &file->tokens);
	if (r == 0 && rename(name, file->path) < 0)
		r = -errno;
	if (r < 0)
		unlink(name);
	CLEANUP_FREE char *dir = strndup(
	    file->path, (size_t)(strrchr(file->path, '/') - file->path));
	CLEANUP_CLOSE int dir_fd =
	    r == 0 && dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir_fd >= 0)
		fsync(dir_fd);
	return r;
}

/* ---- the lock ---- */

/* And read what is there. 0; -EAGAIN: somebody else has it, and wait is false;
 * or what goes wrong. */
static int lock(struct token_file *file, bool wait)
{
	int r = own_file_check(file->lock_path);
	if (r < 0)
		return r;
	file->lock_fd = open(
	    file->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->lock_fd < 0)
		return -errno;
	while (flock(file->lock_fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
		if (errno == EINTR)
			continue;
		r = errno == EWOULDBLOCK ? -EAGAIN : -errno;
		break;
	}
	return r == 0 ? read_tokens(file) : r;
}

static void unlock(struct token_file *file)
{
	tokens_done(&file->tokens);
	if (file->lock_fd >= 0)
		close(file->lock_fd);
	file->lock_fd = -1;
}

/* ---- before the mount ---- */

/* Of the same tokens, in the same project, there is one file. */
static int find_path(struct token_file *file)
{
	const struct options *options = file->options;
	CLEANUP_FREE char *dir = NULL, *own = NULL;
	char *identity = NULL;
	if (own_dir_default(OWN_DIR_STATE, &dir) < 0 ||
	    asprintf(&identity, "%s\n%s\n%s\n%s", options->url, options->key,
		options->email ? options->email : "",
		options->refresh_token ? options->refresh_token
				       : options->refresh_token_command) < 0)
		return failed_for_memory();
	uint64_t hash = hash_of(identity);
	free_secret(identity);
	int r = own_dir_make(dir, &own);
	if (r < 0)
		return failed(
		    "%s is no place for tokens: %s", dir, own_dir_problem(r));
	if (asprintf(&file->path, "%s/tokens-%016" PRIx64, own, hash) < 0 ||
	    asprintf(&file->lock_path, "%s.lock", file->path) < 0)
		return failed_for_memory();
	return 0;
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
	file->lock_fd = -1;
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
	unlock(file);
	free(file->path);
	free(file->lock_path);
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
	return r < 0 ? failed("%s: %s", file->path, strerror(-r)) : status;
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
	int status = r < 0 ? failed("%s: %s", file->path, strerror(-r)) : 0;
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

static int take(void *ctx, struct answer_tokens *ret_pair)
{
	struct token_file *file = ctx;
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
		log_warn("%s: %s", file->path, strerror(-r));
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

static void keep(void *ctx, const struct answer_tokens *pair)
{
	struct token_file *file = ctx;
	int r = pair ? note(file, pair) : 0;
	if (r < 0)
		log_error("%s: %s: the session ends with this mount",
		    file->path, strerror(-r));
	unlock(file);
}

struct api_keeper token_file_keeper(struct token_file *file)
{
	return (struct api_keeper){.take = take, .keep = keep, .ctx = file};
}
