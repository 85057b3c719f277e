/* What the parts of --fetch share: questions, and what is missing. */
#include "command/fetch_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- questions ---- */

static void on_answer(struct sync_op *op, int err)
{
	struct fetch_question *question = (struct fetch_question *)op;
	struct fetch *fetch = question->fetch;
	lock_acquire(&fetch->lock);
	question->err = err;
	question->answered = true;
	pthread_cond_broadcast(&fetch->news);
	lock_release(&fetch->lock);
}

int fetch_ask(struct fetch *fetch, struct fetch_question *question,
    void (*start)(struct sync *sync, struct sync_op *op))
{
	question->fetch = fetch;
	question->op.id = sync_op_id(fetch->sync);
	question->op.done = on_answer;
	if (fetch_is_over(fetch))
		return -EINTR;
	start(fetch->sync, &question->op);
	lock_acquire(&fetch->lock);
	while (!question->answered && !fetch->over)
		lock_wait(&fetch->lock, &fetch->news);
	int r = fetch->over ? -EINTR : question->err;
	lock_release(&fetch->lock);
	return r;
}

bool fetch_is_over(struct fetch *fetch)
{
	lock_acquire(&fetch->lock);
	bool over = fetch->over || fetch->signal;
	lock_release(&fetch->lock);
	return over;
}

void fetch_misses(struct fetch *fetch, const char *what, const char *why)
{
	char *line = NULL;
	if (asprintf(&line, "%s: %s", what, why) < 0)
		line = NULL;
	lock_acquire(&fetch->lock);
	char **all =
	    realloc(fetch->missing, (fetch->missing_count + 1) * sizeof(*all));
	/* Without memory for its name it still counts. */
	if (all) {
		fetch->missing = all;
		all[fetch->missing_count++] = line;
	} else {
		fetch->over = true;
		free(line);
	}
	lock_release(&fetch->lock);
}
