/*
 * The certificates of those who are trusted, in a file that may be replaced
 * while we live. curl keeps what it read for a day; here it is told since when
 * that is out of date. Called by curl_easy.c; loop thread only.
 */
#ifndef HTTP_TRUST_H
#define HTTP_TRUST_H

#include <stdint.h>
#include <sys/stat.h>

/* So long curl keeps what it read where nothing is said, in seconds. */
#define TRUST_KEPT_S 86400

struct trust {
	const char *path; /* borrowed; NULL: in no file, or nobody knows */
	struct stat st;
	int64_t changed_ms; /* when it was first seen to be another one; 0:
			       never. Monotonic */
};

/* The file as it is now is the one that curl is going to read. */
void trust_init(struct trust *trust, const char *path);

/* What was read no longer ago than this, in seconds, is up to date. */
long trust_kept_s(struct trust *trust);

#endif
