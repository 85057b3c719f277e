#include "config/usage.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "config/setting.h"

/* Where what something means begins, and where a line must end. */
#define COLUMN 25
#define WIDTH 79

static const char head[] =
    "Usage: bkendfs [options] [API_URL] MOUNTPOINT\n"
    "       bkendfs --demo [options] MOUNTPOINT\n"
    "\n"
    "Mount a bkend project, read-only: tables as directories of JSON files,\n"
    "stored files under storage/, their metadata under files/.\n"
    "\n"
    "  --demo                 mount a sample project; needs no account\n"
    "  -f                     stay in the foreground\n"
    "  -d                     the same, with a trace of FUSE requests\n"
    "  -s                     serve with one thread\n"
    "  -h, --help             show this\n"
    "  -V, --version          show the versions\n";

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

static void print_row(const char *name, const struct setting *setting)
{
	CLEANUP_BUF struct buf form, text;
	buf_init(&form, BUF_MAX_DEFAULT);
	buf_init(&text, BUF_MAX_DEFAULT);
	buf_printf(&form, "  %s%s%s", name, setting->form ? "=" : "",
	    setting->form ? setting->form : "");
	buf_adds(&text, setting->help);
	if (setting->value)
		buf_printf(&text, " (%s)", setting->value);
	int column = columns(buf_str(&form), form.len);
	printf("%s", buf_str(&form));
	if (column >= COLUMN)
		printf("\n%*s", COLUMN, "");
	else
		printf("%*s", COLUMN - column, "");
	print_words(buf_str(&text));
}

static void print_also(const struct setting *setting)
{
	printf("  %s%*s-o %s\n", setting->variable,
	    COLUMN - 2 - (int)strlen(setting->variable), "", setting->option);
}

void usage_print_help(void)
{
	fputs(head, stdout);
	printf(
	    "\nSettings, each after -o (several with commas between them):\n");
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].option)
			print_row(settings[i].option, &settings[i]);
	}
	printf("and the usual mount options (allow_other, auto_unmount, ...).\n"
	       "\nEnvironment, which -o is stronger than; secrets are only"
	       " taken from there, or\nasked for:\n");
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].variable && !settings[i].option)
			print_row(settings[i].variable, &settings[i]);
		else if (settings[i].variable)
			print_also(&settings[i]);
	}
	printf("\nUnmount with: fusermount3 -u MOUNTPOINT\n");
}

void usage_print_version(void)
{
	printf("bkendfs %s\n", BKENDFS_VERSION);
}
