/*
 * A JSON value as people read it: an object as a list of names and values, an
 * array as a list, every number as it was written. For the pages; not
 * thread-safe.
 */
#ifndef EMULATOR_VALUE_VIEW_H
#define EMULATOR_VALUE_VIEW_H

#include "emulator/page/page_view.h"

/* A token's text, a string decoded, ended with an ellipsis after most
 * characters. */
void value_view_cut(struct html *html, struct json_span token, size_t most);

/* All of a value. Strings that are the id of something else that is served
 * become links to it; own is the id that the page is about. What would make the
 * page huge is left out, and said so. 0 or -EPROTO. */
int value_view_write(
    const struct view *view, struct json_span value, const struct buf *own);

#endif
