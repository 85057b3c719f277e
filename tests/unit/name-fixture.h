/* Long ids and names. */
#ifndef NAME_FIXTURE_H
#define NAME_FIXTURE_H

#include "unit.h"

/* An id of len times x, then tail. */
static inline void fill(struct buf *buf, size_t len, const char *tail)
{
	buf_clear(buf);
	while (len-- > 0)
		assert_int_equal(buf_addc(buf, 'x'), 0);
	assert_int_equal(buf_adds(buf, tail), 0);
}

#endif
