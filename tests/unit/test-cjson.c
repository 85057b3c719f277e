/*
 * Why record text never goes through the JSON parser that the upper layers use
 * for small answers: it changes or refuses text that is perfectly valid. Each
 * test shows both: what that parser makes of a text, and that ours keeps it.
 */
#include "unit.h"

#include <cjson/cJSON.h>

#include "json/json.h"

/* What is left of text after it went through the parser and its printer. */
static char *through_cjson(const char *text)
{
	cJSON *tree = cJSON_Parse(text);
	if (!tree)
		return NULL;
	char *printed = cJSON_PrintUnformatted(tree);
	cJSON_Delete(tree);
	return printed;
}

static void assert_lost(const char *text)
{
	char *printed = through_cjson(text);
	if (printed && strcmp(printed, text) == 0)
		fail_msg("survived: %s", text);
	cJSON_free(printed);
}

static void assert_kept(const char *text)
{
	CLEANUP_BUF struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(json_pretty(text, strlen(text), &out), 0);
	assert_int_equal(out.len, strlen(text) + 1);
	assert_memory_equal(out.data, text, strlen(text));
}

static void big_integers_are_rounded_there_and_kept_here(void **state)
{
	(void)state;
	assert_lost("12345678901234567890");
	assert_kept("12345678901234567890");
}

static void spelling_of_numbers_is_lost_there_and_kept_here(void **state)
{
	(void)state;
	static const char *const numbers[] = {"1.0", "1e400", "1E2"};
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_lost(numbers[i]);
		assert_kept(numbers[i]);
	}
}

static void long_numbers_are_lost_there_and_kept_here(void **state)
{
	(void)state;
	char text[101];
	memset(text, '7', 100);
	text[100] = '\0';
	assert_lost(text); /* refused or rounded, as the version has it */
	assert_kept(text);
}

static void lone_surrogates_are_refused_there_and_kept_here(void **state)
{
	(void)state;
	assert_null(cJSON_Parse("\"\\ud800\""));
	assert_null(cJSON_Parse("\"\\udc00\""));
	assert_kept("\"\\ud800\"");
	assert_kept("\"\\udc00\"");
}

static void strings_end_at_an_escaped_nul_there_but_not_here(void **state)
{
	(void)state;
	assert_lost("\"a\\u0000b\"");
	assert_kept("\"a\\u0000b\"");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(big_integers_are_rounded_there_and_kept_here),
	    cmocka_unit_test(spelling_of_numbers_is_lost_there_and_kept_here),
	    cmocka_unit_test(long_numbers_are_lost_there_and_kept_here),
	    cmocka_unit_test(lone_surrogates_are_refused_there_and_kept_here),
	    cmocka_unit_test(strings_end_at_an_escaped_nul_there_but_not_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
