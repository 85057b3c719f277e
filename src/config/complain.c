#include "config/complain.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

/* What is said is cut to this. */
#define MESSAGE_SIZE 2048

static void say(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

static void say(const char *format, va_list args)
{
	char text[MESSAGE_SIZE], line[MESSAGE_SIZE];
	vsnprintf(text, sizeof(text), format, args);
	log_make_safe(text, line, sizeof(line));
	fprintf(stderr, "bkendfs: %s\n", line);
}

int complain(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
	return EXIT_USAGE;
}

int failed(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
	return EXIT_COULD_NOT;
}

int failed_for_memory(void)
{
	return failed("out of memory");
}
