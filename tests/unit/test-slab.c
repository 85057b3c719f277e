/* Memory that is used again, counted, bounded and given back. Built with
 * -Db_sanitize=thread, the last test also shows that nobody has a piece that
 * another one writes to. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/blob.h"
#include "base/slab.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_WATCHED
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define IS_WATCHED
#endif
#ifdef IS_WATCHED
#include <sanitizer/asan_interface.h>
#endif

#define MIB ((size_t)1 << 20)
#define MOST (4 * MIB)

void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t pos);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t pos);
void *__wrap_mmap64(
    void *at, size_t len, int prot, int flags, int fd, off_t pos);
int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);

static struct slab *slab;
static _Atomic int64_t mapped; /* bytes, of the system's */
static bool no_memory;

/* Not at a large page: some kernels begin there, others do not. */
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t pos)
{
	const size_t aside = 3 * 65536;
	if (no_memory) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	mapped += (int64_t)len;
	char *start = __real_mmap(at, len + aside, prot, flags, fd, pos);
	assert_ptr_not_equal(start, MAP_FAILED);
	__real_munmap(start, aside);
	return start + aside;
}

void *__wrap_mmap64(
    void *at, size_t len, int prot, int flags, int fd, off_t pos)
{
	return __wrap_mmap(at, len, prot, flags, fd, pos);
}

int __wrap_munmap(void *at, size_t len)
{
	mapped -= (int64_t)len;
	return __real_munmap(at, len);
}

static int setup(void **state)
{
	(void)state;
	mapped = 0;
	slab = slab_new(MIB, MOST);
	return slab ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	int64_t left = *slab_account(slab);
	slab_free(slab);
	return left == 0 && mapped == 0 ? 0 : -1;
}

static char *take(size_t size)
{
	char *memory = slab_take(slab, size);
	assert_non_null(memory);
	memory[0] = memory[size - 1] = 'x';
	return memory;
}

static void give(char *memory, size_t size)
{
	slab_give(slab, memory, size);
}

/* Pieces of that size are taken, and given back. */
static void use(size_t count, size_t size)
{
	char *memory[16];
	assert_in_range(count, 1, 16);
	for (size_t i = 0; i < count; i++)
		memory[i] = take(size);
	for (size_t i = 0; i < count; i++)
		give(memory[i], size);
}

static void what_is_given_back_is_taken_again(void **state)
{
	(void)state;
	char *memory = take(2 * MIB);
	assert_int_equal((uintptr_t)memory % (2 * MIB), 0);
	assert_int_equal(slab_kept(slab), 0);
	give(memory, 2 * MIB);
	assert_int_equal(slab_kept(slab), 2 * MIB);
	int64_t before = mapped;
	assert_ptr_equal(take(2 * MIB), memory);
	assert_int_equal(mapped, before);
	assert_int_equal(slab_kept(slab), 0);
	give(memory, 2 * MIB);
}

static void what_is_small_is_not_kept(void **state)
{
	(void)state;
	char *small = take(MIB - 1), *odd = take(MIB + 4096);
	assert_int_equal(mapped, 0);
	give(small, MIB - 1);
	give(odd, MIB + 4096);
	char *empty = slab_take(slab, 0);
	assert_non_null(empty);
	assert_int_equal(mapped, 0);
	give(empty, 0);
	assert_int_equal(slab_kept(slab), 0);
}

/* Of any size, for as long as somebody has them. */
static void bytes_are_counted(void **state)
{
	(void)state;
	char *large = take(3 * MIB), *small = take(1000);
	assert_int_equal(*slab_account(slab), 3 * MIB + 1000);
	give(large, 3 * MIB);
	assert_int_equal(*slab_account(slab), 1000);
	large = take(3 * MIB);
	assert_int_equal(*slab_account(slab), 3 * MIB + 1000);
	give(small, 1000);
	give(large, 3 * MIB);
	assert_int_equal(*slab_account(slab), 0);
}

static void no_more_is_kept_than_was_said(void **state)
{
	(void)state;
	use(10, MIB);
	assert_int_equal(slab_kept(slab), MOST);
	use(10, MIB);
	assert_int_equal(slab_kept(slab), MOST);
	use(1, 2 * MOST);
	assert_true(slab_kept(slab) <= MOST);
}

static void the_one_given_back_last_is_taken_first(void **state)
{
	(void)state;
	char *one = take(MIB), *two = take(MIB), *other = take(2 * MIB);
	give(one, MIB);
	give(two, MIB);
	give(other, 2 * MIB);
	int64_t before = mapped;
	assert_ptr_equal(take(MIB), two);
	assert_ptr_equal(take(MIB), one);
	assert_ptr_equal(take(2 * MIB), other);
	assert_int_equal(mapped, before);
	give(other, 2 * MIB);
	give(two, MIB);
	assert_ptr_equal(take(2 * MIB), other);
	assert_int_equal(mapped, before);
	give(other, 2 * MIB);
	give(one, MIB);
}

/* What was kept of another size is of no use any more. */
static void another_size_gets_room(void **state)
{
	(void)state;
	use(4, MIB);
	for (int i = 0; i < 4; i++)
		use(2, 2 * MIB);
	assert_int_equal(slab_kept(slab), MOST);
	char *one = take(2 * MIB), *two = take(2 * MIB);
	assert_int_equal(slab_kept(slab), 0);
	give(one, 2 * MIB);
	give(two, 2 * MIB);
}

static void what_nobody_takes_for_a_while_goes_back(void **state)
{
	(void)state;
	char *out = take(2 * MIB);
	use(1, 2 * MIB);
	assert_true(slab_age(slab)); /* a while begins */
	assert_int_equal(slab_kept(slab), 2 * MIB);
	use(1, 2 * MIB);
	assert_true(slab_age(slab));
	assert_int_equal(slab_kept(slab), 2 * MIB);
	assert_false(slab_age(slab));
	assert_int_equal(slab_kept(slab), 0);
	/* What comes late is not kept either ... */
	give(out, 2 * MIB);
	assert_int_equal(slab_kept(slab), 0);
	assert_int_equal(mapped, 0);
	assert_false(slab_age(slab));
	/* ... before there is use for it again. */
	use(1, 2 * MIB);
	assert_int_equal(slab_kept(slab), 2 * MIB);
	assert_true(slab_age(slab));
}

static void without_memory_nothing_is_taken(void **state)
{
	(void)state;
	use(1, MIB);
	no_memory = true;
	void *memory = slab_take(slab, 2 * MIB);
	struct blob *blob = blob_new(2 * MIB, slab);
	no_memory = false;
	assert_null(memory);
	assert_null(blob);
	assert_int_equal(*slab_account(slab), 0);
	use(1, 2 * MIB);
}

static void a_blob_has_its_bytes_until_its_last_reference_goes(void **state)
{
	(void)state;
	struct blob *blob = blob_new(MIB, slab);
	assert_non_null(blob);
	char *data = blob->data;
	blob_unref(blob_ref(blob));
	assert_int_equal(*slab_account(slab), MIB);
	assert_int_equal(slab_kept(slab), 0);
	blob_unref(blob);
	assert_int_equal(*slab_account(slab), 0);
	assert_ptr_equal(take(MIB), data);
	give(data, MIB);
}

#ifdef IS_WATCHED
/* AddressSanitizer tells of who uses what he may not. */
static void what_nobody_has_may_not_be_used(void **state)
{
	(void)state;
	char *memory = take(MIB);
	assert_false(__asan_address_is_poisoned(memory + MIB - 1));
	assert_true(__asan_address_is_poisoned(memory + MIB));
	give(memory, MIB);
	assert_true(__asan_address_is_poisoned(memory));
	assert_true(__asan_address_is_poisoned(memory + MIB - 1));
	assert_ptr_equal(take(MIB), memory);
	assert_false(__asan_address_is_poisoned(memory));
	give(memory, MIB);
}
#endif

/* ---- several threads ---- */

#define ROUNDS 2000
#define HANDS 3

/* One blob is in several hands: who has it reads what it was filled with, and
 * whoever lets go last gives it back. */
struct round {
	struct blob *blob;
	pthread_barrier_t begin, end;
	_Atomic bool wrong;
};

static void let_go(struct round *round, size_t number)
{
	const char *data = round->blob->data;
	char mark = (char)number;
	if (data[0] != mark || data[MIB - 1] != mark)
		round->wrong = true;
	blob_unref(round->blob);
}

static void *hold(void *ctx)
{
	struct round *round = ctx;
	for (size_t i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&round->begin);
		let_go(round, i);
		pthread_barrier_wait(&round->end);
	}
	return NULL;
}

static void any_thread_may_give_back(void **state)
{
	(void)state;
	struct round round = {0};
	pthread_t threads[HANDS];
	pthread_barrier_init(&round.begin, NULL, HANDS + 1);
	pthread_barrier_init(&round.end, NULL, HANDS + 1);
	for (size_t i = 0; i < HANDS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, hold, &round), 0);
	for (size_t i = 0; i < ROUNDS; i++) {
		round.blob = blob_new(MIB, slab);
		assert_non_null(round.blob);
		round.blob->data[0] = round.blob->data[MIB - 1] = (char)i;
		for (size_t n = 0; n < HANDS; n++)
			blob_ref(round.blob);
		pthread_barrier_wait(&round.begin);
		let_go(&round, i);
		/* Others may still have the last one. */
		char *next = take(MIB);
		give(next, MIB);
		pthread_barrier_wait(&round.end);
	}
	for (size_t i = 0; i < HANDS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&round.begin);
	pthread_barrier_destroy(&round.end);
	assert_false(round.wrong);
	assert_in_range(slab_kept(slab), MIB, 2 * MIB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_given_back_is_taken_again),
	    TEST(what_is_small_is_not_kept),
	    TEST(bytes_are_counted),
	    TEST(no_more_is_kept_than_was_said),
	    TEST(the_one_given_back_last_is_taken_first),
	    TEST(another_size_gets_room),
	    TEST(what_nobody_takes_for_a_while_goes_back),
	    TEST(without_memory_nothing_is_taken),
	    TEST(a_blob_has_its_bytes_until_its_last_reference_goes),
#ifdef IS_WATCHED
	    TEST(what_nobody_has_may_not_be_used),
#endif
	    TEST(any_thread_may_give_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
