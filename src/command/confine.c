#include "command/confine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/home.h"
#include "base/own_dir.h"
#include "command/own_replica.h"
#include "config/complain.h"
#include "replica/replica.h"

struct place {
	const char *path;
	enum sandbox_use use;
};

/* What libraries look into while they work: to find a host, to trust it, to
 * tell the time. Whole directories, since any of the files may be replaced
 * while we live: /etc/resolv.conf with each network. */
static const struct place places[] = {
    {"/etc", SANDBOX_READ},
    {"/usr", SANDBOX_READ},
    {"/lib", SANDBOX_READ},
    {"/lib64", SANDBOX_READ},
    {"/nix/store", SANDBOX_READ},
    {"/gnu/store", SANDBOX_READ},
    {"/run/systemd/resolve", SANDBOX_READ},
    {"/run/NetworkManager", SANDBOX_READ},
    {"/run/resolvconf", SANDBOX_READ},
    {"/run/nscd", SANDBOX_READ},
    {"/var/lib/ca-certificates", SANDBOX_READ},
    {"/var/lib/sss/mc", SANDBOX_READ},
    {"/proc/sys", SANDBOX_READ},
    {"/sys/devices/system/cpu", SANDBOX_READ},
    {"/dev/random", SANDBOX_READ},
    {"/dev/urandom", SANDBOX_READ},
    {"/dev/null", SANDBOX_DEVICE},
};

/* The same, by the environment. */
static const char *const variables[] = {
    "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"};

static int allow_system(struct sandbox *sandbox)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++)
		r = sandbox_allow(sandbox, places[i].path, places[i].use);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(variables); i++) {
		const char *path = getenv(variables[i]);
		if (path && *path)
			r = sandbox_allow(sandbox, path, SANDBOX_READ);
	}
	return r;
}

/* Where a file is, links followed; the caller's. NULL: there is none. */
static char *directory_of(const char *path)
{
	char *real = realpath(path, NULL);
	char *slash = real ? strrchr(real, '/') : NULL;
	if (slash)
		slash[slash == real] = '\0';
	return real;
}

/* A file that others replace as we live: so its directory, unless that holds
 * everything. */
static int allow_replaced(struct sandbox *sandbox, const char *path)
{
	const char *home = home_dir();
	CLEANUP_FREE char *dir = directory_of(path);
	CLEANUP_FREE char *home_real = home ? realpath(home, NULL) : NULL;
	int r = sandbox_allow(sandbox, path, SANDBOX_READ);
	if (r < 0 || !dir || strcmp(dir, "/") == 0 ||
	    (home_real && strcmp(dir, home_real) == 0))
		return r;
	return sandbox_allow(sandbox, dir, SANDBOX_READ);
}

/* Tokens and logins are kept there, of a login that may yet come as well. That
 * it cannot be had is for whoever needs it. */
static int allow_state(struct sandbox *sandbox)
{
	CLEANUP_FREE char *path = NULL, *own = NULL;
	int r = own_dir_default(OWN_DIR_STATE, &path);
	if (r == -ENOENT)
		return 0;
	if (r == 0 && own_dir_make(path, &own) == 0)
		r = sandbox_allow(sandbox, own, SANDBOX_KEEP);
	return r;
}

/* Where objects of which no part can be asked for are spooled. */
static int allow_spool(struct sandbox *sandbox)
{
	const char *dir = getenv("TMPDIR");
	return sandbox_allow(
	    sandbox, dir && *dir ? dir : P_tmpdir, SANDBOX_SPOOL);
}

/* A log that is put aside goes on in a new file beside it. */
static int allow_log(struct sandbox *sandbox, const char *path)
{
	CLEANUP_FREE char *dir = directory_of(path);
	return dir ? sandbox_allow(sandbox, dir, SANDBOX_APPEND) : 0;
}

/* What only one that asks a server elsewhere needs. */
static int allow_service(struct sandbox *sandbox, const struct options *options)
{
	int r = allow_spool(sandbox);
	if (r == 0 && !options->server)
		r = allow_state(sandbox);
	if (r == 0)
		r = allow_replaced(sandbox, "/etc/resolv.conf");
	if (r == 0 && options->cacert)
		r = allow_replaced(sandbox, options->cacert);
	return r;
}

/* A replica that cannot be written, or has no room to grow, is read from a
 * copy: which of them it is, only opening it tells. */
static int allow_copies(struct sandbox *sandbox)
{
	const char *place;
	if (replica_copy_prepare(&place) < 0)
		return 0;
	int r = sandbox_allow(sandbox, place, SANDBOX_KEEP);
	/* And it goes in the end. */
	return r < 0 ? r
		     : sandbox_allow(
			   sandbox, replica_copy_parent(), SANDBOX_TIDY);
}

/* cache_dir: NULL where there is none. */
static int allow_all(struct sandbox *sandbox, const struct options *options,
    const char *cache_dir)
{
	int r = allow_system(sandbox);
	if (r == 0 && cache_dir)
		r = sandbox_allow(sandbox, cache_dir, SANDBOX_KEEP);
	if (r == 0 && options->log_path)
		r = allow_log(sandbox, options->log_path);
	if (r == 0)
		r = options->offline ? allow_copies(sandbox)
				     : allow_service(sandbox, options);
	return r;
}

static int enter(const struct options *options, const char *cache_dir,
    bool mounts, char ret_words[SANDBOX_WORDS])
{
	struct sandbox *sandbox;
	int r = sandbox_new(SANDBOX_CLIENT, &sandbox);
	if (r < 0)
		return failed_for_memory();
	r = allow_all(sandbox, options, cache_dir);
	if (r == 0 && mounts)
		r = sandbox_allow(sandbox, "/dev/fuse", SANDBOX_DEVICE);
	snprintf(ret_words, SANDBOX_WORDS, "none: built with a sanitizer");
	if (r == 0 && SANDBOX_WANTED)
		sandbox_enter(sandbox, ret_words);
	sandbox_free(sandbox);
	return r < 0 ? failed("cannot start: %s", strerror(-r)) : 0;
}

int confine_mount(const struct options *options, char ret_words[SANDBOX_WORDS])
{
	CLEANUP_FREE char *own = NULL;
	int r = own_dir_make(options->cache_dir, &own);
	return r < 0 ? own_replica_complain(options, r)
		     : enter(options, own, true, ret_words);
}

int confine_command(const struct options *options)
{
	CLEANUP_FREE char *own = NULL;
	char words[SANDBOX_WORDS];
	if (!options->nocache && own_dir_make(options->cache_dir, &own) < 0)
		own = NULL;
	return enter(options, own, false, words);
}
