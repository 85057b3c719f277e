/* What every unit test includes: cmocka with its prerequisites, and literals
 * that may hold NULs. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

/* A literal as two arguments: text, length. */
#define TEXT(literal) (literal), (sizeof(literal) - 1)

#define assert_text(actual, actual_len, expected, expected_len)                \
	do {                                                                   \
		assert_int_equal(actual_len, expected_len);                    \
		assert_memory_equal(actual, expected, expected_len);           \
	} while (0)

#define assert_buf(buf, literal)                                               \
	assert_text(buf_str(buf), (buf)->len, literal, sizeof(literal) - 1)

#endif
