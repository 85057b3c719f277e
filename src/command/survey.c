#include "command/survey.h"

#include <errno.h>
#include <stdlib.h>

#include "api/record.h"
#include "base/lock.h"

#define LIMIT 100

struct survey {
	struct contact *contact;
	struct http_task task;
	/* The question; for the loop thread once the task is posted. */
	int (*begin)(struct survey *survey);
	const char *table;
	const struct buf *id;
	struct buf *text;
	struct survey_listing *listing;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	bool done;
	int signal; /* 0: none came */
	struct api_error error;
};

struct survey *survey_new(struct contact *contact)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	if (!survey)
		return NULL;
	survey->contact = contact;
	lock_init(&survey->lock);
	pthread_cond_init(&survey->news, NULL);
	return survey;
}

void survey_free(struct survey *survey)
{
	if (!survey)
		return;
	pthread_cond_destroy(&survey->news);
	lock_done(&survey->lock);
	free(survey);
}

/* ---- one question ---- */

static void finish(struct survey *survey, const struct api_error *error)
{
	lock_acquire(&survey->lock);
	survey->error = *error;
	survey->done = true;
	pthread_cond_signal(&survey->news);
	lock_release(&survey->lock);
}

static void begin(void *ctx)
{
	struct survey *survey = ctx;
	int r = survey->begin(survey);
	if (r < 0)
		finish(survey, &(struct api_error){.err = r});
}

static void on_signal(void *ctx, int number)
{
	struct survey *survey = ctx;
	lock_acquire(&survey->lock);
	survey->signal = number;
	pthread_cond_signal(&survey->news);
	lock_release(&survey->lock);
}

static int ask(struct survey *survey, int (*fn)(struct survey *survey),
    struct api_error *ret_error)
{
	survey->begin = fn;
	survey->done = false;
	survey->task = (struct http_task){.fn = begin, .ctx = survey};
	signals_watch(contact_signals(survey->contact), on_signal, survey);
	http_post(contact_http(survey->contact), &survey->task);
	lock_acquire(&survey->lock);
	while (!survey->done && !survey->signal)
		lock_wait(&survey->lock, &survey->news);
	int number = survey->signal;
	*ret_error = survey->error;
	lock_release(&survey->lock);
	if (number)
		http_stop(contact_http(survey->contact));
	signals_watch(contact_signals(survey->contact), NULL, NULL);
	return number;
}

/* ---- listings ---- */

static int on_record(void *ctx, const char *text, size_t len)
{
	struct survey *survey = ctx;
	struct survey_listing *listing = survey->listing;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	listing->seen++;
	listing->bytes += (int64_t)len;
	if (record.size > 0)
		listing->claimed += record.size;
	if (!listing->first.len)
		r = buf_add(&listing->first, record.id.data, record.id.len);
	record_done(&record);
	return r;
}

static void forget_page(struct survey_listing *listing)
{
	listing->seen = listing->bytes = listing->claimed = 0;
	buf_clear(&listing->first);
}

static void on_restart(void *ctx)
{
	struct survey *survey = ctx;
	forget_page(survey->listing);
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct survey *survey = ctx;
	struct survey_listing *listing = survey->listing;
	if (!error->err) {
		api_shortfall(contact_api(survey->contact), survey->table,
		    listing->incomplete, sizeof(listing->incomplete));
		listing->total = page->total;
		listing->limit = page->limit > 0 ? page->limit : LIMIT;
		listing->more = page->has_next == 1 ||
				page->total > listing->seen ||
				(page->total < 0 && page->has_next < 0 &&
				    listing->seen >= listing->limit);
	}
	finish(survey, error);
}

static int begin_list(struct survey *survey)
{
	static const struct api_page_sink sink = {
	    .record = on_record, .restart = on_restart, .done = on_page};
	struct api_query query = {
	    .subject = survey->table ? survey->table : "storage",
	    .table = survey->table,
	    .page = 1,
	    .limit = LIMIT,
	};
	return api_list(contact_api(survey->contact), &query, &sink, survey)
		   ? 0
		   : -ENOMEM;
}

int survey_list(struct survey *survey, const char *table,
    struct survey_listing *ret_listing)
{
	*ret_listing = (struct survey_listing){.total = -1, .limit = LIMIT};
	buf_init(&ret_listing->first, RECORD_ID_MAX);
	survey->table = table;
	survey->listing = ret_listing;
	return ask(survey, begin_list, &ret_listing->error);
}

void survey_listing_done(struct survey_listing *listing)
{
	buf_done(&listing->first);
}

/* ---- texts ---- */

static void on_text(
    void *ctx, const struct api_error *error, const char *text, size_t len)
{
	struct survey *survey = ctx;
	struct api_error copy = *error;
	if (!copy.err)
		copy.err = buf_add(survey->text, text, len);
	finish(survey, &copy);
}

static int begin_spec(struct survey *survey)
{
	return api_spec(contact_api(survey->contact), survey->table,
		   survey->table, on_text, survey)
		   ? 0
		   : -ENOMEM;
}

int survey_spec(struct survey *survey, const char *table, struct buf *text,
    struct api_error *ret_error)
{
	survey->table = table;
	survey->text = text;
	return ask(survey, begin_spec, ret_error);
}

static int begin_me(struct survey *survey)
{
	return api_me(contact_api(survey->contact), on_text, survey) ? 0
								     : -ENOMEM;
}

int survey_me(
    struct survey *survey, struct buf *text, struct api_error *ret_error)
{
	survey->text = text;
	return ask(survey, begin_me, ret_error);
}

static void on_download(void *ctx, const struct api_error *error,
    const struct answer_download *download)
{
	(void)download;
	finish(ctx, error);
}

static int begin_download(struct survey *survey)
{
	return api_download_url(contact_api(survey->contact), "storage",
		   survey->id->data, survey->id->len, false, on_download,
		   survey)
		   ? 0
		   : -ENOMEM;
}

int survey_download(
    struct survey *survey, const struct buf *id, struct api_error *ret_error)
{
	survey->id = id;
	return ask(survey, begin_download, ret_error);
}
