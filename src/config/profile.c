#include "config/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/home.h"
#include "base/utf8.h"
#include "config/complain.h"
#include "config/environment.h"
#include "config/setting.h"
#include "config/similar.h"

#define FILE_SIZE_MAX ((size_t)1 << 20)
/* inih cuts longer names of sections and keys. */
#define NAME_LEN_MAX 48
/* Profiles that a complaint can name. */
#define NAMES_MAX 64

struct reading {
	const char *path;
	const char *wanted;
	struct options *options;
	char *rest;  /* of the text */
	char *value; /* of this line, in the text; NULL: it has none */
	int line;
	bool found;
	bool has_secret;	/* in any profile */
	bool *seen;		/* one for each row */
	char *names[NAMES_MAX]; /* of profiles, in the text */
	size_t count;
	int status; /* of the first complaint */
};

static char *trim(char *text)
{
	text += strspn(text, " \t\r");
	size_t len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static void unquote(char **text)
{
	size_t len = strlen(*text);
	if (len >= 2 && (*text)[0] == '"' && (*text)[len - 1] == '"') {
		(*text)[len - 1] = '\0';
		(*text)++;
	}
}

static int wrong(struct reading *reading, const char *what)
{
	if (!reading->status)
		reading->status =
		    complain("%s:%d: %s", reading->path, reading->line, what);
	return reading->status;
}

/* ---- lines, for inih ---- */

/* "[NAME]", and whatever follows is not looked at. */
static int take_section(struct reading *reading, char *line)
{
	char *name = line + 1;
	size_t len = strcspn(name, "]");
	if (name[len] != ']')
		return wrong(reading, "a ] is missing");
	if (strlen(reading->wanted) == len &&
	    memcmp(reading->wanted, name, len) == 0)
		reading->found = true;
	if (reading->count < NAMES_MAX)
		reading->names[reading->count++] = name;
	name[len + 1] = '\0';
	return 0;
}

/* Values are kept back: inih would take what looks like a comment out of them,
 * and cut them. */
static int take_key(struct reading *reading, char *line)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	char *end = line + strspn(line, letters);
	char *equals = end + strspn(end, " \t");
	if (end == line || *equals != '=')
		return wrong(reading,
		    "it is no [profile], no KEY = VALUE and no comment");
	reading->value = trim(equals + 1);
	unquote(&reading->value);
	*end = '\0';
	return 0;
}

/* The next line without the blanks around it. NULL: none, or a complaint. */
static char *next_line(struct reading *reading)
{
	if (!reading->rest || !*reading->rest || reading->status)
		return NULL;
	char *line = strsep(&reading->rest, "\n");
	reading->line++;
	reading->value = NULL;
	if (!utf8_is_valid(line, strlen(line))) {
		wrong(reading, "this line is not UTF-8");
		return NULL;
	}
	if (reading->line == 1)
		line += utf8_mark_len(line, strlen(line));
	return trim(line);
}

/* An ini_reader: the next line, as far as inih is to know it. What is indented
 * does not continue the line above. */
static char *read_line(char *out, int size, void *ctx)
{
	struct reading *reading = ctx;
	char *line = next_line(reading);
	if (!line)
		return NULL;
	if (!*line || *line == ';' || *line == '#')
		line[0] = '\0';
	else if (*line == '[')
		take_section(reading, line);
	else
		take_key(reading, line);
	if (strlen(line) > NAME_LEN_MAX)
		wrong(reading, "no profile's and no key's name is so long");
	if (reading->status)
		return NULL;
	snprintf(out, (size_t)size, "%s%s\n", line, reading->value ? "=" : "");
	return out;
}

/* ---- keys ---- */

static int unknown_key(struct reading *reading, const char *name)
{
	struct similar similar;
	similar_init(&similar, name);
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].key)
			similar_try(&similar, settings[i].key);
	}
	if (similar.best)
		return complain("%s:%d: unknown key '%s': did you mean %s?",
		    reading->path, reading->line, name, similar.best);
	return complain("%s:%d: unknown key '%s': bkendfs --help lists them",
	    reading->path, reading->line, name);
}

/* yes or no: a profile has no other way to leave one off. */
static int apply_flag(
    struct reading *reading, const char *where, const struct setting *setting)
{
	static const char *const words[] = {
	    "no", "yes", "false", "true", "off", "on", "0", "1"};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(words[i], reading->value) != 0)
			continue;
		return i % 2 ? setting_apply(
				   setting, where, NULL, reading->options)
			     : 0;
	}
	return complain(
	    "%s%s = %s: it is yes or no", where, setting->key, reading->value);
}

/* Who mounts from fstab has no directory of his own. */
static int apply_path(
    struct reading *reading, const char *where, const struct setting *setting)
{
	char *path = NULL;
	const char *value = reading->value, *home = home_dir();
	if (strncmp(value, "~/", 2) == 0 && home &&
	    asprintf(&path, "%s/%s", home, value + 2) < 0)
		return failed_for_memory();
	CLEANUP_FREE char *owned = path;
	if (!owned && *value && *value != '/')
		return complain("%s%s = %s: give a path that begins with / or"
				" ~/",
		    where, setting->key, value);
	return setting_apply(
	    setting, where, owned ? owned : value, reading->options);
}

static int apply(struct reading *reading, const struct setting *setting)
{
	char *line;
	if (asprintf(&line, "%s:%d: ", reading->path, reading->line) < 0)
		return failed_for_memory();
	CLEANUP_FREE char *where = line;
	if (setting->kind == SETTING_FLAG)
		return apply_flag(reading, where, setting);
	if (setting->kind == SETTING_PATH)
		return apply_path(reading, where, setting);
	return setting_apply(setting, where, reading->value, reading->options);
}

/* An ini_handler. */
static int on_key(
    void *ctx, const char *section, const char *name, const char *empty)
{
	struct reading *reading = ctx;
	(void)empty;
	if (reading->status)
		return 1;
	const struct setting *setting = setting_of_key(name);
	if (setting && setting->kind == SETTING_SECRET)
		reading->has_secret = true;
	if (!*section) {
		wrong(reading, "a [profile] must stand above this line, as"
			       " [default]");
		return 1;
	}
	if (strcmp(section, reading->wanted) != 0)
		return 1;
	if (!setting) {
		reading->status = unknown_key(reading, name);
		return 1;
	}
	bool *seen = &reading->seen[setting - settings];
	if (*seen)
		wrong(reading, "this key stands above already");
	else
		reading->status = apply(reading, setting);
	*seen = true;
	return 1;
}

/* ---- the file ---- */

static int check_file(const char *path, int fd, mode_t *ret_mode)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return complain("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain("%s: it is no file", path);
	/* It can have commands run. */
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return complain("%s: it belongs to somebody else", path);
	if (st.st_mode & 022)
		return complain(
		    "%s: others can write it: chmod go-w %s", path, path);
	*ret_mode = st.st_mode;
	return 0;
}

static int read_text(const char *path, int fd, struct buf *text)
{
	ssize_t got;
	char piece[4096];
	do {
		got = read(fd, piece, sizeof(piece));
		if (got < 0)
			return complain("%s: %s", path, strerror(errno));
		if (buf_add(text, piece, (size_t)got) < 0)
			return complain("%s: it is too large", path);
	} while (got > 0);
	explicit_bzero(piece, sizeof(piece));
	if (memchr(buf_str(text), '\0', text->len))
		return complain("%s: it is no text", path);
	return 0;
}

static bool is_directory(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What has no / in it is a profile, whatever lies here: a name must not mean
 * something else in another directory. */
static int no_profile_but_directory(const char *name)
{
	return complain("no profile '%s': to mount the directory of this name,"
			" say ./%s",
	    name, name);
}

static int no_such_profile(struct reading *reading)
{
	struct similar similar;
	if (is_directory(reading->wanted))
		return no_profile_but_directory(reading->wanted);
	similar_init(&similar, reading->wanted);
	for (size_t i = 0; i < reading->count; i++)
		similar_try(&similar, reading->names[i]);
	if (similar.best)
		return complain("no profile '%s' in %s: did you mean %s?",
		    reading->wanted, reading->path, similar.best);
	return complain("no profile '%s' in %s: a line [%s] begins one",
	    reading->wanted, reading->path, reading->wanted);
}

static int parse(struct reading *reading, struct buf *text)
{
	reading->rest = text->data;
	reading->seen = calloc(settings_count, sizeof(*reading->seen));
	if (!reading->seen)
		return failed_for_memory();
	if (ini_parse_stream(read_line, reading, on_key, reading) != 0)
		wrong(reading, "this cannot be read");
	free(TAKE(reading->seen));
	for (size_t i = 0; i < reading->count; i++)
		reading->names[i][strcspn(reading->names[i], "]")] = '\0';
	return reading->status;
}

static int read_file(
    const char *path, int fd, const char *name, struct options *options)
{
	mode_t mode = 0;
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, FILE_SIZE_MAX);
	struct reading reading = {
	    .path = path,
	    .wanted = name ? name : "default",
	    .options = options,
	};
	int status = check_file(path, fd, &mode);
	if (!status)
		status = read_text(path, fd, &text);
	if (!status && text.len)
		status = parse(&reading, &text);
	if (!status && reading.has_secret && (mode & 044))
		return complain("%s: it holds a secret, and others can read"
				" it: chmod 600 %s",
		    path, path);
	if (!status && name && !reading.found)
		return no_such_profile(&reading);
	return status;
}

int profile_apply(const char *name, struct options *options)
{
	CLEANUP_FREE char *path = NULL;
	int status = environment_config_file(&path);
	if (status)
		return status;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return read_file(path, fd, name, options);
	if (errno != ENOENT && errno != ENOTDIR)
		return complain("%s: %s", path, strerror(errno));
	if (!name)
		return 0;
	if (is_directory(name))
		return no_profile_but_directory(name);
	return complain("no profile '%s': there is no %s", name, path);
}
