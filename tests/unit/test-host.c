#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "emulator/exchange/host.h"

static bool is_ours(const char *host, const char *local)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	static const struct host_names names = {
	    .names = {"api.example", "fd00::7"}, .count = 2};
	if (inet_pton(AF_INET, local, &four.sin_addr) == 1)
		return host_is_ours(host, (struct sockaddr *)&four, &names);
	assert_int_equal(inet_pton(AF_INET6, local, &six.sin6_addr), 1);
	return host_is_ours(host, (struct sockaddr *)&six, &names);
}

static void the_address_that_was_called_is_ours(void **state)
{
	(void)state;
	assert_true(is_ours("192.0.2.1", "192.0.2.1"));
	assert_true(is_ours("192.0.2.1:8080", "192.0.2.1"));
	assert_true(is_ours("192.0.2.1", "::ffff:192.0.2.1"));
	assert_true(is_ours("[2001:db8::1]:80", "2001:db8::1"));
	assert_true(is_ours("[2001:DB8:0:0::1]", "2001:db8::1"));
	assert_false(is_ours("192.0.2.2", "192.0.2.1"));
	assert_false(is_ours("[2001:db8::2]", "2001:db8::1"));
	assert_false(is_ours("192.0.2.1.example", "192.0.2.1"));
	assert_false(is_ours("0.0.0.0", "192.0.2.1"));
}

static void this_machine_is_ours_whatever_was_called(void **state)
{
	(void)state;
	static const char *const hosts[] = {"localhost", "LocalHost:1",
	    "localhost.", "127.0.0.1", "127.255.255.254:65535", "[::1]",
	    "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]:5"};
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		assert_true(is_ours(hosts[i], "192.0.2.1"));
}

static void names_that_are_allowed_are_ours(void **state)
{
	(void)state;
	assert_true(is_ours("api.example", "127.0.0.1"));
	assert_true(is_ours("API.Example.:80", "127.0.0.1"));
	assert_true(is_ours("[fd00::7]:80", "127.0.0.1"));
	assert_false(is_ours("x.api.example", "127.0.0.1"));
	assert_false(is_ours("api.example.org", "127.0.0.1"));
	assert_false(is_ours("api", "127.0.0.1"));
}

static void all_else_is_not(void **state)
{
	(void)state;
	char endless[1000];
	static const char *const hosts[] = {"", ".", ":", ":80", "evil.example",
	    "localhost.evil.example", "localhost@evil.example",
	    "localhost:80:90", "localhost:x", "localhost ", " localhost",
	    "localhost/", "::1", "[::1", "[]", "[", "[::1]x", "[::1]:x",
	    "[localhost", "127.1", "127.0.0.1.x", "0127.0.0.1", "1.127.0.0",
	    "2130706433", "[::]", "[fe80::1%lo]", "localhost.."};
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		assert_false(is_ours(hosts[i], "192.0.2.1"));
	memset(endless, 'a', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_false(is_ours(endless, "192.0.2.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_address_that_was_called_is_ours),
	    cmocka_unit_test(this_machine_is_ours_whatever_was_called),
	    cmocka_unit_test(names_that_are_allowed_are_ours),
	    cmocka_unit_test(all_else_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
