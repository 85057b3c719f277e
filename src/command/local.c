#include "command/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The emulator beside this program, or the one in PATH. */
static void emulator_path(char out[PATH_MAX])
{
	static const char name[] = "bkend-emulator";
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - sizeof(name));
	char *slash = NULL;
	if (len > 0) {
		out[len] = '\0';
		slash = strrchr(out, '/');
	}
	if (slash)
		strcpy(slash + 1, name);
	if (!slash || access(out, X_OK) < 0)
		strcpy(out, name);
}

static void run_emulator(int out, pid_t parent)
{
	char path[PATH_MAX];
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1); /* it has ended before that could be told */
	emulator_path(path);
	/* Whoever waits for our output shall not wait for the emulator's. */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	execlp(path, path, "--listen", "127.0.0.1:0", (char *)NULL);
	_exit(1);
}

static void take(char **where, const char *value)
{
	free(*where);
	*where = strdup(value);
}

static void take_tables(struct options *options, char *list)
{
	size_t count = 0;
	char *state;
	char **tables = calloc(strlen(list) + 1, sizeof(*tables));
	if (!tables)
		return;
	for (char *name = strtok_r(list, ":", &state); name;
	     name = strtok_r(NULL, ":", &state))
		tables[count++] = strdup(name);
	free(options->tables);
	options->tables = tables;
}

/* Read NAME=value lines, until all is there. */
static int read_settings(int fd, struct options *options)
{
	char line[4096];
	FILE *in = fdopen(fd, "r");
	if (!in)
		return -errno;
	while (!(options->url && options->key && options->email &&
		   options->password && options->tables[0]) &&
	       fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		char *value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(line, "BKEND_API_URL") == 0)
			take(&options->url, value);
		else if (strcmp(line, "BKEND_PUBLISHABLE_KEY") == 0)
			take(&options->key, value);
		else if (strcmp(line, "BKEND_EMAIL") == 0)
			take(&options->email, value);
		else if (strcmp(line, "BKEND_PASSWORD") == 0)
			take(&options->password, value);
		else if (strcmp(line, "BKEND_TABLES") == 0)
			take_tables(options, value);
	}
	fclose(in);
	return options->url && options->key && options->tables[0] ? 0 : -EIO;
}

int demo_start(struct options *options, pid_t *ret_pid)
{
	int fds[2];
	pid_t parent = getpid();
	free(TAKE(options->url));
	if (pipe2(fds, O_CLOEXEC) < 0)
		return EXIT_COULD_NOT;
	pid_t pid = fork();
	if (pid == 0)
		run_emulator(fds[1], parent);
	close(fds[1]);
	if (pid < 0 || read_settings(fds[0], options) < 0) {
		if (pid > 0)
			demo_stop(pid);
		fprintf(stderr, "bkendfs: the sample project's server,"
				" bkend-emulator, did not start: it belongs"
				" beside bkendfs or in PATH\n");
		return EXIT_COULD_NOT;
	}
	*ret_pid = pid;
	return 0;
}

void demo_stop(pid_t pid)
{
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
