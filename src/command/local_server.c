#include "command/local_server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/own_dir.h"
#include "base/timestamp.h"
#include "command/child_watch.h"
#include "command/fingerprint.h"
#include "command/unnamed_socket.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/setting.h"

#define PROGRAM "bkend-emulator"
#define MISSING 127 /* its exit status where there is no such program */

/* It is explained why nothing happens, in milliseconds. */
#define EXPLAIN_MS 6000

/* It is given so long to end by itself, in milliseconds. */
#define END_MS 500

/* Bytes of one line: names of tables, or a complaint. */
#define LINE_MAX_BYTES ((size_t)16 << 20)

/* More complaints than these are counted; where it fails, the last ones say
 * why. */
#define REMARKS_MAX 20
#define LAST_WORDS 2

enum { SETTINGS, COMPLAINTS, STREAMS };

struct local_server {
	pid_t pid;
	int socket;    /* where its socket is; -1: it has a port */
	char path[32]; /* the way there, for this process */
	char *edition; /* NULL: unsure */
	char *remarks[REMARKS_MAX];
	size_t remark_count;	/* may be more */
	char *last[LAST_WORDS]; /* beyond those; NULL: none */
	struct child_watch *watch;
	/* While it is watched: the watch's. */
	void (*ended)(void *ctx, const char *how);
	void *ended_ctx;
};

/* What it prints while it starts. */
struct start {
	struct local_server *server;
	struct options *options;
	int fds[STREAMS]; /* -1: at its end */
	struct buf lines[STREAMS];
	int status;
	bool ready; /* the last setting was told */
};

/* ---- the other process ---- */

/* The emulator beside this program, or the one in PATH. */
static void emulator_path(char out[PATH_MAX])
{
	static const char name[] = PROGRAM;
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

static void execute(const char *directory)
{
	char path[PATH_MAX];
	emulator_path(path);
	if (directory)
		execlp(path, path, "--data", directory, "--socket", "0",
		    (char *)NULL);
	else
		execlp(path, path, "--listen", "127.0.0.1:0", (char *)NULL);
	_exit(errno == ENOENT ? MISSING : 1);
}

/* In the child. in: what it has for its standard input. */
static void run_emulator(
    const char *directory, int in, const int out[STREAMS], pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* It has nothing to lose, and must not outlive us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it has ended before that could be told */
	/* A Ctrl-C is not for it, nor does it hold on to where we came from. */
	setsid();
	if (chdir("/") < 0)
		_exit(1);
	dup2(in, STDIN_FILENO);
	dup2(out[SETTINGS], STDOUT_FILENO);
	dup2(out[COMPLAINTS], STDERR_FILENO);
	execute(directory);
}

/* What it has for its standard input: the socket, or nothing to read from. */
static int open_input(
    struct local_server *server, const struct options *options)
{
	if (!options->directory) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		return null < 0 ? -errno : null;
	}
	int fd = unnamed_socket_open(options->cache_dir, &server->socket);
	snprintf(server->path, sizeof(server->path), "/proc/self/fd/%d",
	    server->socket);
	return fd;
}

static int open_pipes(int in[STREAMS], int out[STREAMS])
{
	for (int i = 0; i < STREAMS; i++) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		in[i] = ends[0];
		out[i] = ends[1];
	}
	return 0;
}

/* 0 or -errno. */
static int spawn(struct start *start, const struct options *options)
{
	struct local_server *server = start->server;
	int out[STREAMS] = {-1, -1};
	pid_t parent = getpid();
	CLEANUP_CLOSE int in = open_input(server, options);
	int r = in < 0 ? in : open_pipes(start->fds, out);
	if (r == 0)
		server->pid = fork();
	if (server->pid == 0)
		run_emulator(options->directory, in, out, parent);
	if (r == 0 && server->pid < 0)
		r = -errno;
	for (int i = 0; i < STREAMS; i++) {
		if (out[i] >= 0)
			close(out[i]);
	}
	return r;
}

/* ---- what it says ---- */

/* NAME=value lines, of which a mount needs these; of a directory it shows all
 * that there is, whoever may see it. */
static void take_setting(struct start *start, char *line)
{
	static const char *const of_directory[] = {
	    "BKEND_API_URL", "BKEND_SECRET_KEY", "BKEND_TABLES", NULL};
	static const char *const of_sample[] = {"BKEND_API_URL",
	    "BKEND_PUBLISHABLE_KEY", "BKEND_EMAIL", "BKEND_PASSWORD",
	    "BKEND_TABLES", NULL};
	const char *const *name =
	    start->options->directory ? of_directory : of_sample;
	char *value = strchr(line, '=');
	if (!value)
		return;
	*value++ = '\0';
	if (strcmp(line, "BKEND_TABLES") == 0)
		start->ready = true;
	/* The service's claims: no copy shall fail for one. */
	if (strcmp(line, "BKEND_SIZES") == 0)
		start->options->verify_sizes = true;
	while (*name && strcmp(*name, line) != 0)
		name++;
	if (*name && *value)
		start->status = setting_apply(
		    setting_of_variable(line), "", value, start->options);
}

static void take_complaint(struct start *start, const char *line)
{
	static const char prefix[] = PROGRAM ": ";
	struct local_server *server = start->server;
	char safe[2048];
	if (strncmp(line, prefix, strlen(prefix)) == 0)
		line += strlen(prefix);
	log_make_safe(line, safe, sizeof(safe));
	if (server->remark_count < REMARKS_MAX) {
		fprintf(stderr, "bkendfs: %s\n", safe);
		server->remarks[server->remark_count] = strdup(safe);
	} else {
		free(server->last[0]);
		memmove(server->last, server->last + 1,
		    sizeof(server->last) - sizeof(*server->last));
		server->last[LAST_WORDS - 1] = strdup(safe);
	}
	server->remark_count++;
}

static void tell_rest(const struct start *start)
{
	const struct local_server *server = start->server;
	if (server->remark_count <= REMARKS_MAX)
		return;
	fprintf(stderr,
	    "bkendfs: and %zu more like these: " PROGRAM
	    " --data names them all\n",
	    server->remark_count - REMARKS_MAX);
	for (size_t i = 0; i < LAST_WORDS && !start->ready; i++) {
		if (server->last[i])
			fprintf(stderr, "bkendfs: %s\n", server->last[i]);
	}
}

static void take_lines(struct start *start, int stream)
{
	struct buf *lines = &start->lines[stream];
	char *rest = lines->data, *end;
	while (start->status == 0 && rest && (end = strchr(rest, '\n'))) {
		*end = '\0';
		if (stream == SETTINGS)
			take_setting(start, rest);
		else
			take_complaint(start, rest);
		rest = end + 1;
	}
	if (!rest || rest == lines->data)
		return;
	lines->len -= (size_t)(rest - lines->data);
	memmove(lines->data, rest, lines->len + 1);
}

static void read_some(struct start *start, int stream)
{
	char piece[4096];
	ssize_t n = read(start->fds[stream], piece, sizeof(piece));
	if (n < 0 && errno == EINTR)
		return;
	if (n > 0 && buf_add(&start->lines[stream], piece, (size_t)n) == 0) {
		take_lines(start, stream);
	} else {
		close(start->fds[stream]);
		start->fds[stream] = -1;
	}
	explicit_bzero(piece, sizeof(piece));
}

/* What is there within so long is read: whether there was anything. */
static bool read_streams(struct start *start, int wait_ms)
{
	struct pollfd fds[STREAMS];
	for (int i = 0; i < STREAMS; i++)
		fds[i] = (struct pollfd){.fd = start->fds[i], .events = POLLIN};
	if (poll(fds, STREAMS, wait_ms) <= 0)
		return false;
	for (int i = 0; i < STREAMS; i++) {
		if (fds[i].revents)
			read_some(start, i);
	}
	return true;
}

static void explain(const struct options *options)
{
	fprintf(stderr,
	    "bkendfs: %s is still being read: waiting; a signal (Ctrl-C) ends"
	    " that\n",
	    options->directory ? options->directory : "the sample project");
}

static void await_settings(struct start *start)
{
	int64_t until = timestamp_mono_ms() + EXPLAIN_MS;
	bool explained = false;
	while (!start->status && !start->ready && start->fds[SETTINGS] >= 0) {
		int64_t left = until - timestamp_mono_ms();
		if (left <= 0 && !explained) {
			explain(start->options);
			explained = true;
		}
		read_streams(start, explained ? -1 : (int)left);
	}
	/* What it had to say was said before; or it ends, and says why. */
	while (start->fds[COMPLAINTS] >= 0 &&
	       read_streams(start, start->ready ? 0 : -1))
		;
	tell_rest(start);
}

/* ---- its life ---- */

static int wait_for_end(struct local_server *server)
{
	int status = 0;
	while (waitpid(server->pid, &status, 0) < 0 && errno == EINTR)
		;
	server->pid = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* By itself, or by somebody else's hand: it does not stay as a zombie. */
static void on_ended(void *ctx)
{
	struct local_server *server = ctx;
	char how[80];
	int status = 0;
	if (waitpid(server->pid, &status, WNOHANG) != server->pid)
		return;
	server->pid = -1;
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "by signal %d, %s", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof(how), "with exit status %d",
		    WEXITSTATUS(status));
	server->ended(server->ended_ctx, how);
}

int local_server_watch(struct local_server *server,
    void (*ended)(void *ctx, const char *how), void *ctx)
{
	server->ended = ended;
	server->ended_ctx = ctx;
	return child_watch_new(server->pid, on_ended, server, &server->watch);
}

void local_server_unwatch(struct local_server *server)
{
	if (server)
		child_watch_free(TAKE(server->watch));
}

/* One that was stopped, or that hangs, does not hear what it is told; nor does
 * anything get lost with it. */
static void make_end(struct local_server *server)
{
	CLEANUP_CLOSE int fd = pidfd_open(server->pid, 0);
	struct pollfd ended = {.fd = fd, .events = POLLIN};
	kill(server->pid, SIGTERM);
	if (fd < 0 || poll(&ended, 1, END_MS) <= 0)
		kill(server->pid, SIGKILL);
	wait_for_end(server);
}

/* Its streams have ended before it was ready. */
static int explain_end(struct start *start)
{
	const struct options *options = start->options;
	struct local_server *server = start->server;
	kill(server->pid, SIGKILL); /* it may have closed them only */
	if (wait_for_end(server) == MISSING)
		return failed("there is no " PROGRAM ", which serves %s: it"
			      " belongs beside bkendfs or in PATH",
		    options->directory ? "directories" : "the sample project");
	if (!server->remark_count)
		return failed(PROGRAM ", which is to serve %s, has ended"
				      " without a word",
		    options_source(options));
	return failed("%s cannot be mounted: see above",
	    options->directory ? options->directory : "the sample project");
}

static int begin(struct start *start)
{
	struct options *options = start->options;
	struct local_server *server = start->server;
	int r = spawn(start, options);
	if (r < 0)
		return failed("cannot start " PROGRAM " (with a socket in %s):"
			      " %s; choose another place with -o"
			      " cache_dir=DIR",
		    options->cache_dir, own_dir_problem(r));
	/* While it reads what is there. */
	r = options->directory
		? fingerprint_of(options->directory, &server->edition)
		: 0;
	/* It will say itself what it cannot read. */
	if (r == -ENOMEM)
		return failed_for_memory();
	await_settings(start);
	if (!start->status && !start->ready)
		return explain_end(start);
	return start->status;
}

int local_server_start(
    struct options *options, struct local_server **ret_server)
{
	struct local_server *server = calloc(1, sizeof(*server));
	struct start start = {
	    .server = server, .options = options, .fds = {-1, -1}};
	if (!server)
		return failed_for_memory();
	server->pid = server->socket = -1;
	for (int i = 0; i < STREAMS; i++)
		buf_init_secret(&start.lines[i], LINE_MAX_BYTES);
	free(TAKE(options->url));
	int status = begin(&start);
	for (int i = 0; i < STREAMS; i++) {
		buf_done(&start.lines[i]);
		if (start.fds[i] >= 0)
			close(start.fds[i]);
	}
	if (!status)
		status = account_complete(options);
	if (status) {
		local_server_end(server);
		return status;
	}
	options->server = *ret_server = server;
	return 0;
}

void local_server_end(struct local_server *server)
{
	if (!server)
		return;
	local_server_unwatch(server);
	if (server->pid > 0)
		make_end(server);
	if (server->socket >= 0)
		close(server->socket);
	for (size_t i = 0; i < REMARKS_MAX; i++)
		free(server->remarks[i]);
	for (size_t i = 0; i < LAST_WORDS; i++)
		free(server->last[i]);
	free(server->edition);
	free(server);
}

/* ---- facts ---- */

const char *local_server_socket(const struct local_server *server)
{
	return server && server->socket >= 0 ? server->path : NULL;
}

const char *local_server_edition(const struct local_server *server)
{
	return server->edition;
}

const char *local_server_remark(const struct local_server *server, size_t i)
{
	return server && i < REMARKS_MAX ? server->remarks[i] : NULL;
}
