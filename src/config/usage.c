#include "config/usage.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "config/setting.h"

/* Where what something means begins, and where a line must end. */
#define COLUMN 25
#define WIDTH 79

static const char calls[] = "Usage: bkendfs [options] [SOURCE] MOUNTPOINT\n"
			    "       bkendfs --demo [options] MOUNTPOINT\n"
			    "       bkendfs --check | --fetch | --login | "
			    "--logout [options] [SOURCE]\n";

static const char head[] =
    "\n"
    "Mount a bkend project, read-only: tables as directories of JSON files,\n"
    "stored files under storage/, their metadata under files/. SOURCE is a\n"
    "profile's name, the API's URL, or a directory (a / in its name, or .)\n"
    "with a backup in it: a copied mount, or an official export.\n"
    "\n"
    "  --demo                 mount a sample project; needs no account\n"
    "  --check                tell what a backup would cost, and whether it "
    "would\n"
    "                         succeed; mount nothing\n"
    "  --fetch                bring all into the replica, for -o offline, or "
    "what\n"
    "                         has changed since\n"
    "  --login, --logout      have the tables listed, by a login in the "
    "browser;\n"
    "                         forget it\n"
    "  -f                     stay in the foreground\n"
    "  -d                     the same, with a trace of FUSE requests\n"
    "  -s                     serve with one thread\n"
    "  -h, --help             show this; --help=all: what each setting means\n"
    "  -V, --version          show the versions\n"
    "\n";

static const char options_head[] =
    "Settings, each after -o (several with commas between them):\n";

static const char middle[] =
    "and the usual mount options (allow_other, auto_unmount, ...).\n"
    "\n"
    "Weaker than -o is the environment, and weaker than that a profile: a\n"
    "[section] of $XDG_CONFIG_HOME/bkendfs/config with lines KEY = VALUE;\n"
    "[default] where none is named. VARIABLES and keys are:\n";

static const char secrets[] =
    "Secrets are only taken from these, or asked for on a terminal.\n";

static const char tail[] = "\n"
			   "Unmount with: fusermount3 -u MOUNTPOINT\n";

/* All of the overview stands on a screen of 24 lines, with a prompt below. */
static const char overview_head[] =
    "Mount a bkend project, read-only. SOURCE is a profile's name, the API's "
    "URL, or\n"
    "a directory (a / in its name, or .) with a backup or an export in it.\n"
    "\n"
    "  --demo             mount a sample project; needs no account\n"
    "  --check            tell what a backup would cost, and whether it would "
    "work\n"
    "  --fetch            bring all that is new into the replica, for "
    "-o offline\n"
    "  --login, --logout  have the tables listed, by a login in the browser; "
    "or not\n"
    "  -f, -d, -s         stay in the foreground; the same with a trace; one "
    "thread\n"
    "  -h, --help[=all]   show this, or what each setting means; "
    "-V, --version\n"
    "Settings, each after -o, as the usual mount options; most are keys, "
    "too:\n";

static const char overview_middle[] =
    "Variables, and keys in $XDG_CONFIG_HOME/bkendfs/config; secrets only "
    "here:\n";

static const char overview_tail[] =
    "Unmount with: fusermount3 -u MOUNTPOINT    The manual: man bkendfs\n";

static const char beginnings[] =
    "  a sample project       bkendfs --demo MOUNTPOINT\n"
    "  a saved backup         bkendfs ./DIRECTORY MOUNTPOINT\n"
    "  your project, once     export BKEND_SECRET_KEY=sk_… "
    "BKEND_TABLES=posts:tags\n"
    "                         (or BKEND_PUBLISHABLE_KEY=pk_… BKEND_EMAIL=…)\n"
    "                         bkendfs MOUNTPOINT\n"
    "  your project, always   these as secret_key = … and tables = … under "
    "[NAME] in\n"
    "                         ~/.config/bkendfs/config, then bkendfs NAME "
    "MOUNTPOINT\n";

/* The characters of what stands in UTF-8. */
static int columns(const char *text, size_t len)
{
	int count = 0;
	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/* Words from COLUMN on, over as many lines as it takes. */
static void print_words(const char *text)
{
	int column = COLUMN;
	while (*text) {
		size_t len = strcspn(text, " ");
		int needed = columns(text, len) + (column > COLUMN);
		if (column > COLUMN && column + needed > WIDTH) {
			printf("\n%*s", COLUMN, "");
			column = COLUMN;
			needed--;
		} else if (column > COLUMN) {
			printf(" ");
		}
		printf("%.*s", (int)len, text);
		column += needed;
		text += len + (text[len] == ' ');
	}
	printf("\n");
}

static void print_row(const char *form, const char *help, const char *value)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	buf_adds(&text, help);
	if (value)
		buf_printf(&text, " (%s)", value);
	int column = columns(form, strlen(form));
	printf("%s", form);
	if (column >= COLUMN)
		printf("\n%*s", COLUMN, "");
	else
		printf("%*s", COLUMN - column, "");
	print_words(buf_str(&text));
}

/* As it stands after -o. */
static void write_form(const struct setting *setting, struct buf *out)
{
	buf_printf(out, "%s%s%s", setting->option, setting->form ? "=" : "",
	    setting->form ? setting->form : "");
}

static void print_option(const struct setting *setting)
{
	CLEANUP_BUF struct buf form;
	buf_init(&form, BUF_MAX_DEFAULT);
	buf_adds(&form, "  ");
	write_form(setting, &form);
	print_row(buf_str(&form), setting->help, setting->value);
}

/* What is an option, too, is explained there. */
static void print_elsewhere(const struct setting *setting)
{
	CLEANUP_BUF struct buf form;
	buf_init(&form, BUF_MAX_DEFAULT);
	buf_printf(&form, "  %s%s%s",
	    setting->variable ? setting->variable : "",
	    setting->variable && setting->key ? ", " : "",
	    setting->key ? setting->key : "");
	if (!setting->option)
		print_row(buf_str(&form), setting->help, setting->value);
	else if (setting->variable)
		print_row(buf_str(&form), "as after -o", NULL);
}

static void print_same_keys(void)
{
	CLEANUP_BUF struct buf keys;
	buf_init(&keys, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *s = &settings[i];
		if (s->option && s->key && !s->variable)
			buf_printf(&keys, "%s%s", keys.len ? ", " : "", s->key);
	}
	print_row("  as after -o", buf_str(&keys), NULL);
}

/* Names, as many a line as fit. */
static void print_names(const char *(*next)(size_t *i, struct buf *text))
{
	CLEANUP_BUF struct buf text;
	int column = 1;
	buf_init(&text, BUF_MAX_DEFAULT);
	printf(" ");
	for (size_t i = 0; next(&i, &text); buf_clear(&text)) {
		int needed = columns(buf_str(&text), text.len) + 1;
		if (column + needed > WIDTH) {
			printf("\n ");
			column = 1;
		}
		printf(" %s", buf_str(&text));
		column += needed;
	}
	printf("\n");
}

static const char *next_option(size_t *i, struct buf *text)
{
	while (*i < settings_count && !settings[*i].option)
		++*i;
	if (*i == settings_count)
		return NULL;
	write_form(&settings[(*i)++], text);
	return buf_str(text);
}

/* A key that is an option, too, stands there. */
static const char *next_elsewhere(size_t *i, struct buf *text)
{
	while (*i < settings_count && settings[*i].option &&
	       !settings[*i].variable)
		++*i;
	if (*i == settings_count)
		return NULL;
	const struct setting *setting = &settings[(*i)++];
	const char *key = setting->option ? NULL : setting->key;
	buf_printf(text, "%s%s%s", setting->variable ? setting->variable : "",
	    setting->variable && key ? "|" : "", key ? key : "");
	return buf_str(text);
}

void usage_print_overview(void)
{
	fputs(calls, stdout);
	fputs(overview_head, stdout);
	print_names(next_option);
	fputs(overview_middle, stdout);
	print_names(next_elsewhere);
	fputs(overview_tail, stdout);
}

void usage_print_help(void)
{
	fputs(calls, stdout);
	fputs(head, stdout);
	fputs(options_head, stdout);
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].option)
			print_option(&settings[i]);
	}
	fputs(middle, stdout);
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].variable || settings[i].key)
			print_elsewhere(&settings[i]);
	}
	print_same_keys();
	fputs(secrets, stdout);
	fputs(tail, stdout);
}

void usage_print_beginnings(void)
{
	fputs(beginnings, stderr);
}
