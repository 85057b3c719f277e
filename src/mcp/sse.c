#include "mcp/sse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

struct sse {
	sse_event_fn event;
	void *ctx;
	struct buf line; /* what has come of it */
	struct buf data; /* of the event; each line with its end */
	bool begun;	 /* a line was whole: no byte order mark comes */
	bool cr;	 /* a line feed belongs to the line before */
};

int sse_new(size_t max, sse_event_fn event, void *ctx, struct sse **ret_sse)
{
	struct sse *sse = calloc(1, sizeof(*sse));
	if (!sse)
		return -ENOMEM;
	sse->event = event;
	sse->ctx = ctx;
	buf_init_secret(&sse->line, max);
	buf_init_secret(&sse->data, max);
	*ret_sse = sse;
	return 0;
}

void sse_free(struct sse *sse)
{
	if (!sse)
		return;
	buf_done(&sse->line);
	buf_done(&sse->data);
	free(sse);
}

static int end_event(struct sse *sse)
{
	int r = 0;
	if (sse->data.len)
		r = sse->event(
		    sse->ctx, buf_str(&sse->data), sse->data.len - 1);
	buf_clear(&sse->data);
	return r;
}

static int add_data(struct sse *sse, const char *value, size_t len)
{
	if (len && value[0] == ' ') {
		value++;
		len--;
	}
	int r = buf_add(&sse->data, value, len);
	return r == 0 ? buf_addc(&sse->data, '\n') : r;
}

static int end_line(struct sse *sse)
{
	const char *text = buf_str(&sse->line);
	size_t len = sse->line.len;
	size_t mark = sse->begun ? 0 : utf8_mark_len(text, len);
	text += mark;
	len -= mark;
	sse->begun = true;
	int r = 0;
	if (len == 0)
		r = end_event(sse);
	else if (len >= 5 && memcmp(text, "data:", 5) == 0)
		r = add_data(sse, text + 5, len - 5);
	else if (len == 4 && memcmp(text, "data", 4) == 0)
		r = add_data(sse, "", 0);
	buf_clear(&sse->line);
	return r;
}

/* How many bytes come before the next line's end. */
static size_t until_end(const char *data, size_t len)
{
	size_t n = 0;
	while (n < len && data[n] != '\n' && data[n] != '\r')
		n++;
	return n;
}

int sse_feed(struct sse *sse, const char *data, size_t len)
{
	int r = 0;
	while (r == 0 && len) {
		if (sse->cr && *data == '\n') {
			sse->cr = false;
			data++;
			len--;
			continue;
		}
		sse->cr = false;
		size_t n = until_end(data, len);
		r = buf_add(&sse->line, data, n);
		data += n;
		len -= n;
		if (r == 0 && len) {
			sse->cr = *data == '\r';
			data++;
			len--;
			r = end_line(sse);
		}
	}
	return r;
}
