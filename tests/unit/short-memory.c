#include "short-memory.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

static long left = -1; /* allocations before one fails; -1: none does */
static bool for_good;  /* it is not the only one */
static bool failed;

void memory_fail_after(long count)
{
	left = count;
	for_good = failed = false;
}

void memory_end_after(long count)
{
	memory_fail_after(count);
	for_good = true;
}

bool memory_is_whole_again(void)
{
	left = -1;
	return failed;
}

static bool fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	if (for_good)
		left = 0;
	failed = true;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t pos);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t pos);
void *__wrap_mmap64(
    void *at, size_t len, int prot, int flags, int fd, off_t pos);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t pos)
{
	if (!fails())
		return __real_mmap(at, len, prot, flags, fd, pos);
	errno = ENOMEM;
	return MAP_FAILED;
}

void *__wrap_mmap64(
    void *at, size_t len, int prot, int flags, int fd, off_t pos)
{
	return __wrap_mmap(at, len, prot, flags, fd, pos);
}
