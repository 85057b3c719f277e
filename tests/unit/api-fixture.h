/*
 * The API's calls over a scripted transport, and what they come to.
 */
#ifndef API_FIXTURE_H
#define API_FIXTURE_H

#include "api/api.h"
#include "api/storage.h"
#include "fake-http.h"

#define KEY "pk_0123456789abcdef0123456789abcdef"
#define PASSWORD "correct horse battery"
#define RETRY_MS 20000

extern struct fake *fake;
extern struct api *api;
extern struct failures *failures;

/* To be changed before start_api. */
extern struct api_config config;

/* What a call came to. */
struct outcome {
	int count; /* how often done was called */
	struct api_error error;
	struct buf text;
	struct api_page page;
	int records;
	int restarts;
	char *url;
	int64_t size;
};

extern struct outcome outcomes[32];

/* The table posts, 100 a page. */
extern const struct api_query first_page;

int setup(void **state);
int teardown(void **state);

/* Callbacks whose context is an outcome. */
void on_text(
    void *ctx, const struct api_error *error, const char *text, size_t len);
void on_done(void *ctx, const struct api_error *error);
int on_record(void *ctx, const char *text, size_t len);
void on_restart(void *ctx);
void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page);
void on_download(void *ctx, const struct api_error *error,
    const struct answer_download *download);

void start_api(void);

/* A guest: no account, no token. */
void start_guest(void);

/* Start with an account, and get its first pair: access1, refresh1. */
void sign_in(void);
/* Refuse that request with a 401, as often as it is asked again since its token
 * is young. */
void refuse(const char *line);
void answer_tokens_with(
    struct http_call *call, const char *access, const char *refresh);

struct api_call *get(const char *id, struct outcome *outcome);
/* Bytes of an object, as storage_get has it. */
struct storage_call *get_object(const char *url, int64_t first, int64_t last,
    const char *validator, bool speculative, const struct http_sink *sink,
    void *ctx);
struct api_call *ask_url(struct outcome *outcome);
struct api_call *list(const struct api_query *query, struct outcome *outcome);

/* The one request that waits for an answer. */
struct http_call *only(void);
struct http_call *only_line(const char *line);

/* Ask for the record a, for the first page or for where to download from, and
 * have that answered. */
#define ANSWER_GET(outcome, ...)                                               \
	do {                                                                   \
		get("a", outcome);                                             \
		fake_run(fake);                                                \
		ANSWER(only(), __VA_ARGS__);                                   \
	} while (0)
#define ANSWER_LIST(outcome, ...)                                              \
	do {                                                                   \
		list(&first_page, outcome);                                    \
		fake_run(fake);                                                \
		ANSWER(only(), __VA_ARGS__);                                   \
	} while (0)
#define ANSWER_URL(outcome, ...)                                               \
	do {                                                                   \
		ask_url(outcome);                                              \
		fake_run(fake);                                                \
		ANSWER(only(), __VA_ARGS__);                                   \
	} while (0)

/* Each of the bodies, whole, is no page. */
void assert_no_pages(const char *const bodies[], size_t count);

/* Answer whatever is asked in the same way until the call is over. How long
 * that took, in milliseconds. */
int64_t persist(
    struct outcome *outcome, const struct fake_answer *answer, int err);

/* The same, given as the members of a fake_answer. It was understood by nobody,
 * and asked for as often as that may be. */
#define PERSIST_GARBLED(outcome, ...)                                          \
	persist_garbled(outcome, &(const struct fake_answer){__VA_ARGS__})
void persist_garbled(struct outcome *outcome, const struct fake_answer *answer);

/* For another call. */
void forget(struct outcome *outcome);

void assert_bearer(struct http_call *call, const char *token);
void assert_outcome(const struct outcome *outcome, int err, int status);
struct api_counters counters(void);

#define UNAUTHORIZED                                                           \
	.status = 401,                                                         \
	.body = "{\"success\":false,\"error\":{\"code\":"                      \
		"\"auth/access-token-expired\",\"message\":\"expired\"}}"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
