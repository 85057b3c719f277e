#include "emulator/service/credentials_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/own_dir.h"

/* Longer values are nobody's. */
#define LINE_SIZE 512

static int fail(const char *path, int err, const char *what)
{
	log_error("%s: %s", path, what);
	return err;
}

/* ---- where ---- */

static int find_path(const char *data, char **ret_path)
{
	CLEANUP_FREE char *real = realpath(data, NULL);
	CLEANUP_FREE char *dir = NULL, *own = NULL;
	if (!real)
		return fail(data, -errno, strerror(errno));
	int r = own_dir_default(OWN_DIR_STATE, &dir);
	if (r == -ENOENT) {
		log_error("no place for credentials: %s, or give"
			  " --credentials FILE",
		    own_dir_nowhere(OWN_DIR_STATE));
		return r;
	}
	if (r < 0)
		return r;
	r = own_dir_make(dir, &own);
	if (r < 0) {
		log_error("%s is no place for credentials: %s; or choose"
			  " another with --credentials FILE",
		    dir, own_dir_problem(r));
		return r;
	}
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, real, strlen(real));
	return asprintf(ret_path, "%s/emulator-%016" PRIx64, own, hash) < 0
		   ? -ENOMEM
		   : 0;
}

/* ---- reading ---- */

/* A shell takes it as it stands, and so does a header line. */
static bool is_plain(const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789@%+=:,./_-";
	return *value && value[strspn(value, plain)] == '\0';
}

static bool has_form(enum credential which, const char *value)
{
	switch (which) {
	case PUBLISHABLE_KEY:
		return strncmp(value, "pk_", 3) == 0;
	case SECRET_KEY:
		return strncmp(value, "sk_", 3) == 0;
	case EMAIL:
		return strchr(value, '@') != NULL;
	default:
		return true;
	}
}

/* NAME=value; lines of other names are somebody else's. */
static int take_line(
    struct credentials *credentials, const char *path, char *line)
{
	line[strcspn(line, "\r\n")] = '\0';
	char *value = strchr(line, '=');
	if (!value)
		return 0;
	*value++ = '\0';
	for (size_t i = 0; i < CREDENTIALS; i++) {
		if (strcmp(line, credential_names[i]) != 0)
			continue;
		if (!is_plain(value) || !has_form((enum credential)i, value)) {
			log_error("%s: the value of %s cannot be one: letters,"
				  " digits and @%%+=:,./_- only",
			    path, line);
			return -EINVAL;
		}
		free_secret(credentials->values[i]);
		credentials->values[i] = strdup(value);
		return credentials->values[i] ? 0 : -ENOMEM;
	}
	return 0;
}

static int read_lines(
    struct credentials *credentials, const char *path, FILE *file)
{
	char line[LINE_SIZE];
	int r = 0;
	while (r == 0 && fgets(line, sizeof(line), file))
		r = take_line(credentials, path, line);
	explicit_bzero(line, sizeof(line));
	for (size_t i = 0; r == 0 && i < CREDENTIALS; i++) {
		if (!credentials->values[i]) {
			log_error("%s: it has no line %s=…", path,
			    credential_names[i]);
			r = -EINVAL;
		}
	}
	return r;
}

static int check_file(const char *path, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return fail(path, -errno, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(path, -EINVAL, "not a file");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fail(path, -EPERM, "it belongs to somebody else");
	if (st.st_mode & 077)
		return fail(path, -EPERM,
		    "others have access to it: give it mode 0600");
	return 0;
}

static int read_file(struct credentials *credentials, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT
				       : fail(path, -errno, strerror(errno));
	int r = check_file(path, fd);
	FILE *file = r == 0 ? fdopen(fd, "r") : NULL;
	if (!file) {
		close(fd);
		return r < 0 ? r : -ENOMEM;
	}
	r = read_lines(credentials, path, file);
	fclose(file);
	return r;
}

/* ---- writing ---- */

static int write_all(int fd, const struct credentials *credentials)
{
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, BUF_MAX_DEFAULT);
	int r = 0;
	for (size_t i = 0; r == 0 && i < CREDENTIALS; i++)
		r = buf_printf(&text, "%s=%s\n", credential_names[i],
		    credentials->values[i]);
	if (r == 0 && write(fd, text.data, text.len) != (ssize_t)text.len)
		r = errno ? -errno : -EIO;
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

static int write_file(const struct credentials *credentials, const char *path)
{
	CLEANUP_FREE char *temporary = NULL;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	CLEANUP_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(path, -errno, strerror(errno));
	int r = write_all(fd, credentials);
	/* Never over one that is there. */
	if (r == 0 && link(temporary, path) < 0)
		r = -errno;
	unlink(temporary);
	return r < 0 && r != -EEXIST ? fail(path, r, strerror(-r)) : r;
}

/* ---- which ---- */

/* Take what is kept, or make and keep them. Somebody may do the same at the
 * same time: then theirs count. */
static int read_or_make(struct credentials *credentials, const char *path)
{
	int r = read_file(credentials, path);
	if (r != -ENOENT)
		return r;
	r = credentials_set_random(credentials);
	if (r == 0)
		r = write_file(credentials, path);
	if (r == -EEXIST) {
		credentials_done(credentials);
		r = read_file(credentials, path);
	}
	return r;
}

int credentials_file_load(
    struct credentials *credentials, const char *data, const char *file)
{
	CLEANUP_FREE char *path = NULL;
	int r = 0;
	*credentials = (struct credentials){0};
	if (!data && !file)
		r = credentials_set_sample(credentials);
	else if (file)
		r = (path = strdup(file)) ? 0 : -ENOMEM;
	else
		r = find_path(data, &path);
	if (r == 0 && path)
		r = read_or_make(credentials, path);
	if (r < 0)
		credentials_done(credentials);
	return r;
}
