#include "command/check_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/refusal.h"

void check_print_reason(const struct api_error *error)
{
	char text[400], code[200];
	if (!error->status) {
		printf("%s", strerror(-error->err));
		return;
	}
	log_make_safe(refusal_words(error), text, sizeof(text));
	log_make_safe(error->code, code, sizeof(code));
	if (error->message[0] && error->code[0])
		printf("%s (%s, %d)", text, code, error->status);
	else
		printf("%s (%d)", text, error->status);
}

void check_print_bytes(double bytes)
{
	static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
	size_t i = 0;
	for (; bytes >= 1000 && i + 1 < ARRAY_SIZE(units); i++)
		bytes /= 1000;
	printf(i ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}

void check_print_count(int64_t count, const char *one)
{
	printf("%" PRId64 " %s%s", count, one, count == 1 ? "" : "s");
}

int64_t check_count_of(const struct survey_listing *listing)
{
	return listing->total >= 0 ? listing->total : listing->seen;
}

void check_print_items(const struct survey_listing *listing, const char *one)
{
	if (listing->total < 0 && listing->more)
		printf("at least ");
	check_print_count(check_count_of(listing), one);
}
