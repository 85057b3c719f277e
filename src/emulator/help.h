/* What --help prints, in parts; NULL ends them. For command_line.c. */
#ifndef EMULATOR_HELP_H
#define EMULATOR_HELP_H

extern const char *const help_text[];

#endif
