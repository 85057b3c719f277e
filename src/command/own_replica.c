#include "command/own_replica.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/own_dir.h"
#include "command/local_server.h"
#include "config/complain.h"

/* No project has more. */
#define TABLES_MAX 1000

/* Whoever mounts it sees all of it; what it holds may be replaced. */
static int open_of_directory(
    const struct options *options, bool private, struct replica **ret_replica)
{
	const char *edition = local_server_edition(options->server);
	CLEANUP_FREE char *project = NULL;
	if (asprintf(&project, "directory\n%s", options->directory) < 0)
		return -ENOMEM;
	return private || !edition ? replica_open(options->cache_dir, project,
					 true, ret_replica)
				   : replica_open_edition(options->cache_dir,
					 project, edition, ret_replica);
}

int own_replica_open(
    const struct options *options, bool private, struct replica **ret_replica)
{
	const char *account = options->email	       ? options->email
			      : options->refresh_token ? options->refresh_token
			      : options->refresh_token_command
				  ? options->refresh_token_command
				  : "";
	char *project;
	if (options->directory)
		return open_of_directory(options, private, ret_replica);
	/* Each of the three may see other rows. */
	if (asprintf(&project, "%s\n%s\n%s", options->url, options->key,
		account) < 0)
		return -ENOMEM;
	int r = replica_open(options->cache_dir, project, private, ret_replica);
	/* A full disk takes nothing either. */
	if ((r == -EROFS || r == -ENOSPC) && options->offline)
		r = replica_open_archived(
		    options->cache_dir, project, ret_replica);
	free_secret(project);
	return r;
}

int own_replica_complain(const struct options *options, int err)
{
	switch (err) {
	case -EWOULDBLOCK:
		return failed("the replica in %s is in use by another mount of"
			      " this project: unmount that first",
		    options->cache_dir);
	case -ELOOP:
	case -ENOTUNIQ:
		return failed("%s is no place for a replica: %s, or choose"
			      " another with -o cache_dir=DIR",
		    options->cache_dir, own_dir_problem(err));
	case -EROFS:
		return failed("the replica in %s cannot be written: mount it"
			      " with -o offline, or choose another place with"
			      " -o cache_dir=DIR",
		    options->cache_dir);
	case -ENOSPC:
		/* Offline, a full disk is read: only a copy needs room. */
		return options->offline
			   ? failed("the replica in %s has to be copied to be"
				    " read, and %s has no room for it: set"
				    " TMPDIR to a directory that has",
				 options->cache_dir, replica_copy_parent())
			   : failed("cannot keep a replica in %s: its disk is"
				    " full, or a quota is used up; make room,"
				    " or choose another place with"
				    " -o cache_dir=DIR",
				 options->cache_dir);
	case -EINTR:
		return failed("ended by a signal before it was done");
	case -EIO:
		return failed("cannot keep a replica in %s: its disk fails, or"
			      " what is on it is damaged (with -o offline more"
			      " may be read of it); choose another place with"
			      " -o cache_dir=DIR",
		    options->cache_dir);
	case -EBADMSG:
		return failed("the replica in %s was made by a newer bkendfs:"
			      " use that, or another cache_dir",
		    options->cache_dir);
	default:
		return failed("cannot keep a replica in %s: %s; choose another"
			      " place with -o cache_dir=DIR",
		    options->cache_dir, strerror(-err));
	}
}

struct known {
	size_t count;
	int64_t ids[TABLES_MAX];
	bool told[TABLES_MAX];
};

static int on_table(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct known *known = ctx;
	(void)name;
	(void)pos;
	if (known->count < TABLES_MAX) {
		known->ids[known->count] = node->id;
		known->told[known->count++] = node->pos[0] >= TABLE_TOLD;
	}
	return 0;
}

static void take_names(const struct options *options, struct replica *replica,
    const struct known *known, struct own_table *tables)
{
	for (size_t i = 0; i < known->count; i++) {
		CLEANUP_BUF struct buf key;
		buf_init(&key, BUF_MAX_DEFAULT);
		if (replica_key(replica, known->ids[i], &key) == 0 && key.len &&
		    !options_name_table(options, buf_str(&key)) &&
		    (tables->name = strdup(buf_str(&key))))
			tables++->told = known->told[i];
	}
}

/* Whatever is wrong with it is no reason not to ask the server. */
static void read_tables(const struct options *options, struct own_table *tables)
{
	struct known known = {0};
	struct replica *replica;
	int r = own_replica_open(options, false, &replica);
	if (r < 0) {
		fputs(
		    r == -EWOULDBLOCK
			? "bkendfs: this project is mounted: what was found"
			  " there by use is not looked at\n"
			: "bkendfs: the replica cannot be read: what was found"
			  " by use is not looked at\n",
		    stderr);
		return;
	}
	if (replica_tables(replica, 0, on_table, &known) == 0)
		take_names(options, replica, &known, tables);
	replica_close(replica);
}

int own_replica_tables(
    const struct options *options, struct own_table **ret_tables)
{
	struct own_table *tables = calloc(TABLES_MAX + 1, sizeof(*tables));
	if (!tables)
		return failed_for_memory();
	if (!options->nocache)
		read_tables(options, tables);
	*ret_tables = tables;
	return 0;
}

void own_replica_tables_free(struct own_table *tables)
{
	for (size_t i = 0; tables && tables[i].name; i++)
		free(tables[i].name);
	free(tables);
}
