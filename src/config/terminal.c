#include "config/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ANSWER_MAX_LEN 1024

bool terminal_is_there(void)
{
	return isatty(STDIN_FILENO);
}

/* Not through stdio, which would keep a copy. */
static int take_answer(char **ret_answer)
{
	char line[ANSWER_MAX_LEN + 2];
	ssize_t got = read(STDIN_FILENO, line, sizeof(line) - 1);
	int r = got <= 0 ? -ENODATA : 0;
	line[got > 0 ? got : 0] = '\0';
	size_t len = strcspn(line, "\r\n");
	if (r == 0 && len > ANSWER_MAX_LEN)
		r = -EMSGSIZE;
	line[len] = '\0';
	if (r == 0 && !len)
		r = -ENODATA;
	if (r == 0 && !(*ret_answer = strdup(line)))
		r = -ENOMEM;
	explicit_bzero(line, sizeof(line));
	return r;
}

/* 0, or -EINTR where something is to be read from wake. */
static int wait_for_answer(int wake)
{
	struct pollfd fds[2] = {
	    {.fd = STDIN_FILENO, .events = POLLIN},
	    {.fd = wake, .events = POLLIN},
	};
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	return fds[1].revents ? -EINTR : 0;
}

int terminal_ask(const char *question, int wake_fd, char **ret_answer)
{
	fputs(question, stderr);
	int r = wait_for_answer(wake_fd);
	if (r == 0)
		return take_answer(ret_answer);
	fputc('\n', stderr);
	return r;
}

static int ask_unseen(const char *question, int wake, char **ret_answer)
{
	struct termios old, quiet;
	if (tcgetattr(STDIN_FILENO, &old) < 0)
		return -ENODATA;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	/* Before the question, or a quick answer would show, or be flushed. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fputs(question, stderr);
	int r = wait_for_answer(wake);
	if (r == 0)
		r = take_answer(ret_answer);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	return r;
}

int terminal_ask_secret(const char *question, char **ret_answer)
{
	static const int numbers[] = {
	    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
	sigset_t set, before;
	int r;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaddset(&set, numbers[i]);
	do {
		/* Noticed here, but left to do what they do once they may. */
		sigprocmask(SIG_BLOCK, &set, &before);
		CLEANUP_CLOSE int wake = signalfd(-1, &set, SFD_CLOEXEC);
		r = wake < 0 ? -ENOMEM : ask_unseen(question, wake, ret_answer);
		sigprocmask(SIG_SETMASK, &before, NULL);
	} while (r == -EINTR);
	return r;
}
