/* The settings' rows: each is reached from wherever it says, and explained. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config/setting.h"
#include "config/usage.h"

/* Two values that differ, and that no default is. */
static const char *const examples[][2] = {
    [SETTING_STRING] = {"https://a.example", "https://b.example"},
    [SETTING_SECRET] = {"pk_one", "pk_two"},
    [SETTING_PATH] = {"/dev/null", "/dev/zero"},
    [SETTING_FLAG] = {NULL, NULL},
    [SETTING_SECONDS] = {"17", "18"},
    [SETTING_COUNT] = {"17", "18"},
    [SETTING_SIZE] = {"17M", "18M"},
    [SETTING_TABLES] = {"one", "two"},
    [SETTING_JSON] = {"raw", "raw"},
    [SETTING_LEVEL] = {"error", "debug"},
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

/* The field's text with what the two sources say; NULL: that says nothing. */
static void read_field(const struct setting *setting, const char *variable,
    const char *option, char out[200])
{
	struct arguments arguments;
	struct options options;
	char program[] = "bkendfs", mountpoint[] = "/mnt", set[200] = "";
	char *argv[] = {program, mountpoint, set, NULL};
	if (option)
		strcpy(set, option);
	if (variable)
		setenv(setting->variable, variable, 1);
	assert_int_equal(arguments_parse(option ? 3 : 2, argv, &arguments), 0);
	assert_int_equal(config_read(&arguments, true, &options), 0);
	field_text(setting, &options, out);
	options_done(&options);
	arguments_done(&arguments);
	if (variable)
		unsetenv(setting->variable);
}

static void option_text(
    const struct setting *setting, const char *value, char out[200])
{
	snprintf(out, 200, value ? "-o%s=%s" : "-o%s", setting->option, value);
}

static void clear_environment(void)
{
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].variable)
			unsetenv(settings[i].variable);
	}
}

static void each_source_is_stronger_than_the_one_before(void **state)
{
	(void)state;
	clear_environment();
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings[i];
		const char *const *values = examples[setting->kind];
		char option[200], unset[200], weak[200], strong[200];
		read_field(setting, NULL, NULL, unset);
		strcpy(weak, unset);
		if (setting->variable) {
			read_field(setting, values[0], NULL, weak);
			assert_string_not_equal(weak, unset);
		}
		if (!setting->option)
			continue;
		option_text(setting, values[1], option);
		read_field(setting, setting->variable ? values[0] : NULL,
		    option, strong);
		assert_string_not_equal(strong, weak);
		assert_string_not_equal(strong, unset);
	}
}

static void no_name_stands_for_two(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_count; i++) {
		const char *option = settings[i].option;
		const char *variable = settings[i].variable;
		assert_true(option || variable);
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

static void the_help_has_each_row(void **state)
{
	(void)state;
	char help[16384], name[200];
	print_help_into(help, sizeof(help));
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings[i];
		snprintf(name, sizeof(name), "\n  %s",
		    setting->option ? setting->option : setting->variable);
		assert_non_null(strstr(help, name));
		snprintf(name, sizeof(name), "\n  %s",
		    setting->variable ? setting->variable : setting->option);
		assert_non_null(strstr(help, name));
		snprintf(name, sizeof(name), "(%s)", setting->value);
		assert_true(!setting->value || strstr(help, name));
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
	    cmocka_unit_test(no_name_stands_for_two),
	    cmocka_unit_test(a_secret_is_never_an_option),
	    cmocka_unit_test(the_help_has_each_row),
	    cmocka_unit_test(the_help_fits_a_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
