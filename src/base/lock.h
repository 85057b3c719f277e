/* A mutex and a condition, annotated for clang's -Wthread-safety. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__clang__)
#define LOCK_ATTRIBUTE(x) __attribute__((x))
#else
#define LOCK_ATTRIBUTE(x)
#endif

#define REQUIRES(l) LOCK_ATTRIBUTE(requires_capability(l))

struct LOCK_ATTRIBUTE(capability("mutex")) lock {
	pthread_mutex_t mutex;
};

/* A lock that nobody has; lock_done is owed. */
static inline void lock_init(struct lock *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

/* Its end. Nobody may have it. */
static inline void lock_done(struct lock *lock)
{
	pthread_mutex_destroy(&lock->mutex);
}

/* Wait until nobody else has it, and take it. */
static inline void lock_acquire(struct lock *lock) LOCK_ATTRIBUTE(
    acquire_capability(*lock)) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	pthread_mutex_lock(&lock->mutex);
}

/* Give it back. */
static inline void lock_release(struct lock *lock) LOCK_ATTRIBUTE(
    release_capability(*lock)) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	pthread_mutex_unlock(&lock->mutex);
}

/* Wait until condition is signalled; the lock is held before and after. */
static inline void lock_wait(struct lock *lock, pthread_cond_t *condition)
    LOCK_ATTRIBUTE(requires_capability(*lock))
{
	pthread_cond_wait(condition, &lock->mutex);
}

/* The same, for at most so long. Whether it was signalled. */
static inline bool lock_wait_ms(struct lock *lock, pthread_cond_t *condition,
    int64_t ms) LOCK_ATTRIBUTE(requires_capability(*lock))
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return pthread_cond_clockwait(
		   condition, &lock->mutex, CLOCK_MONOTONIC, &until) == 0;
}

#endif
