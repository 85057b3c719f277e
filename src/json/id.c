#include "json/json.h"

#include <errno.h>

int json_id(struct json_span value, struct buf *out)
{
	static const char *const oid[] = {"$oid"};
	struct json_span inner = value;
	size_t before = out->len;
	int r = 0;
	if (!value.text)
		return -EPROTO;
	if (json_is_object(value))
		r = json_members(value.text, value.len, oid, 1, &inner);
	if (r < 0)
		return r;
	r = json_is_number(value) ? buf_add(out, value.text, value.len)
				  : json_string_decode(inner, out);
	return r == 0 && out->len == before ? -EPROTO : r;
}
