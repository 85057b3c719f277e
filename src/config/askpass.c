#include "config/askpass.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "config/complain.h"

/* Who is asked has to find his glasses first. */
#define PATIENCE_MS 60000
#define LINE_LEN_MAX 4096
/* How often to look where the kernel does not tell. */
#define LOOK_MS 50

/* A job of a shell's: a group of its own, so that all of it can be ended, and
 * in the foreground, so that it can ask. */
struct job {
	pid_t pid;
	int ended; /* a pidfd, readable then; -1: the kernel has none */
	int out;
	int terminal; /* -1: none, or not ours to give */
};

static void give_terminal(int terminal, pid_t group)
{
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	/* Who takes it back is in the background at that moment. */
	sigprocmask(SIG_BLOCK, &set, &old);
	tcsetpgrp(terminal, group);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void run_in_child(const struct job *job, int out, const char *command)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setpgid(0, 0);
	if (job->terminal >= 0)
		give_terminal(job->terminal, getpid());
	dup2(out, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int begin(struct job *job, const char *command)
{
	int fds[2];
	job->terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (job->terminal >= 0 && tcgetpgrp(job->terminal) != getpgrp()) {
		close(job->terminal);
		job->terminal = -1;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	job->pid = fork();
	if (job->pid == 0)
		run_in_child(job, fds[1], command);
	close(fds[1]);
	job->out = fds[0];
	if (job->pid > 0) {
		setpgid(job->pid, job->pid);
		job->ended = pidfd_open(job->pid, 0);
	}
	return job->pid < 0 ? -errno : 0;
}

static bool has_ended(const struct job *job)
{
	siginfo_t how = {0};
	int flags = WEXITED | WNOWAIT | WNOHANG;
	return waitid(P_PID, (id_t)job->pid, &how, flags) == 0 && how.si_pid;
}

/* Until it has printed something, 1, or has ended, 0; -ETIMEDOUT. */
static int wait_for_more(const struct job *job, int64_t until)
{
	struct pollfd fds[] = {
	    {.fd = job->out, .events = POLLIN},
	    {.fd = job->ended, .events = POLLIN},
	};
	int64_t left = until - timestamp_mono_ms();
	while (left > 0) {
		/* Before what it printed: it may have done so at its end. */
		bool ended = job->ended < 0 && has_ended(job);
		int64_t wait = left;
		if (job->ended < 0 && wait > LOOK_MS)
			wait = LOOK_MS;
		int ready = poll(fds, ARRAY_SIZE(fds), ended ? 0 : (int)wait);
		if (ready > 0)
			return fds[0].revents != 0;
		if (ended)
			return 0;
		left = ready ? until - timestamp_mono_ms() : left - wait;
	}
	return -ETIMEDOUT;
}

/* All that it prints until it ends: what it leaves running may keep the pipe
 * for good. 0, -ETIMEDOUT, or -EMSGSIZE. */
static int read_all(const struct job *job, struct buf *text)
{
	char piece[512];
	int64_t until = timestamp_mono_ms() + PATIENCE_MS;
	for (;;) {
		int r = wait_for_more(job, until);
		if (r <= 0)
			return r;
		ssize_t got = read(job->out, piece, sizeof(piece));
		if (got <= 0)
			return 0;
		r = buf_add(text, piece, (size_t)got);
		explicit_bzero(piece, sizeof(piece));
		if (r < 0)
			return r;
	}
}

/* What the shell says of its end. If a signal was that, all of the job goes
 * with it: an interrupt finds no process that is just being forked. */
static int finish(struct job *job, bool at_once)
{
	int status = -1;
	siginfo_t how = {0};
	close(job->out);
	if (job->ended >= 0)
		close(job->ended);
	if (at_once)
		kill(-job->pid, SIGKILL);
	while (waitid(P_PID, (id_t)job->pid, &how, WEXITED | WNOWAIT) < 0 &&
	       errno == EINTR)
		;
	if (how.si_code != CLD_EXITED)
		kill(-job->pid, SIGKILL);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (job->terminal >= 0) {
		give_terminal(job->terminal, getpgrp());
		close(job->terminal);
	}
	return status;
}

static int judge(const char *name, int r, int status, struct buf *text)
{
	if (r == -ETIMEDOUT)
		return complain("%s: it printed nothing whole within %d s",
		    name, PATIENCE_MS / 1000);
	if (r < 0)
		return complain("%s: it prints too much for one line", name);
	if (WIFSIGNALED(status))
		return complain("%s: it was ended by a signal (%s)", name,
		    strsignal(WTERMSIG(status)));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return complain("%s: it failed (exit status %d)", name,
		    WEXITSTATUS(status));
	while (text->len && strchr("\r\n", text->data[text->len - 1]))
		text->data[--text->len] = '\0';
	if (!text->len)
		return complain("%s: it printed nothing", name);
	if (memchr(text->data, '\n', text->len))
		return complain("%s: it printed more than one line", name);
	if (memchr(text->data, '\0', text->len) ||
	    !utf8_is_valid(text->data, text->len))
		return complain("%s: what it printed is not UTF-8", name);
	return 0;
}

int askpass_run(const char *name, const char *command, char **ret_line)
{
	struct job job = {.pid = -1, .ended = -1, .out = -1, .terminal = -1};
	CLEANUP_BUF struct buf text;
	buf_init_secret(&text, LINE_LEN_MAX);
	int r = begin(&job, command);
	if (r < 0)
		return failed("%s: %s", name, strerror(-r));
	r = read_all(&job, &text);
	int status = judge(name, r, finish(&job, r < 0), &text);
	if (status)
		return status;
	char *line = strdup(text.data);
	if (!line)
		return failed_for_memory();
	*ret_line = line;
	return 0;
}
