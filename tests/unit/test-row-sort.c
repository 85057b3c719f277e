#include "unit.h"

#include "emulator/store/row_sort.h"

#define ROWS 500

/* Ids that begin alike, are of all lengths, and hold NULs. */
static row_t make_row(uint64_t seed, int64_t updated_ms)
{
	static const char bytes[] = {'\0', 'a', 'b', '\xff'};
	char id[24];
	size_t len = 14 + seed % 8;
	memset(id, 'x', sizeof(id));
	for (size_t i = 12; i < len; i++)
		id[i] = bytes[seed >> 2 * i & 3];
	if (seed % 5 == 0)
		len %= 12;
	const struct document_key key = {
	    .id = id, .id_len = len, .updated_ms = updated_ms};
	struct document *document;
	assert_int_equal(
	    document_new(&key, (struct place){0}, (struct place){0}, &document),
	    0);
	return (row_t)(uintptr_t)document;
}

static void make_rows(row_t rows[ROWS])
{
	uint64_t seed = 7;
	for (size_t i = 0; i < ROWS; i++) {
		seed =
		    seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		int64_t ms = (int64_t)(seed >> 33 & 15);
		/* Generated rows lie among the others. */
		rows[i] = i % 7 == 0 ? i << 1 | 1
				     : make_row(seed >> 20,
					   ms ? ms : DOCUMENT_NO_TIME);
	}
}

static void ids_are_in_order_and_the_later_twin_is_first(void **state)
{
	(void)state;
	row_t rows[ROWS];
	bool twins = false;
	make_rows(rows);
	row_sort_by_id(rows, ROWS);
	for (size_t i = 1; i < ROWS; i++) {
		int order = row_compare_id(rows[i - 1], rows[i]);
		assert_true(order <= 0);
		if (order == 0)
			assert_true(
			    row_compare_updated(rows[i - 1], rows[i]) >= 0);
		twins |= order == 0;
	}
	assert_true(twins);
	for (size_t i = 0; i < ROWS; i++)
		row_unref(rows[i]);
}

static void times_are_in_order_and_ids_decide(void **state)
{
	(void)state;
	row_t rows[ROWS];
	size_t kept = 1;
	make_rows(rows);
	row_sort_by_id(rows, ROWS);
	for (size_t i = 1; i < ROWS; i++)
		if (row_compare_id(rows[kept - 1], rows[i]) == 0)
			row_unref(rows[i]);
		else
			rows[kept++] = rows[i];
	row_sort_by_updated(rows, kept);
	for (size_t i = 1; i < kept; i++)
		assert_true(row_compare_updated(rows[i - 1], rows[i]) < 0);
	for (size_t i = 0; i < kept; i++)
		row_unref(rows[i]);
}

static void none_and_one_are_sorted(void **state)
{
	(void)state;
	row_t row = 3;
	row_sort_by_id(&row, 0);
	row_sort_by_updated(&row, 0);
	row_sort_by_id(&row, 1);
	row_sort_by_updated(&row, 1);
	assert_int_equal(row, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_are_in_order_and_the_later_twin_is_first),
	    cmocka_unit_test(times_are_in_order_and_ids_decide),
	    cmocka_unit_test(none_and_one_are_sorted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
