#include "fs/mount_args.h"

#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fuse_opt.h>
#include <stdio.h>

/* fsname: what `mount` and `df` show; a comma would end the option. */
static void write_options(const char *source, char *out, size_t size)
{
	char name[256];
	size_t used = 0;
	for (const char *c = source; *c && used < sizeof(name) - 1; c++)
		name[used++] = *c == ',' || *c == '\\' || *c < ' ' ? '_' : *c;
	name[used] = '\0';
	snprintf(out, size,
	    "ro,nosuid,nodev,default_permissions,subtype=bkendfs,fsname=%s",
	    name);
}

int mount_args_add(
    struct fuse_args *args, const char *source, const char *options, bool debug)
{
	char own[1024];
	write_options(source, own, sizeof(own));
	if (fuse_opt_add_arg(args, "bkendfs") != 0 ||
	    fuse_opt_add_arg(args, "-o") != 0 ||
	    fuse_opt_add_arg(args, own) != 0)
		return -ENOMEM;
	if (options && options[0] &&
	    (fuse_opt_add_arg(args, "-o") != 0 ||
		fuse_opt_add_arg(args, options) != 0))
		return -ENOMEM;
	if (debug && fuse_opt_add_arg(args, "-d") != 0)
		return -ENOMEM;
	return 0;
}
