#include "api/record.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

enum { ID, UNDERSCORE_ID, CREATED, UPDATED, NAME, SIZE, MEMBERS };

static const char *const member_names[MEMBERS] = {[ID] = "id",
    [UNDERSCORE_ID] = "_id",
    [CREATED] = "createdAt",
    [UPDATED] = "updatedAt",
    [NAME] = "originalName",
    [SIZE] = "size"};

static int find_id(const struct json_span *members, struct buf *out)
{
	int r = json_id(members[ID], out);
	if (r == -EPROTO) {
		buf_clear(out);
		r = json_id(members[UNDERSCORE_ID], out);
	}
	return r == -EMSGSIZE ? -EPROTO : r;
}

static int find_times(const struct json_span *members, struct record *record)
{
	int r = json_date(members[CREATED], &record->created_ms);
	if (r == 0) {
		record->mtime_ms = record->created_ms;
		record->created_form = date_form_of(members[CREATED]);
	}
	if (r < 0 && r != -EPROTO)
		return r;
	r = json_date(members[UPDATED], &record->updated_ms);
	if (r == 0) {
		record->mtime_ms = record->updated_ms;
		record->updated_form = date_form_of(members[UPDATED]);
	}
	return r == -EPROTO ? 0 : r;
}

int record_parse(const char *text, size_t len, struct record *ret_record)
{
	struct json_span members[MEMBERS];
	uint64_t pretty_size;
	int r = json_members_and_size(
	    text, len, member_names, MEMBERS, members, &pretty_size);
	if (r < 0)
		return r;
	struct record record = {
	    .text = {text, len},
	    .pretty_size = pretty_size,
	    .created_ms = RECORD_NO_DATE,
	    .updated_ms = RECORD_NO_DATE,
	    .size = -1,
	};
	buf_init(&record.id, RECORD_ID_MAX);
	buf_init(&record.original_name, RECORD_ID_MAX);
	r = find_id(members, &record.id);
	if (r == 0 && json_is_string(members[NAME]))
		r = json_string_decode(members[NAME], &record.original_name);
	if (r == 0)
		r = find_times(members, &record);
	if (r < 0) {
		record_done(&record);
		return r == -EMSGSIZE ? -EPROTO : r;
	}
	record.number = json_is_number(
	    members[ID].text ? members[ID] : members[UNDERSCORE_ID]);
	if (json_int64(members[SIZE], &record.size) < 0 || record.size < 0 ||
	    record.size > RECORD_SIZE_MAX)
		record.size = -1;
	*ret_record = record;
	return 0;
}

void record_done(struct record *record)
{
	buf_done(&record->id);
	buf_done(&record->original_name);
}

/* 1, 0 or -ENOMEM. */
static int carries_id(
    const struct json_span *members, const char *id, size_t id_len)
{
	CLEANUP_BUF struct buf decoded;
	buf_init(&decoded, RECORD_ID_MAX);
	int r = find_id(members, &decoded);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return decoded.len == id_len &&
	       memcmp(buf_str(&decoded), id, id_len) == 0;
}

int record_unwrap(const char *text, size_t len, const char *id, size_t id_len,
    struct json_span *ret_payload)
{
	static const char *const names[] = {"id", "_id", "success", "data"};
	struct json_span members[ARRAY_SIZE(names)];
	size_t mark = utf8_mark_len(text, len);
	text += mark;
	len -= mark;
	int r = json_members(text, len, names, ARRAY_SIZE(names), members);
	if (r < 0)
		return r;
	r = id ? carries_id(members, id, id_len) : 0;
	if (r < 0)
		return r;
	struct json_span payload = {text, len};
	if (r == 0 && json_is_true(members[2]) && members[3].text)
		payload = members[3];
	/* Without the white space around it: what is kept is the record. */
	while (payload.len && strchr(" \t\r\n", payload.text[0])) {
		payload.text++;
		payload.len--;
	}
	while (payload.len && strchr(" \t\r\n", payload.text[payload.len - 1]))
		payload.len--;
	*ret_payload = payload;
	return 0;
}
