#include "clock.h"

#include <time.h>

struct fake *transport;

static int64_t suspended_ms;
static int64_t wall_wrong_ms;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_clock_gettime(clockid_t id, struct timespec *ret);

void clock_reset(void)
{
	suspended_ms = wall_wrong_ms = 0;
	transport = fake_new();
}

void clock_renew_transport(void)
{
	struct fake *old = transport, *fake = fake_new();
	fake_advance(fake, fake_now(old) - fake_now(fake));
	transport = fake;
	fake_free(old);
}

void clock_stop(void)
{
	fake_free(transport);
	transport = NULL;
}

int64_t clock_true_ms(void)
{
	return (transport ? fake_now(transport) : 0) + suspended_ms;
}

void clock_set_wall(int64_t wrong_by_ms)
{
	wall_wrong_ms = wrong_by_ms;
}

void clock_suspend(int64_t ms)
{
	suspended_ms += ms;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	int64_t ms = clock_true_ms();
	if (!transport)
		return __real_clock_gettime(id, ret);
	if (id == CLOCK_REALTIME)
		ms += CLOCK_WALL_BEGIN_MS + wall_wrong_ms;
	else if (id != CLOCK_BOOTTIME)
		ms -= suspended_ms;
	ret->tv_sec = (time_t)(ms / 1000);
	ret->tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}
