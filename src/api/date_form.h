/*
 * The form in which an item writes a date: what has to be the same of all dates
 * for a server that compares them as texts to compare them as times. Pure and
 * thread-safe. Told with each record (record.h); sync/ asks by it for what
 * changed.
 */
#ifndef API_DATE_FORM_H
#define API_DATE_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "json/json.h"

/*
 * A form is a number. Texts of one form have the same character between day and
 * time, and the same offset from UTC; how many decimals they have may differ,
 * and so may what UTC is called: within a second, such dates are in no order.
 */
enum {
	DATE_FORM_NONE,	 /* of no date */
	DATE_FORM_MIXED, /* of several, or one that nothing is known of */
	DATE_FORM_SECONDS,
	DATE_FORM_MILLISECONDS,
	DATE_FORM_MICROSECONDS,
	DATE_FORM_OBJECT, /* {"$date":…} */
	DATE_FORM_DAY,	  /* without a time */
	DATE_FORM_TEXTS,  /* from here on */
};

/* Forms need so many bits. */
#define DATE_FORM_BITS 11

/* The form of a date that json_date reads. */
unsigned date_form_of(struct json_span value);

/* That of dates of either. */
unsigned date_form_add(unsigned form, unsigned other);

/* Whether two dates of the form may be in no order: they are of one second (of
 * one day). */
bool date_form_is_vague(unsigned form);

/* Whether it is not clear with what a server compares dates of that form:
 * perhaps with none that can be sent. */
bool date_form_is_opaque(unsigned form);

/* The earliest time that date_form_write says of ms: no later than that, and by
 * less than two of the form's units. */
int64_t date_form_floor(unsigned form, int64_t ms);

/*
 * Append, as JSON, the time ms (a floor) in that form, or in the service's own
 * where it is none that a text can have: whoever compares texts finds all dates
 * of that form not less which are of the time or later. 0 or -errno of buf.
 */
int date_form_write(unsigned form, int64_t ms, struct buf *out);

#endif
