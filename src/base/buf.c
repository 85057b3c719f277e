#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_init_secret(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max, .secret = true};
}

/* Let go of the memory. */
static void release(struct buf *buf)
{
	if (buf->secret && buf->data)
		explicit_bzero(buf->data, buf->cap);
	free(buf->data);
}

void buf_done(struct buf *buf)
{
	if (!buf)
		return;
	release(buf);
	*buf = (struct buf){.max = buf->max, .secret = buf->secret};
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

/* realloc would leave a copy behind. */
static char *grow(struct buf *buf, size_t cap)
{
	if (!buf->secret)
		return realloc(buf->data, cap);
	char *data = malloc(cap);
	if (!data)
		return NULL;
	if (buf->data)
		memcpy(data, buf->data, buf->len + 1);
	release(buf);
	return data;
}

int buf_reserve(struct buf *buf, size_t len)
{
	if (len > buf->max || buf->len > buf->max - len)
		return -EMSGSIZE;
	size_t need = buf->len + len + 1;
	if (buf->data && need <= buf->cap)
		return 0;
	size_t cap = buf->cap ? buf->cap : 64;
	while (cap < need)
		cap += cap / 2 + 1;
	if (cap > buf->max + 1)
		cap = buf->max + 1;
	char *data = grow(buf, cap);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int buf_add(struct buf *buf, const void *data, size_t len)
{
	int r = buf_reserve(buf, len);
	if (r < 0)
		return r;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int buf_adds(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

int buf_addc(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;
	int r = buf_reserve(buf, (size_t)len);
	if (r < 0)
		return r;
	va_start(args, format);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
	return 0;
}

char *buf_steal(struct buf *buf)
{
	if (!buf->data && buf_reserve(buf, 0) < 0)
		return NULL;
	buf->data[buf->len] = '\0';
	char *data = TAKE(buf->data);
	buf->len = buf->cap = 0;
	return data;
}

int buf_compare(const struct buf *a, const struct buf *b)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int order = len ? memcmp(a->data, b->data, len) : 0;
	return order ? order : (a->len > b->len) - (a->len < b->len);
}
