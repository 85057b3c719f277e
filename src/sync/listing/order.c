#include "sync/listing/order.h"

/* Decimal digits alone, without a zero in front. */
static bool is_number(const struct buf *id)
{
	const char *text = buf_str(id);
	for (size_t i = 0; i < id->len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return id->len > 0 && (text[0] != '0' || id->len == 1);
}

static int compare_numbers(const struct buf *a, const struct buf *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return buf_compare(a, b);
}

unsigned order_after(
    unsigned orders, const struct buf *first, const struct buf *second)
{
	int bytes = buf_compare(first, second);
	bool numbers = is_number(first) && is_number(second);
	int value = numbers ? compare_numbers(first, second) : 0;
	if (bytes >= 0)
		orders &= ~(unsigned)ORDER_BYTES;
	if (bytes <= 0)
		orders &= ~(unsigned)ORDER_BYTES_DOWN;
	if (value >= 0)
		orders &= ~(unsigned)ORDER_NUMBERS;
	if (value <= 0)
		orders &= ~(unsigned)ORDER_NUMBERS_DOWN;
	return orders;
}

bool order_reaches(unsigned orders, const struct buf *a, const struct buf *b)
{
	if (orders & ORDER_BYTES)
		return buf_compare(a, b) <= 0;
	if (orders & ORDER_BYTES_DOWN)
		return buf_compare(a, b) >= 0;
	if (orders & ORDER_NUMBERS)
		return compare_numbers(a, b) <= 0;
	return compare_numbers(a, b) >= 0;
}
