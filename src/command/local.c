#include "command/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command/mount.h"
#include "command/signals.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/config.h"
#include "config/secrets.h"
#include "config/setting.h"

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

/* What it prints that a mount needs: NAME=value lines. */
static int take_line(char *line, struct options *options)
{
	static const char *const names[] = {"BKEND_API_URL",
	    "BKEND_PUBLISHABLE_KEY", "BKEND_EMAIL", "BKEND_PASSWORD",
	    "BKEND_TABLES"};
	line[strcspn(line, "\n")] = '\0';
	char *value = strchr(line, '=');
	if (!value)
		return 0;
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(line, names[i]) == 0)
			return setting_apply(
			    setting_of_variable(line), "", value, options);
	}
	return 0;
}

static bool is_all_there(const struct options *options)
{
	return options->url && options->publishable_key && options->email &&
	       options->password && options->tables[0];
}

static int read_settings(int fd, struct options *options)
{
	char line[4096];
	int status = 0;
	FILE *in = fdopen(fd, "r");
	if (!in)
		return failed_for_memory();
	while (
	    !status && !is_all_there(options) && fgets(line, sizeof(line), in))
		status = take_line(line, options);
	fclose(in);
	if (!status && !is_all_there(options))
		status = failed("the sample project's server, bkend-emulator,"
				" did not start: it belongs beside bkendfs or"
				" in PATH");
	return status;
}

static void end_emulator(pid_t pid)
{
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int start_emulator(struct options *options, pid_t *ret_pid)
{
	int fds[2];
	pid_t parent = getpid();
	free(TAKE(options->url));
	if (pipe2(fds, O_CLOEXEC) < 0)
		return failed("cannot start: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		run_emulator(fds[1], parent);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return failed("cannot start: %s", strerror(errno));
	}
	int status = read_settings(fds[0], options);
	if (status)
		end_emulator(pid);
	else
		*ret_pid = pid;
	return status;
}

/* For background_run, so in the process and the thread that serves: the
 * emulator ends with that. */
static int serve(struct options *options, void (*on_live)(void *ctx), void *ctx)
{
	pid_t pid = -1;
	signals_block();
	int status = start_emulator(options, &pid);
	if (status)
		return status;
	status = account_complete(options);
	if (!status)
		status = mount_serve(options, on_live, ctx);
	end_emulator(pid);
	return status;
}

int local_demo(const struct arguments *arguments)
{
	struct options options;
	secrets_forget();
	int status = config_read_arguments(arguments, &options);
	options.nocache = true;
	if (!status)
		status = mount_run(&options, serve);
	options_done(&options);
	return status;
}
