/* What stands between a request and its right answer: the rate limit, the
 * scripted answers and the random faults. Asked by dispatch, told by the
 * control interface; thread-safe. */
#ifndef EMULATOR_FAULT_H
#define EMULATOR_FAULT_H

#include "emulator/exchange/http_reply.h"

struct faults;

/* The next count requests whose path begins with path get this answer. */
struct script {
	char *path;
	int64_t count;
	int status;	       /* 0: the right answer, broken as kind says */
	int64_t retry_after_s; /* -1: none */
	enum fault_kind kind;
	struct buf body;
};

/* 0 or -ENOMEM. */
int faults_new(struct faults **ret_faults);
/* NULL is fine. */
void faults_free(struct faults *faults);

/* The script's members are taken over. 0 or -ENOMEM. */
int faults_add_script(struct faults *faults, struct script *script);

/*
 * Whether the request gets a made-up answer. If so reply is filled; else
 * reply->fault tells how the right answer is to be broken, if at all.
 */
bool faults_answer(
    struct faults *faults, const struct request *request, struct reply *reply);

#endif
