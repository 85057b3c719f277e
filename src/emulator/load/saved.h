/*
 * One saved file: a record out of its text, and what is said of a file that is
 * not as it should be.
 */
#ifndef EMULATOR_SAVED_H
#define EMULATOR_SAVED_H

#include "emulator/store/document.h"

/* A record; of a stored file's, if that was asked for, its members originalName
 * and size, too. */
struct saved {
	struct document *document; /* a reference */
	char *original;		   /* owned, or NULL */
	size_t original_len;
	int64_t claim; /* how large the content should be; 0: not said */
};

/* Give back what it holds. */
void saved_done(struct saved *saved);

/* Say on stderr what is wrong with a file; dir is "" in the root. Returns
 * -EPROTO. */
int saved_complain(const char *dir, const char *name, const char *what);

/* Say what an error of saved_take means. Returns -EPROTO. */
int saved_explain(const char *dir, const char *name, int error);

/* Whether a text begins with UTF-16's byte order mark. Any thread. */
bool saved_is_utf16(const char *text, size_t len);

/*
 * Make ready for reading what is the text in place, and has been read into it:
 * unpack it if it was packed with gzip (spool: see gzip_unpack), and leave a
 * byte order mark and white space around it out. 0, -EILSEQ (UTF-16), or what
 * gzip_unpack and place_read say.
 */
int saved_open_text(
    struct place *place, struct buf *text, struct unpacked **spool);

/* A record from such a text. The place is taken over, also on failure. Any
 * thread. 0, -EPROTO (no JSON object), -EINVAL (it names no id), or what
 * saved_open_text says. */
int saved_take(struct place place, struct buf *text, bool with_original,
    struct unpacked **spool, struct saved *ret_saved);

/* The same from a text that is ready, which the place does not own. */
int saved_read(const struct place *place, const char *text, size_t len,
    bool with_original, struct saved *ret_saved);

#endif
