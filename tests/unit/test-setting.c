/* The settings' rows: each is reached from wherever it says, and explained. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config/setting.h"
#include "config/usage.h"
#include "remove-tree.h"

/* For a profile, a variable and an option: no default is any of them. */
static const char *const examples[][3] = {
    [SETTING_STRING] = {"https://a.example", "https://b.example",
	"https://c.example"},
    [SETTING_SECRET] = {"pk_one", "pk_two", NULL},
    [SETTING_PATH] = {"/dev/null", "/dev/zero", "/dev/full"},
    [SETTING_FLAG] = {"yes", NULL, ""},
    [SETTING_SECONDS] = {"17", "18", "19"},
    [SETTING_COUNT] = {"17", "18", "19"},
    [SETTING_SIZE] = {"17M", "18M", "19M"},
    [SETTING_TABLES] = {"one", "two", "three"},
    [SETTING_JSON] = {"raw", NULL, "pretty"},
    [SETTING_LEVEL] = {"error", "debug", "warn"},
};

/* What stands in the options, as text. */
static void field_text(
    const struct setting *setting, const struct options *options, char out[200])
{
	const void *field = (const char *)options + setting->offset;
	const char *string;
	switch (setting->kind) {
	case SETTING_STRING:
	case SETTING_SECRET:
	case SETTING_PATH:
		string = *(char *const *)field;
		snprintf(out, 200, "%s", string ? string : "");
		break;
	case SETTING_TABLES:
		string = (*(char **const *)field)[0];
		snprintf(out, 200, "%s", string ? string : "");
		break;
	case SETTING_FLAG:
	case SETTING_JSON:
		snprintf(out, 200, "%d", *(const bool *)field);
		break;
	case SETTING_SECONDS:
	case SETTING_SIZE:
		snprintf(out, 200, "%lld", (long long)*(const int64_t *)field);
		break;
	case SETTING_COUNT:
	case SETTING_LEVEL:
		snprintf(out, 200, "%u", *(const unsigned *)field);
		break;
	}
}

/* A file of one profile that says this; NULL: of none. */
static void write_profile(const struct setting *setting, const char *value)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/bkendfs", getenv("XDG_CONFIG_HOME"));
	mkdir(path, 0700);
	strcat(path, "/config");
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	if (value)
		fprintf(file, "[default]\n%s = %s\n", setting->key, value);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	fclose(file);
}

/* The field's text with what each source says; NULL: that says nothing. */
static void read_field(const struct setting *setting, const char *profile,
    const char *variable, const char *option, char out[200])
{
	struct arguments arguments;
	struct options options;
	char program[] = "bkendfs", mountpoint[] = "/mnt", set[200] = "";
	char *argv[] = {program, mountpoint, set, NULL};
	if (option)
		snprintf(set, sizeof(set), *option ? "-o%s=%s" : "-o%s",
		    setting->option, option);
	write_profile(setting, profile);
	if (variable)
		setenv(setting->variable, variable, 1);
	assert_int_equal(arguments_parse(option ? 3 : 2, argv, &arguments), 0);
	assert_int_equal(config_read(&arguments, &options), 0);
	field_text(setting, &options, out);
	options_done(&options);
	arguments_done(&arguments);
	if (variable)
		unsetenv(setting->variable);
}

static void clear_environment(void)
{
	char home[] = "/tmp/test-setting-XXXXXX";
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].variable)
			unsetenv(settings[i].variable);
	}
	assert_non_null(mkdtemp(home));
	setenv("XDG_CONFIG_HOME", home, 1);
}

/* Each source says what none below it does, or nothing changes. */
static void each_source_is_stronger_than_the_one_before(void **state)
{
	(void)state;
	clear_environment();
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings[i];
		const char *const *values = examples[setting->kind];
		const char *key = setting->key ? values[0] : NULL;
		const char *variable = setting->variable ? values[1] : NULL;
		const char *option = setting->option ? values[2] : NULL;
		char texts[4][200];
		read_field(setting, NULL, NULL, NULL, texts[0]);
		read_field(setting, key, NULL, NULL, texts[1]);
		read_field(setting, key, variable, NULL, texts[2]);
		read_field(setting, key, variable, option, texts[3]);
		assert_int_equal(strcmp(texts[0], texts[1]) != 0, key != NULL);
		assert_int_equal(
		    strcmp(texts[1], texts[2]) != 0, variable != NULL);
		/* A flag is either set or not. */
		int below = setting->kind == SETTING_FLAG ? 0 : 2;
		assert_int_equal(
		    strcmp(texts[below], texts[3]) != 0, option != NULL);
	}
	remove_tree(getenv("XDG_CONFIG_HOME"));
}

static void a_unit_may_be_a_small_letter(void **state)
{
	(void)state;
	static const char *const sizes[][2] = {{"3k", "3072"}, {"3K", "3072"},
	    {"2m", "2097152"}, {"1g", "1073741824"}, {"1T", "1099511627776"},
	    {"7", "7"}};
	const struct setting *setting = setting_of_key("cache_size");
	clear_environment();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char text[200];
		read_field(setting, sizes[i][0], NULL, NULL, text);
		assert_string_equal(text, sizes[i][1]);
	}
	remove_tree(getenv("XDG_CONFIG_HOME"));
}

static void no_name_stands_for_two(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_count; i++) {
		const char *option = settings[i].option;
		const char *variable = settings[i].variable;
		const char *key = settings[i].key;
		assert_true(option || variable || key);
		if (key)
			assert_ptr_equal(&settings[i], setting_of_key(key));
		if (option)
			assert_ptr_equal(&settings[i],
			    setting_of_option(option, strlen(option)));
		if (variable)
			assert_ptr_equal(
			    &settings[i], setting_of_variable(variable));
	}
	assert_null(setting_of_option("ttl=3", 5));
	assert_null(setting_of_option("tt", 2));
	assert_null(setting_of_variable("HOME"));
}

static void a_secret_is_never_an_option(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_count; i++)
		assert_false(
		    settings[i].kind == SETTING_SECRET && settings[i].option);
}

static void print_help_into(char *out, size_t size)
{
	int file = memfd_create("help", MFD_CLOEXEC);
	int old = dup(STDOUT_FILENO);
	assert_true(file >= 0 && old >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	usage_print_help();
	fflush(stdout);
	dup2(old, STDOUT_FILENO);
	close(old);
	ssize_t got = pread(file, out, size - 1, 0);
	assert_in_range(got, 1, size - 2);
	out[got] = '\0';
	close(file);
}

static void assert_says(
    const char *help, const char *before, const char *name, const char *after)
{
	char text[200];
	snprintf(text, sizeof(text), "%s%s%s", before, name ? name : "", after);
	assert_true(!name || strstr(help, text));
}

static void the_help_has_each_row(void **state)
{
	(void)state;
	char help[16384];
	print_help_into(help, sizeof(help));
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings[i];
		assert_says(help, "\n  ", setting->option, "");
		assert_says(help, "\n  ", setting->variable, "");
		assert_says(help, " ", setting->key, "");
		assert_says(help, "(", setting->value, ")");
	}
}

static void the_help_fits_a_terminal(void **state)
{
	(void)state;
	char help[16384], *rest = help;
	print_help_into(help, sizeof(help));
	for (char *line = strsep(&rest, "\n"); line;
	     line = strsep(&rest, "\n")) {
		size_t columns = 0, len = strlen(line);
		for (size_t i = 0; i < len; i++)
			columns += ((unsigned char)line[i] & 0xc0) != 0x80;
		assert_in_range(columns, 0, 79);
		assert_true(len == 0 || line[len - 1] != ' ');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_source_is_stronger_than_the_one_before),
	    cmocka_unit_test(a_unit_may_be_a_small_letter),
	    cmocka_unit_test(no_name_stands_for_two),
	    cmocka_unit_test(a_secret_is_never_an_option),
	    cmocka_unit_test(the_help_has_each_row),
	    cmocka_unit_test(the_help_fits_a_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
