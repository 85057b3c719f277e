/*
 * The sockets of curl's connections: opened with what finds a dead peer,
 * counted, and made do with where descriptors are scarce. For the files that
 * drive curl. Loop thread only.
 */
#ifndef HTTP_CURL_SOCKET_H
#define HTTP_CURL_SOCKET_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of one multi handle, which it must outlive. All zero: none yet. */
struct sockets {
	size_t open;
	bool short_of_them; /* there was no descriptor for another one */
};

/* What one transfer asks for. */
struct socket_wish {
	struct sockets *sockets;
	int err; /* why there is no socket: -EMFILE or -ENFILE; 0 */
};

/* Let a handle's connections have sockets from here. wish must stay until the
 * handle is reset or gone. */
void socket_attach(CURL *easy, struct socket_wish *wish);

/* A transfer over this handle got nothing for silence_ms: if its connection did
 * not either, whatever it carries, end that. What it carries ends as well, and
 * curl does not use it again, as it would one of HTTP/2 that may be shared. */
void socket_end_if_mute(CURL *easy, int64_t silence_ms);

/* Where one was missing, from here on do with as many as there are: further
 * transfers wait for one of these. */
void sockets_make_do(struct sockets *sockets, CURLM *multi);

#endif
