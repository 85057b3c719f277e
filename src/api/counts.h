/*
 * What was sent and answered, counted by the parts of api/ as they go and read
 * by api_counters. Any thread.
 */
#ifndef API_COUNTS_H
#define API_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

/* Owned by the api, borrowed by its parts; what each counts is said of struct
 * api_counters (api.h). */
struct counts {
	_Atomic uint64_t requests, objects, retries, sign_ins, refreshes,
	    limited, bytes;
	_Atomic int64_t quota_left; /* -1: never told */
	_Atomic int64_t held_until_ms;
};

#endif
