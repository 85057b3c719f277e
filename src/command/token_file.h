/*
 * The tokens of a session that came from elsewhere: a social sign-in has no
 * password, so that there is no other way back in. A refresh token is good for
 * one use, and each answer brings the next; whichever mount has it writes it
 * down, for those beside it and those to come, in a file that is ours alone.
 *
 * Never is a token sent twice, for a second use looks like a theft, and ends
 * all sessions of its user: a lock is held while one is used, and before that
 * the file says that it is gone.
 */
#ifndef COMMAND_TOKEN_FILE_H
#define COMMAND_TOKEN_FILE_H

#include "api/answer.h"
#include "config/options.h"

/*
 * See to it that there is a token to begin with, where such a session is set:
 * the one that is written down, else the one that is given, or what its command
 * prints, if that was not used before. Waits for another mount that uses one
 * just now. 0, or an exit status after a complaint. Main thread, while that is
 * the only one.
 */
int token_file_prepare(const struct options *options);

struct token_file;

/* *ret_file is NULL where no such session is set. The options are borrowed for
 * its life. 0, or an exit status after a complaint. */
int token_file_open(
    const struct options *options, struct token_file **ret_file);

/* A token that is in use then is lost. NULL is fine. */
void token_file_close(struct token_file *file);

/* What struct api_keeper asks for (token_keeper.h), done at once: both wait for
 * the disk. One thread a time; token_worker.c's. 0, -EAGAIN, -ENOENT, or why
 * not, which was told. */
int token_file_take(struct token_file *file, struct answer_tokens *ret_pair);

/* The same of what came of it. That it could not be written is told. */
void token_file_keep(struct token_file *file, const struct answer_tokens *pair);

#endif
