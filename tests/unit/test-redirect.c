#include "unit.h"

#include "emulator/oauth/redirect.h"

static void only_the_port_on_this_machine_is_free(void **state)
{
	(void)state;
	assert_true(redirect_fits("http://127.0.0.1/x", "http://127.0.0.1/x"));
	assert_true(
	    redirect_fits("http://127.0.0.1/x", "http://127.0.0.1:8080/x"));
	assert_true(
	    redirect_fits("http://127.0.0.1:1/x", "http://127.0.0.1:2/x"));
	assert_true(redirect_fits("http://[::1]/x", "http://[::1]:8080/x"));
	assert_true(redirect_fits("http://localhost", "http://localhost:80"));
	assert_false(redirect_fits("http://127.0.0.1/x", "http://localhost/x"));
	assert_false(redirect_fits("http://127.0.0.1/x", "http://[::1]/x"));
	assert_false(
	    redirect_fits("http://127.0.0.1/x", "http://127.0.0.1:1/y"));
	assert_false(
	    redirect_fits("http://127.0.0.1/x", "https://127.0.0.1:1/x"));
	assert_false(
	    redirect_fits("https://127.0.0.1/x", "https://127.0.0.1:1/x"));
	assert_false(redirect_fits("https://e.com/x", "https://e.com:1/x"));
	assert_false(redirect_fits("http://127.0.0.1", "http://127.0.0.1:1/"));
}

static void what_seems_to_be_this_machine_is_not(void **state)
{
	(void)state;
	static const char *const others[] = {
	    "http://127.0.0.1@e.com/x",
	    "http://127.0.0.1:80@e.com/x",
	    "http://127.0.0.1:80.e.com/x",
	    "http://127.0.0.1.e.com/x",
	    "http://127.0.0.1\\@e.com/x",
	    "http://127.0.0.1:80#@e.com/x",
	    "http:127.0.0.1/x",
	    "http:///127.0.0.1/x",
	    "//127.0.0.1/x",
	    "http://127.0.0.2/x",
	    "http://[::1/x",
	    "http://[::1]e.com/x",
	    "",
	};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		assert_false(redirect_is_fit(others[i]));
		assert_false(redirect_fits("http://127.0.0.1/x", others[i]));
	}
}

static void assert_source(const char *uri, const char *source)
{
	CLEANUP_BUF struct buf out;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_true(redirect_is_fit(uri));
	assert_int_equal(redirect_add_source(uri, &out), 0);
	assert_string_equal(buf_str(&out), source);
}

static void a_policy_names_no_more_than_where_it_leads(void **state)
{
	(void)state;
	assert_source("http://127.0.0.1:80/x?y", "http://127.0.0.1:80");
	assert_source("https://e.com", "https://e.com");
	assert_source("https://e.com/x;script-src", "https://e.com");
	assert_source("http://[::1]:80/x", "http:");
	assert_source("com.e.app:/x;y", "com.e.app:");
	assert_source("com.e.app://x;y", "com.e.app:");
	assert_false(redirect_is_fit("https://e.com;script-src/x"));
	assert_false(redirect_is_fit("https://e,com/x"));
	assert_false(redirect_is_fit("https://e.com /x"));
}

static void a_value_is_encoded(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf uri;
	buf_init(&uri, BUF_MAX_DEFAULT);
	assert_int_equal(buf_adds(&uri, "https://e.com/x"), 0);
	assert_int_equal(redirect_add_param("a", "b&c=d\r\n", &uri), 0);
	assert_int_equal(redirect_add_param("e", "f", &uri), 0);
	assert_string_equal(
	    buf_str(&uri), "https://e.com/x?a=b%26c%3Dd%0D%0A&e=f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_the_port_on_this_machine_is_free),
	    cmocka_unit_test(what_seems_to_be_this_machine_is_not),
	    cmocka_unit_test(a_policy_names_no_more_than_where_it_leads),
	    cmocka_unit_test(a_value_is_encoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
