#include "fs/text.h"

#include <errno.h>

#include "json/json.h"

int text_load(struct fs *fs, int64_t id, struct buf *out)
{
	if (fs->config.raw) {
		int r = replica_text(fs->config.replica, id, out);
		return r == -ENOENT ? -ESTALE : r;
	}
	CLEANUP_BUF struct buf raw;
	buf_init(&raw, TEXT_BYTES_MAX);
	int r = replica_text(fs->config.replica, id, &raw);
	if (r == 0)
		r = json_pretty(buf_str(&raw), raw.len, out);
	return r == -ENOENT ? -ESTALE : r;
}
