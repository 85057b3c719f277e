/*
 * What a directory holds, told apart from what it held before, or will: by the
 * names, sizes and times of its files, without reading them. For the server of
 * a directory.
 */
#ifndef COMMAND_FINGERPRINT_H
#define COMMAND_FINGERPRINT_H

/*
 * The fingerprint of dir and of all directories in it. It changes with each
 * file that is written, renamed, removed or put in another's place, also where
 * a copy has kept the times (the kernel notes a change by itself). *ret_text is
 * the caller's; NULL: something changed a moment ago, so that a further change
 * might leave no trace. 0, -ENOMEM, or why the directory cannot be read.
 * Blocks. Any thread.
 */
int fingerprint_of(const char *dir, char **ret_text);

#endif
