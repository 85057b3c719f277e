#include "api/date_form.h"

#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"

#define QUARTER_MS (15 * 60 * INT64_C(1000))
#define DAY_MS (24 * 60 * 60 * INT64_C(1000))

/* Offsets are less than this, in quarters of an hour. */
#define QUARTERS_MAX 64

/* Characters of a day, and of a day and a time without decimals. */
#define DAY_LEN 10
#define TIME_LEN 19

static const char separators[] = "T t";

/* A form of texts, taken apart. */
struct text_form {
	bool vague;
	unsigned separator; /* its index */
	int quarters;	    /* of an hour, east of UTC */
};

static unsigned pack(const struct text_form *form)
{
	unsigned offset = (unsigned)(form->quarters + QUARTERS_MAX);
	return DATE_FORM_TEXTS +
	       (((offset << 2 | form->separator) << 1) | form->vague);
}

static struct text_form unpack(unsigned form)
{
	unsigned bits = form - DATE_FORM_TEXTS;
	return (struct text_form){
	    .vague = bits & 1,
	    .separator = bits >> 1 & 3,
	    .quarters = (int)(bits >> 3) - QUARTERS_MAX,
	};
}

/* ---- reading ---- */

/* Whether a text begins as the pattern says: 0 is a digit, ? is anything. */
static bool is_like(const char *text, size_t len, const char *pattern)
{
	size_t i = 0;
	for (; i < len && pattern[i]; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';
		if (pattern[i] == '0'
			? !digit
			: pattern[i] != '?' && text[i] != pattern[i])
			return false;
	}
	return !pattern[i];
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

/* "+09", "+0900" or "+09:00". */
static bool read_offset(const char *text, size_t len, int *ret_quarters)
{
	int minutes = 0;
	if (!is_like(text, len, "?00") || (*text != '+' && *text != '-'))
		return false;
	if (len == 5 && is_like(text, len, "?0000"))
		minutes = two_digits(text + 3);
	else if (len == 6 && is_like(text, len, "?00:00"))
		minutes = two_digits(text + 4);
	else if (len != 3)
		return false;
	minutes += 60 * two_digits(text + 1);
	*ret_quarters = (*text == '-' ? -minutes : minutes) / 15;
	return minutes % 15 == 0 && minutes < 15 * QUARTERS_MAX;
}

/* What stands behind the seconds. */
static bool read_rest(const char *text, size_t len, struct text_form *form)
{
	size_t decimals = 0;
	if (len && *text == '.') {
		while (1 + decimals < len && text[1 + decimals] >= '0' &&
		       text[1 + decimals] <= '9')
			decimals++;
		text += 1 + decimals;
		len -= 1 + decimals;
	}
	form->vague = decimals != 3 || len != 1 || *text != 'Z';
	return len == 0 || (len == 1 && (*text == 'Z' || *text == 'z')) ||
	       read_offset(text, len, &form->quarters);
}

static unsigned form_of_text(const char *text, size_t len)
{
	struct text_form form = {0};
	if (len == DAY_LEN && is_like(text, len, "0000-00-00"))
		return DATE_FORM_DAY;
	if (!is_like(text, len, "0000-00-00?00:00:00"))
		return DATE_FORM_MIXED;
	const char *at = strchr(separators, text[DAY_LEN]);
	if (!at || !*at || !read_rest(text + TIME_LEN, len - TIME_LEN, &form))
		return DATE_FORM_MIXED;
	form.separator = (unsigned)(at - separators);
	return pack(&form);
}

/* The unit is told by the magnitude: see timestamp_parse_count. */
static unsigned form_of_number(const char *text, size_t len)
{
	size_t sign = len && *text == '-', digits = 0;
	while (sign + digits < len && text[sign + digits] >= '0' &&
	       text[sign + digits] <= '9')
		digits++;
	if (sign + digits < len && text[sign + digits] != '.')
		return DATE_FORM_MIXED;
	return digits <= 11   ? DATE_FORM_SECONDS
	       : digits <= 14 ? DATE_FORM_MILLISECONDS
			      : DATE_FORM_MICROSECONDS;
}

unsigned date_form_of(struct json_span value)
{
	if (json_is_object(value))
		return DATE_FORM_OBJECT;
	if (!json_is_string(value))
		return form_of_number(value.text, value.len);
	return form_of_text(value.text + 1, value.len - 2);
}

unsigned date_form_add(unsigned form, unsigned other)
{
	if (form == other || other == DATE_FORM_NONE)
		return form;
	if (form == DATE_FORM_NONE)
		return other;
	if (form < DATE_FORM_TEXTS || other < DATE_FORM_TEXTS)
		return DATE_FORM_MIXED;
	struct text_form one = unpack(form), two = unpack(other);
	if (one.separator != two.separator || one.quarters != two.quarters)
		return DATE_FORM_MIXED;
	one.vague = true;
	return pack(&one);
}

/* ---- writing ---- */

bool date_form_is_vague(unsigned form)
{
	return form == DATE_FORM_DAY ||
	       (form >= DATE_FORM_TEXTS && unpack(form).vague);
}

bool date_form_is_opaque(unsigned form)
{
	return form == DATE_FORM_MIXED ||
	       (form >= DATE_FORM_SECONDS && form <= DATE_FORM_OBJECT);
}

int64_t date_form_floor(unsigned form, int64_t ms)
{
	if (!date_form_is_vague(form))
		return ms;
	int64_t unit = form == DATE_FORM_DAY ? DAY_MS : 1000;
	int64_t over = ms % unit;
	if (over < 0)
		over += unit;
	/* Of a day, the text has nothing behind it. */
	return ms - over - (form == DATE_FORM_DAY ? 0 : unit);
}

int date_form_write(unsigned form, int64_t ms, struct buf *out)
{
	char text[TIMESTAMP_SIZE];
	if (form == DATE_FORM_DAY)
		return buf_printf(
		    out, "\"%.*s\"", DAY_LEN, timestamp_format(ms, text));
	if (form < DATE_FORM_TEXTS)
		return buf_printf(out, "\"%s\"", timestamp_format(ms, text));
	struct text_form own = unpack(form);
	int minutes = 15 * own.quarters;
	timestamp_format(ms + own.quarters * QUARTER_MS, text);
	/* A year that four digits cannot hold has no such form. */
	if (text[DAY_LEN] != 'T')
		return buf_printf(out, "\"%s\"", timestamp_format(ms, text));
	text[DAY_LEN] = separators[own.separator];
	if (minutes == 0)
		return buf_printf(out, "\"%s\"", text);
	return buf_printf(out, "\"%.*s%c%02d:%02d\"", TIME_LEN, text,
	    minutes < 0 ? '-' : '+', (minutes < 0 ? -minutes : minutes) / 60,
	    (minutes < 0 ? -minutes : minutes) % 60);
}
