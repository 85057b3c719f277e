#include "mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../remove-tree.h"
#include "base/cleanup.h"
#include "clock.h"
#include "plan.h"
#include "server.h"
#include "trace.h"
#include "world.h"

#define TABLE "posts"

struct mount mount;
struct mount_allows mount_allows;

static struct api *api;
static struct failures *failures;
static char root[64];
static char saved[80];
static bool is_saved;
static unsigned full_commits;
static unsigned commits_to_live; /* 0: for ever */
static bool dead;

/* ---- commits ---- */

int __real_replica_commit(struct replica *replica);
int __wrap_replica_commit(struct replica *replica);
ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags);

int __wrap_replica_commit(struct replica *replica)
{
	if (dead || full_commits) {
		full_commits -= full_commits > 0;
		if (!dead)
			trace("mount: a commit fails, the disk is full");
		replica_rollback(replica);
		return dead ? -EIO : -ENOSPC;
	}
	int r = __real_replica_commit(replica);
	if (commits_to_live && --commits_to_live == 0) {
		trace("mount: killed after this commit");
		dead = true;
	}
	return r;
}

/* Jitter, the same in every run. */
ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags)
{
	(void)flags;
	memset(out, 0x55, size);
	return (ssize_t)size;
}

void mount_disk_full(unsigned commits)
{
	full_commits = commits;
}

void mount_die_after(unsigned commits)
{
	commits_to_live = commits;
}

bool mount_is_dead(void)
{
	return dead;
}

/* ---- threads ---- */

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

/* Of the one thread that plays all; the replica may have others. */
static _Thread_local bool other_thread;
static _Thread_local int locks_held;
static void (*loop_runs)(void);

void mount_as_other_thread(bool other, void (*fn)(void))
{
	other_thread = other;
	loop_runs = fn;
	locks_held = 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	if (other_thread && locks_held == 0) {
		other_thread = false;
		loop_runs();
		other_thread = true;
		locks_held = 0;
	}
	if (other_thread)
		locks_held++;
	return __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	if (other_thread)
		locks_held--;
	return __real_pthread_mutex_unlock(mutex);
}

/* ---- files ---- */

static void must(int r)
{
	if (r < 0) {
		perror("model: a file");
		abort();
	}
}

static void copy_file(const char *from, const char *to)
{
	static char data[1 << 16];
	CLEANUP_CLOSE int in = open(from, O_RDONLY | O_CLOEXEC);
	CLEANUP_CLOSE int out =
	    open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;
	must(in < 0 || out < 0 ? -1 : 0);
	while ((n = read(in, data, sizeof(data))) > 0)
		must(write(out, data, (size_t)n) == n ? 0 : -1);
	must((int)n);
}

static bool is_database(const char *name)
{
	return strstr(name, ".db") && !strstr(name, "-shm");
}

static void remove_files(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[400];
	while (stream && (entry = readdir(stream))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (strstr(entry->d_name, ".db"))
			must(unlink(path));
	}
	if (stream)
		closedir(stream);
}

static void copy_database(const char *from, const char *to)
{
	char source[400], target[400];
	struct dirent *entry;
	remove_files(to);
	DIR *stream = opendir(from);
	must(stream ? 0 : -1);
	while ((entry = readdir(stream))) {
		snprintf(source, sizeof(source), "%s/%s", from, entry->d_name);
		snprintf(target, sizeof(target), "%s/%s", to, entry->d_name);
		if (is_database(entry->d_name))
			copy_file(source, target);
	}
	closedir(stream);
}

void mount_save_replica(void)
{
	copy_database(root, saved);
	world_replica_is_copied();
	is_saved = true;
}

bool mount_old_replica(void)
{
	if (!is_saved)
		return false;
	copy_database(saved, root);
	world_replica_is_old();
	mount.listed_from = 1;
	return true;
}

/* ---- life ---- */

static void make_directories(void)
{
	if (root[0])
		return;
	snprintf(root, sizeof(root), "%s/model-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(root) ? 0 : -1);
	snprintf(saved, sizeof(saved), "%s/saved", root);
	must(mkdir(saved, 0700));
}

void mount_forget_all(void)
{
	if (root[0])
		remove_tree(root);
	root[0] = '\0';
}

void mount_reset(void)
{
	static const int64_t ttl_ms[] = {60000, 1000, 0};
	make_directories();
	remove_files(root);
	is_saved = false;
	mount = (struct mount){
	    .ttl_ms = ttl_ms[trait(TRAIT_ttl)], .listed_from = 1};
	full_commits = 0;
	dead = false;
}

void mount_start(bool offline)
{
	static const unsigned connections[] = {16, 1, 3};
	static const char *const tables[] = {TABLE, NULL};
	unsigned most = connections[trait(TRAIT_connections)];
	struct api_config api_config = {
	    .url = FAKE_URL,
	    .key = "pk_0123456789abcdef",
	    .connections = most,
	    .retry_ms = 20000,
	};
	full_commits = commits_to_live = 0;
	dead = false;
	server_drop_answers();
	clock_renew_transport();
	failures = failures_new();
	must(failures ? 0 : -1);
	api = NULL;
	mount.offline = offline;
	if (!offline)
		must(
		    api_new(fake_http(transport), &api_config, failures, &api));
	int r = replica_open(root, "project", false, &mount.replica);
	if (r < 0) {
		finding(
		    "broken", "the replica does not open: %s", strerror(-r));
		abort();
	}
	struct sync_config config = {
	    .http = fake_http(transport),
	    .api = api,
	    .replica = mount.replica,
	    .failures = failures,
	    .tables = tables,
	    .ttl_ms = mount.ttl_ms,
	    .connections = most,
	};
	struct node node;
	must(sync_new(&config, &mount.sync));
	must(replica_lookup(mount.replica, NODE_ROOT, TABLE, &node));
	int64_t sources[] = {node.id, NODE_FILES, NODE_STORAGE};
	mount.dir = sources[trait(TRAIT_source)];
	world_is_not_asked_anew();
	mount.mounted_at = world_moment();
	mount.hung_up_at = 0;
}

void mount_stop(bool hard)
{
	dead = dead || hard;
	sync_free(mount.sync);
	api_free(api);
	replica_close(mount.replica);
	failures_free(failures);
	mount.sync = NULL;
	mount.replica = NULL;
	dead = false;
}

void mount_hang_up(void)
{
	mount.hung_up_at = world_moment();
	sync_expire(mount.sync);
	fake_run(transport);
}

uint64_t mount_believes_from(void)
{
	uint64_t now = world_moment(), from = now;
	if (mount.offline)
		return mount.listed_from;
	/* A clock's last millisecond is nobody's fault. */
	if (mount.ttl_ms)
		from = world_moment_at(clock_true_ms() - mount.ttl_ms - 1);
	if (from < mount.mounted_at && !mount_allows.remount)
		from = mount.mounted_at;
	if (from < mount.hung_up_at)
		from = mount.hung_up_at;
	return from;
}
