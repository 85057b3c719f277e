/* What the program, or a library, gives back is overwritten. */
#include "unit.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "random.h"

#define SECRET_SIZE 40

/* Made anew each time, so that it stands only where a test puts it. */
static void make_secret(char *out)
{
	for (size_t i = 0; i < SECRET_SIZE - 1; i++)
		out[i] = (char)('a' + (i * 7 + i / 5) % 26);
	out[SECRET_SIZE - 1] = '\0';
}

/* How often it stands in the heap: the test's own memory, so that none that was
 * given back is touched by a pointer to it. */
static size_t count_in_heap(void)
{
	char line[256], secret[SECRET_SIZE];
	unsigned long start = 0, end = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[heap]"))
			sscanf(line, "%lx-%lx", &start, &end);
	}
	fclose(maps);
	assert_true(end > start);
	make_secret(secret);
	size_t count = 0;
	const char *at = (const char *)start;
	while ((at = memmem(
		    at, end - (unsigned long)at, secret, SECRET_SIZE - 1))) {
		count++;
		at++;
	}
	explicit_bzero(secret, sizeof(secret));
	return count;
}

static char *new_secret(size_t size)
{
	char *memory = malloc(size);
	assert_non_null(memory);
	memset(memory, 'x', size);
	make_secret(memory + size - SECRET_SIZE);
	return memory;
}

static void what_is_freed_is_overwritten(void **state)
{
	(void)state;
	for (size_t size = SECRET_SIZE + 16; size < 65000; size += size / 3) {
		char *memory = new_secret(size);
		assert_int_equal(count_in_heap(), 1);
		free(memory);
		assert_int_equal(count_in_heap(), 0);
	}
}

static void what_is_moved_stands_once(void **state)
{
	(void)state;
	for (size_t size = SECRET_SIZE + 16; size < 20000; size += size / 3) {
		char *memory = new_secret(size);
		char *wall = malloc(100); /* it cannot grow where it is */
		memory = realloc(memory, size * 3);
		assert_non_null(memory);
		assert_int_equal(count_in_heap(), 1);
		memory = realloc(memory, 30);
		assert_non_null(memory);
		free(memory);
		free(wall);
	}
	assert_int_equal(count_in_heap(), 0);
}

/* glibc's own calls come here, too. */
static void a_library_overwrites_as_well(void **state)
{
	(void)state;
	char *text = NULL, secret[SECRET_SIZE];
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);
	assert_non_null(stream);
	for (int i = 0; i < 1000; i++) {
		make_secret(secret);
		fputs(secret, stream);
	}
	fclose(stream);
	assert_int_equal(count_in_heap(), 1000);
	free(text);
	explicit_bzero(secret, sizeof(secret));
	assert_int_equal(count_in_heap(), 0);
}

static void contents_survive_any_change_of_size(void **state)
{
	(void)state;
	uint64_t random = 1;
	size_t had = 0;
	unsigned char *memory = NULL;
	for (int i = 0; i < 500; i++) {
		size_t size =
		    1 + random_below(&random, 200000) / (1 + (size_t)i % 50);
		memory = realloc(memory, size);
		assert_non_null(memory);
		for (size_t k = 0; k < had && k < size; k++)
			assert_true(memory[k] == (unsigned char)(k * 31));
		for (size_t k = 0; k < size; k++)
			memory[k] = (unsigned char)(k * 31);
		had = size;
	}
	free(memory);
}

static void the_edges_are_as_ever(void **state)
{
	(void)state;
	errno = ERANGE;
	free(NULL);
	free(malloc(10));
	assert_int_equal(errno, ERANGE);
	void *memory = realloc(NULL, 10);
	assert_non_null(memory);
	volatile size_t too_much = SIZE_MAX / 2 + 1;
	void *more = realloc(memory, too_much);
	assert_int_equal(errno, ENOMEM);
	assert_null(more);
	if (!more)
		free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_freed_is_overwritten),
	    cmocka_unit_test(what_is_moved_stands_once),
	    cmocka_unit_test(a_library_overwrites_as_well),
	    cmocka_unit_test(contents_survive_any_change_of_size),
	    cmocka_unit_test(the_edges_are_as_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
