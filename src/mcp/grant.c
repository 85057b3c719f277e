#include "mcp/grant.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/kept_file.h"
#include "base/number.h"
#include "base/own_dir.h"
#include "base/timestamp.h"
#include "mcp/oauth.h"

/* A token that has less than that left is renewed before it is used. */
#define MARGIN_MS 60000

/* Another process of ours that renews needs no longer. */
#define LOCK_PATIENCE_MS 40000
#define LOCK_PAUSE_MS 50

struct grants {
	char *dir; /* as it is named, not made yet */
	char name[40];
	char *path;
};

void grant_done(struct grant *grant)
{
	free(grant->token_endpoint);
	free(grant->revocation_endpoint);
	free(grant->client_id);
	free_secret(grant->access);
	free_secret(grant->refresh);
	*grant = (struct grant){0};
}

int grants_new(
    const char *url, const char *identity, struct grants **ret_grants)
{
	struct grants *grants = calloc(1, sizeof(*grants));
	if (!grants)
		return -ENOMEM;
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, url, strlen(url) + 1);
	hash = hash_fnv1a(hash, identity, strlen(identity));
	snprintf(grants->name, sizeof(grants->name), "mcp-%016" PRIx64, hash);
	int r = own_dir_default(OWN_DIR_STATE, &grants->dir);
	if (r == 0 &&
	    asprintf(&grants->path, "%s/%s", grants->dir, grants->name) < 0)
		r = -ENOMEM;
	if (r == -ENOENT)
		r = 0; /* Without a place, there is no login. */
	if (r < 0) {
		grants->path = NULL;
		grants_free(grants);
		return r;
	}
	*ret_grants = grants;
	return 0;
}

void grants_free(struct grants *grants)
{
	if (!grants)
		return;
	free(grants->dir);
	free(grants->path);
	free(grants);
}

bool grants_exist(const struct grants *grants)
{
	return grants->path && access(grants->path, F_OK) == 0;
}

/* ---- the file ---- */

static const struct {
	const char *name;
	size_t offset;
} lines[] = {
    {"token_endpoint", offsetof(struct grant, token_endpoint)},
    {"revocation_endpoint", offsetof(struct grant, revocation_endpoint)},
    {"client_id", offsetof(struct grant, client_id)},
    {"access", offsetof(struct grant, access)},
    {"refresh", offsetof(struct grant, refresh)},
};

static char **field(const struct grant *grant, size_t i)
{
	uintptr_t at = (uintptr_t)grant + lines[i].offset;
	return (char **)at;
}

static int take_line(char *line, struct grant *grant)
{
	char *value = strchr(line, ' ');
	if (!value)
		return 0;
	*value++ = '\0';
	if (strcmp(line, "expires") == 0)
		return number_parse(value, 0, INT64_MAX, &grant->expires_ms);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char **where = field(grant, i);
		if (strcmp(line, lines[i].name) == 0 && !*where)
			return (*where = strdup(value)) ? 0 : -ENOMEM;
	}
	return 0;
}

static int read_grant(struct kept_file *file, struct grant *ret_grant)
{
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, KEPT_FILE_MAX);
	int r = kept_file_read(file, &text);
	char *rest = text.data, *line;
	while (r == 0 && (line = strsep(&rest, "\n")))
		r = take_line(line, ret_grant);
	return r;
}

static int write_grant(struct kept_file *file, const struct grant *grant)
{
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, KEPT_FILE_MAX);
	int r = buf_printf(&text, "expires %" PRId64 "\n", grant->expires_ms);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lines); i++) {
		const char *value = *field(grant, i);
		if (value)
			r = buf_printf(&text, "%s %s\n", lines[i].name, value);
	}
	return r == 0 ? kept_file_write(file, &text) : r;
}

/* ---- opening it ---- */

static int fail(
    struct mcp_error *error, int r, const char *what, const char *why)
{
	*error = (struct mcp_error){.err = r};
	snprintf(error->message, sizeof(error->message), "%s: %s", what, why);
	return r;
}

static int open_file(const struct grants *grants, struct kept_file **ret_file,
    struct mcp_error *error)
{
	CLEANUP_FREE char *own = NULL;
	if (!grants->dir)
		return fail(error, -ENOENT, "no place for the login",
		    own_dir_nowhere(OWN_DIR_STATE));
	int r = own_dir_make(grants->dir, &own);
	if (r < 0)
		return fail(error, r, grants->dir, own_dir_problem(r));
	r = kept_file_new(own, grants->name, ret_file);
	return r < 0 ? fail(error, r, grants->path, strerror(-r)) : 0;
}

/* Also with web NULL, when nobody is there to cancel the wait. */
static int open_locked(const struct grants *grants, struct web *web,
    struct kept_file **ret_file, struct mcp_error *error)
{
	struct kept_file *file;
	int64_t until = timestamp_mono_ms() + LOCK_PATIENCE_MS;
	int r = open_file(grants, &file, error);
	if (r < 0)
		return r;
	while ((r = kept_file_lock(file, !web)) == -EAGAIN) {
		if (timestamp_mono_ms() >= until) {
			r = -ETIMEDOUT;
			break;
		}
		if ((r = web_pause(web, LOCK_PAUSE_MS)) < 0)
			break;
	}
	if (r < 0) {
		kept_file_free(file);
		return fail(error, r, grants->path, strerror(-r));
	}
	*ret_file = file;
	return 0;
}

int grants_put(
    struct grants *grants, const struct grant *grant, struct mcp_error *error)
{
	struct kept_file *file;
	int r = open_locked(grants, NULL, &file, error);
	if (r < 0)
		return r;
	r = write_grant(file, grant);
	kept_file_free(file);
	return r < 0 ? fail(error, r, grants->path, strerror(-r)) : 0;
}

int grants_take(
    struct grants *grants, struct grant *ret_grant, struct mcp_error *error)
{
	struct kept_file *file;
	int r = open_locked(grants, NULL, &file, error);
	if (r < 0)
		return r;
	*ret_grant = (struct grant){0};
	r = read_grant(file, ret_grant);
	if (r == 0)
		r = kept_file_remove(file);
	kept_file_free(file);
	if (r < 0) {
		grant_done(ret_grant);
		return fail(error, r, grants->path, strerror(-r));
	}
	return 0;
}

/* ---- renewal ---- */

static int give(const struct grant *grant, char **ret_access)
{
	/* What is usable, or was renewed, has one. */
	// NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker)
	char *copy = strdup(grant->access);
	if (!copy)
		return -ENOMEM;
	*ret_access = copy;
	return 0;
}

static bool is_usable(const struct grant *grant, const char *refused)
{
	return grant->access &&
	       grant->expires_ms > timestamp_now_ms() + MARGIN_MS &&
	       !(refused && strcmp(refused, grant->access) == 0);
}

/* Whether the server has surely not looked at the token. */
static bool was_not_taken(const struct mcp_error *error)
{
	return error->status == 429 || error->err == -ECONNREFUSED ||
	       error->err == -EHOSTUNREACH || error->err == -ETIMEDOUT ||
	       error->err == -EKEYREJECTED || error->err == -EMFILE ||
	       error->err == -ENFILE;
}

/* The file says that the refresh token is gone before it is on its way. */
static int renew(struct kept_file *file, struct web *web, struct grant *grant,
    struct mcp_error *error)
{
	struct oauth_tokens tokens = {0};
	CLEANUP_FREE char *refresh = TAKE(grant->refresh);
	free_secret(TAKE(grant->access));
	int r = write_grant(file, grant);
	if (r == 0)
		r = oauth_refresh(web, grant->token_endpoint, grant->client_id,
		    refresh, &tokens, error);
	if (r == 0) {
		grant->access = tokens.access;
		/* One that does not rotate is good for more than one use. */
		grant->refresh =
		    tokens.refresh ? tokens.refresh : TAKE(refresh);
		grant->expires_ms = timestamp_now_ms() + tokens.lifetime_ms;
	} else if (was_not_taken(error)) {
		grant->refresh = TAKE(refresh);
	}
	if (refresh)
		explicit_bzero(refresh, strlen(refresh));
	if (!grant->refresh && r < 0)
		return r;
	int written = write_grant(file, grant);
	return r < 0 ? r : written;
}

static int access_locked(struct kept_file *file, struct web *web,
    const char *refused, char **ret_access, struct mcp_error *error)
{
	struct grant grant = {0};
	int r = read_grant(file, &grant);
	if (r == 0 && !is_usable(&grant, refused)) {
		if (grant.refresh && grant.token_endpoint && grant.client_id)
			r = renew(file, web, &grant, error);
		else
			r = fail(error, -EACCES, "the login has ended",
			    "bkendfs --login starts another");
	}
	if (r == 0)
		r = give(&grant, ret_access);
	grant_done(&grant);
	return r;
}

int grants_access(struct grants *grants, struct web *web, const char *refused,
    char **ret_access, struct mcp_error *error)
{
	struct kept_file *file;
	*error = (struct mcp_error){0};
	int r = open_locked(grants, web, &file, error);
	if (r < 0)
		return r;
	r = access_locked(file, web, refused, ret_access, error);
	kept_file_free(file);
	if (r < 0 && !error->err)
		fail(error, r, grants->path, strerror(-r));
	return r;
}
