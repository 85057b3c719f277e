/*
 * Record text as it is shown. Small ones are laid out at once; of a large one
 * only what is read, from a piece of it that is held. Any thread.
 */
#ifndef FS_TEXT_H
#define FS_TEXT_H

#include "json/split.h"
#include "replica/replica.h"

struct texts;

/* Of a replica, which must outlive it. raw: as they came. NULL: out of
 * memory. */
struct texts *texts_new(struct replica *replica, bool raw);

/* NULL is fine. */
void texts_free(struct texts *texts);

/* A text as the server sent it has at most so many bytes. */
#define TEXT_BYTES_MAX JSON_RECORD_MAX

/* Texts that are not larger, as sent and as shown, are handled whole: the
 * kernel reads in pieces of about that size. In bytes. */
#define TEXT_SMALL_MAX ((size_t)128 << 10)

/* Whether a node's is one of them. */
bool text_is_small(const struct node *node);

/* Append a node's whole text in the form that was asked for at the mount; for
 * small ones. 0, -ESTALE, -EPROTO, -ENOMEM, -EMSGSIZE, or an error of the
 * replica. */
int text_load(struct texts *texts, int64_t id, struct buf *out);

/* Append a text as the server sent it in the form that was asked for. 0,
 * -EPROTO, -ENOMEM or -EMSGSIZE. */
int text_lay_out(
    const struct texts *texts, const char *raw, size_t len, struct buf *out);

/* Append up to size bytes of a node's text, from offset on: fewer only where it
 * ends. -EIO where it is not of the size that was told; else likewise. */
int text_read(struct texts *texts, const struct node *node, uint64_t offset,
    size_t size, struct buf *out);

/* Append size bytes of a large one as the server sent it, in whatever form the
 * mount shows it. -EIO where it has not so many; else likewise. */
int text_read_sent(struct texts *texts, int64_t id, uint64_t offset,
    size_t size, struct buf *out);

#endif
