/*
 * What happens in a run, in words; kept only when it is wanted. And findings:
 * the first one ends a run.
 */
#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H

#include <stdbool.h>
#include <stddef.h>

/* A run begins. wanted: print what happens. */
void trace_reset(bool wanted);

void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A property does not hold. kind: a word that tells it from the others. */
void finding(const char *kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What was found in this run; NULL: nothing. */
const char *finding_kind(void);
const char *finding_text(void);

/* Properties of that kind are not looked at. */
void finding_leave_out(const char *kind);

#endif
