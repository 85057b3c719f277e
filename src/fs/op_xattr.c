#include "fs/op_xattr.h"

#include <errno.h>
#include <string.h>

#include "fs/control.h"
#include "fs/pending.h"
#include "fs/text.h"
#include "json/json.h"

/* Which member of the text gives which attribute. */
static const struct {
	const char *name;
	const char *member;
} attributes[] = {
    {"user.mime_type", "mimeType"},
    {"user.bkend.id", "id"},
    {"user.bkend.original_name", "originalName"},
    {"user.bkend.visibility", "visibility"},
    {"user.bkend.owner_id", "ownerId"},
    {"user.bkend.created_by", "createdBy"},
    {"user.bkend.created_at", "createdAt"},
    {"user.bkend.updated_at", "updatedAt"},
};

#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

/* A node's attributes: their texts, where it has them. */
struct values {
	struct buf text;
	struct json_span spans[ATTRIBUTES];
};

static int load(struct fs_context *fs, int64_t id, struct values *values)
{
	const char *members[ATTRIBUTES];
	struct node node;
	*values = (struct values){0};
	buf_init(&values->text, TEXT_BYTES_MAX);
	if (id < NODE_FIRST || id >= CONTROL_FIRST)
		return 0;
	int r = replica_get(fs->replica, id, &node);
	if (r == 0 && node.kind == NODE_KIND_OBJECT)
		r = sync_metadata_of(fs->sync, id, &values->text);
	else if (r == 0 && node.kind == NODE_KIND_RECORD)
		r = replica_text(fs->replica, id, &values->text);
	else if (r == 0)
		return 0;
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	for (size_t i = 0; i < ATTRIBUTES; i++)
		members[i] = attributes[i].member;
	return json_members(buf_str(&values->text), values->text.len, members,
	    ATTRIBUTES, values->spans);
}

static bool is_given(struct json_span value)
{
	return json_is_string(value) && value.len > 2; /* more than "" */
}

/* Answer with data, or with its size where only that is asked for. */
static void reply(fuse_req_t req, const struct buf *data, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, data->len);
	else if (data->len > size)
		reply_error(req, -ERANGE);
	else
		fuse_reply_buf(req, buf_str(data), data->len);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct values values;
	CLEANUP_BUF struct buf names;
	buf_init(&names, BUF_MAX_DEFAULT);
	int r = load(context_of(req), (int64_t)ino, &values);
	for (size_t i = 0; r == 0 && i < ATTRIBUTES; i++) {
		if (is_given(values.spans[i]))
			r = buf_add(&names, attributes[i].name,
			    strlen(attributes[i].name) + 1);
	}
	if (r < 0)
		reply_error(req, r);
	else
		reply(req, &names, size);
	buf_done(&values.text);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct values values;
	CLEANUP_BUF struct buf value;
	size_t which = 0;
	buf_init(&value, TEXT_BYTES_MAX);
	while (which < ATTRIBUTES && strcmp(attributes[which].name, name) != 0)
		which++;
	if (which == ATTRIBUTES) {
		reply_error(req, -ENODATA);
		return;
	}
	int r = load(context_of(req), (int64_t)ino, &values);
	if (r == 0 && !is_given(values.spans[which]))
		r = -ENODATA;
	if (r == 0)
		r = json_string_decode(values.spans[which], &value);
	if (r < 0)
		reply_error(req, r);
	else
		reply(req, &value, size);
	buf_done(&values.text);
}
