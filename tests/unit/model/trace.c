#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

#define LEFT_OUT_MAX 16

static bool wanted;
static char kind[32];
static char text[400];
static const char *left_out[LEFT_OUT_MAX];
static size_t left_out_count;

void trace_reset(bool is_wanted)
{
	wanted = is_wanted;
	kind[0] = '\0';
}

/* Without what all ids have in common, and without line ends within. */
static void print_text(const char *line)
{
	static const char common[] = "507f1f77bcf86cd70000";
	const char *at;
	while ((at = strstr(line, common))) {
		printf("%.*s~", (int)(at - line), line);
		line = at + strlen(common);
	}
	puts(line);
}

void trace(const char *format, ...)
{
	static char line[1 << 16];
	va_list arguments;
	if (!wanted)
		return;
	printf("%9.3f  ", (double)(clock_true_ms() - FAKE_BEGIN_MS) / 1000);
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	print_text(line);
}

void finding(const char *new_kind, const char *format, ...)
{
	va_list arguments;
	for (size_t i = 0; i < left_out_count; i++) {
		if (strcmp(left_out[i], new_kind) == 0)
			return;
	}
	if (kind[0])
		return;
	snprintf(kind, sizeof(kind), "%s", new_kind);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	trace("*** %s: %s", kind, text);
}

const char *finding_kind(void)
{
	return kind[0] ? kind : NULL;
}

const char *finding_text(void)
{
	return text;
}

void finding_leave_out(const char *new_kind)
{
	if (left_out_count < LEFT_OUT_MAX)
		left_out[left_out_count++] = new_kind;
}
