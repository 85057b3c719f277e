/* What a browser can show of a stored file, by its type. Pure. */
#ifndef EMULATOR_MEDIA_H
#define EMULATOR_MEDIA_H

#include <stdbool.h>

enum media { MEDIA_OTHER, MEDIA_PICTURE, MEDIA_SOUND, MEDIA_FILM, MEDIA_TEXT };

/* type as in Content-Type, parameters allowed. */
enum media media_of(const char *type);

/* Whether it may be opened by itself. All else is for saving only: of SVG, a
 * picture, a browser would run the scripts. */
bool media_opens(const char *type);

#endif
