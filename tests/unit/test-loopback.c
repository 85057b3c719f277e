#include "unit.h"

#include <errno.h>
#include <pthread.h>

#include "mcp/browser_page.h"
#include "mcp/loopback.h"

static void nobody_is_waited_for_longer_than_was_said(void **state)
{
	(void)state;
	struct loopback *loopback;
	struct loopback_answer answer;
	assert_int_equal(loopback_open("state", &loopback), 0);
	assert_int_equal(
	    strncmp(loopback_uri(loopback), "http://127.0.0.1:", 17), 0);
	assert_int_equal(loopback_wait(loopback, 1, &answer), -ETIMEDOUT);
	loopback_close(loopback);
}

static void *cancel(void *loopback)
{
	loopback_cancel(loopback);
	return NULL;
}

static void a_wait_can_be_cancelled(void **state)
{
	(void)state;
	struct loopback *loopback;
	struct loopback_answer answer;
	pthread_t thread;
	assert_int_equal(loopback_open("state", &loopback), 0);
	assert_int_equal(pthread_create(&thread, NULL, cancel, loopback), 0);
	assert_int_equal(loopback_wait(loopback, 60000, &answer), -ECANCELED);
	pthread_join(thread, NULL);
	loopback_close(loopback);
}

static void text_in_the_page_is_text(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf page;
	buf_init(&page, 65536);
	assert_int_equal(
	    browser_page(&page, "<b>&\"'", "</p><script>\x1b\xff"), 0);
	assert_non_null(
	    strstr(buf_str(&page), "<h1>&lt;b&gt;&amp;&quot;&#39;</h1>"));
	assert_null(strstr(buf_str(&page), "<script>"));
	assert_null(strchr(buf_str(&page), '\x1b'));
	assert_null(strchr(buf_str(&page), '\xff'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nobody_is_waited_for_longer_than_was_said),
	    cmocka_unit_test(a_wait_can_be_cancelled),
	    cmocka_unit_test(text_in_the_page_is_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
