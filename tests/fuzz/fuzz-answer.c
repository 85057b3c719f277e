/* Any body as each of the small answers, and as a record: what is refused
 * leaves its place as it was, what is taken is fit for use, and an envelope
 * around it makes no difference. */
#include "fuzz.h"

#include <string.h>

#include "api/answer.h"
#include "api/record.h"
#include "base/timestamp.h"
#include "json/json.h"

#define CODE_MAX 80
#define MESSAGE_MAX 300

/* An envelope is a level of nesting, of which cJSON takes 1000. */
#define SIZE_MAX_NESTED 1900

#define SUCCESS "{\"success\":true,\"data\":"

/* Whether text is an object in which none of these members stands. */
static bool is_free_of(const char *text, size_t len, const char *a,
    const char *b, struct buf *wrapped, const char *envelope)
{
	const char *const names[] = {a, b};
	struct json_span spans[2];
	if (len > SIZE_MAX_NESTED ||
	    json_members(text, len, names, 2, spans) < 0 || spans[0].text ||
	    spans[1].text)
		return false;
	MUST(buf_adds(wrapped, envelope) == 0);
	MUST(buf_add(wrapped, text, len) == 0);
	MUST(buf_addc(wrapped, '}') == 0);
	return true;
}

struct words {
	struct buf code;
	struct buf message;
};

static void read_error(const char *text, size_t len, struct words *words)
{
	buf_init(&words->code, CODE_MAX);
	buf_init(&words->message, MESSAGE_MAX);
	answer_error(text, len, &words->code, &words->message);
}

static void words_done(struct words *words)
{
	buf_done(&words->code);
	buf_done(&words->message);
}

static void check_error(const char *text, size_t len)
{
	CLEANUP_BUF struct buf wrapped;
	buf_init(&wrapped, BUF_MAX_DEFAULT);
	struct words bare, inner;
	read_error(text, len, &bare);
	if (is_free_of(text, len, "error", "error", &wrapped, "{\"error\":")) {
		read_error(buf_str(&wrapped), wrapped.len, &inner);
		MUST(buf_compare(&bare.code, &inner.code) == 0);
		MUST(buf_compare(&bare.message, &inner.message) == 0);
		if (bare.code.len || bare.message.len)
			MUST(answer_is_failure(buf_str(&wrapped), wrapped.len));
		words_done(&inner);
	}
	words_done(&bare);
}

/* Once it may be none, nothing that follows makes an object of it. */
static void check_beginning(const char *text, size_t len)
{
	bool may = true;
	for (size_t n = 1; n <= len && n < 40; n++) {
		bool still = answer_may_be_object(text, n);
		MUST(may || !still);
		may = still;
	}
	static const char *const name = "id";
	struct json_span span;
	if (len && json_members(text, len, &name, 1, &span) == 0)
		MUST(answer_may_be_object(text, len));
}

static bool read_tokens(
    const char *text, size_t len, struct answer_tokens *tokens)
{
	char untouched;
	*tokens = (struct answer_tokens){&untouched, &untouched, 42};
	if (answer_tokens(text, len, tokens) < 0) {
		MUST(tokens->access == &untouched &&
		     tokens->refresh == &untouched &&
		     tokens->lifetime_ms == 42);
		return false;
	}
	MUST(tokens->access[0] && tokens->lifetime_ms >= 0);
	for (const char *at = tokens->access; *at; at++)
		MUST(*at > ' ' && *at <= '~');
	MUST(!tokens->refresh || tokens->refresh[0]);
	return true;
}

static void check_tokens(const char *text, size_t len)
{
	CLEANUP_BUF struct buf wrapped;
	buf_init(&wrapped, BUF_MAX_DEFAULT);
	struct answer_tokens bare, inner;
	bool taken = read_tokens(text, len, &bare);
	if (is_free_of(text, len, "success", "data", &wrapped, SUCCESS)) {
		MUST(read_tokens(buf_str(&wrapped), wrapped.len, &inner) ==
		     taken);
		if (taken) {
			MUST(strcmp(bare.access, inner.access) == 0);
			MUST(!bare.refresh == !inner.refresh);
			MUST(!bare.refresh ||
			     strcmp(bare.refresh, inner.refresh) == 0);
			MUST(bare.lifetime_ms == inner.lifetime_ms);
			answer_tokens_done(&inner);
		}
	}
	if (taken)
		answer_tokens_done(&bare);
}

static bool read_download(
    const char *text, size_t len, struct answer_download *download)
{
	char untouched;
	*download = (struct answer_download){&untouched, 42, 43, 44};
	if (answer_download(text, len, download) < 0) {
		MUST(download->url == &untouched && download->size == 42 &&
		     download->expires_ms == 43 && download->date_ms == 44);
		return false;
	}
	MUST(download->url[0] && !strchr(download->url, ' '));
	MUST(download->size >= -1 && download->date_ms == -1);
	MUST(download->expires_ms >= -TIMESTAMP_MS_MAX &&
	     download->expires_ms <= TIMESTAMP_MS_MAX);
	return true;
}

static void check_download(const char *text, size_t len)
{
	CLEANUP_BUF struct buf wrapped;
	buf_init(&wrapped, BUF_MAX_DEFAULT);
	struct answer_download bare, inner;
	bool taken = read_download(text, len, &bare);
	if (is_free_of(text, len, "success", "data", &wrapped, SUCCESS)) {
		MUST(read_download(buf_str(&wrapped), wrapped.len, &inner) ==
		     taken);
		if (taken) {
			MUST(strcmp(bare.url, inner.url) == 0);
			MUST(bare.size == inner.size);
			MUST(bare.expires_ms == inner.expires_ms);
			answer_download_done(&inner);
		}
	}
	if (taken)
		answer_download_done(&bare);
}

static bool read_page(const char *text, size_t len, struct api_page *page)
{
	memset(page, 42, sizeof(*page));
	struct api_page before = *page;
	if (answer_page(text, len, page) < 0) {
		MUST(memcmp(page, &before, sizeof(before)) == 0);
		return false;
	}
	MUST(page->total >= -1 && page->page >= -1 && page->limit >= -1);
	MUST(page->total_pages >= -1 && page->date_ms == -1);
	MUST(page->has_next >= -1 && page->has_next <= 1);
	return true;
}

static void check_page(const char *text, size_t len)
{
	CLEANUP_BUF struct buf wrapped;
	buf_init(&wrapped, BUF_MAX_DEFAULT);
	static const char *const name = "items";
	struct json_span items;
	struct api_page bare, inner;
	bool taken = read_page(text, len, &bare);
	if (!is_free_of(text, len, "success", "data", &wrapped, SUCCESS))
		return;
	MUST(json_members(text, len, &name, 1, &items) == 0);
	if (!items.text || !taken)
		return;
	MUST(read_page(buf_str(&wrapped), wrapped.len, &inner));
	MUST(bare.total == inner.total && bare.page == inner.page);
	MUST(bare.limit == inner.limit && bare.has_next == inner.has_next);
	MUST(bare.total_pages == inner.total_pages);
	MUST(bare.no_items == inner.no_items);
}

/* Whatever id is asked for, the payload is within the answer, and valid; a
 * record carries its own id, and is then no envelope. */
static void check_record(const char *text, size_t len)
{
	struct json_span payload;
	struct record record;
	if (record_unwrap(text, len, NULL, 0, &payload) == 0) {
		MUST(payload.text >= text &&
		     payload.text + payload.len <= text + len);
		MUST(json_check(payload.text, payload.len) == 0);
	}
	if (record_parse(text, len, &record) < 0)
		return;
	MUST(json_check(text, len) == 0);
	MUST(record.text.text == text && record.text.len == len);
	MUST(record.id.len > 0 && record.id.len <= RECORD_ID_MAX);
	MUST(record.size >= -1 && record.size <= RECORD_SIZE_MAX);
	MUST(record.mtime_ms >= -TIMESTAMP_MS_MAX &&
	     record.mtime_ms <= TIMESTAMP_MS_MAX);
	record_done(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	check_beginning(text, size);
	check_error(text, size);
	check_tokens(text, size);
	check_download(text, size);
	check_page(text, size);
	check_record(text, size);
	return 0;
}
