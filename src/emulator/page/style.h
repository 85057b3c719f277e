/* What the pages look like: style.css and icon.svg, taken in by embed.py. */
#ifndef EMULATOR_STYLE_H
#define EMULATOR_STYLE_H

#include <stddef.h>

extern const char style_sheet[];
extern const size_t style_sheet_size;

extern const char style_icon[];
extern const size_t style_icon_size;

#endif
