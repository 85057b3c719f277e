#include "http/trust.h"

#include <stdbool.h>
#include <string.h>

#include "base/timestamp.h"

/* All zeros where there is none. */
static struct stat look(const char *path)
{
	struct stat st;
	if (!path || stat(path, &st) < 0)
		memset(&st, 0, sizeof(st));
	return st;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void trust_init(struct trust *trust, const char *path)
{
	*trust = (struct trust){.path = path, .st = look(path)};
}

long trust_kept_s(struct trust *trust)
{
	int64_t now_ms = timestamp_mono_ms();
	struct stat st = look(trust->path);
	if (!is_same(&st, &trust->st)) {
		trust->st = st;
		trust->changed_ms = now_ms;
	}
	int64_t kept_s = (now_ms - trust->changed_ms) / 1000;
	return !trust->changed_ms || kept_s > TRUST_KEPT_S ? TRUST_KEPT_S
							   : (long)kept_s;
}
