/* Backups that were packed into one file, which are not unpacked here. */
#ifndef EMULATOR_BUNDLE_H
#define EMULATOR_BUNDLE_H

/* Whether a name is that of an archive, as its ending has it. */
int bundle_is_name(const char *name);

/* Say on stderr of a file that was given for a directory what it is, as its
 * first bytes have it, and how to unpack it. */
void bundle_explain(const char *path);

#endif
