/* The header lines of an answer, as the transport gets them one by one. Pure
 * and thread-safe. Called by curl_transfer.c. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http/http.h"

/* Nothing is known yet. */
void http_head_reset(struct http_head *head);

/* A new answer begins, with "HTTP/…": forget the last one. */
void http_head_begin(struct http_head *head);

/* Learn from one line, "Name: value" with or without its end; line is changed.
 * Unknown names and broken values are passed over. The value, without white
 * space around it, of the name that line then is; NULL: it is no field. */
const char *http_head_parse(struct http_head *head, char *line);

#endif
