/* bkend-emulator: a bkend-compatible server on the loopback interface. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/sandbox.h"
#include "emulator/command_line.h"
#include "emulator/load/directory.h"
#include "emulator/load/sample.h"
#include "emulator/server/server.h"
#include "emulator/service/credentials_file.h"
#include "emulator/service/mutator.h"
#include "emulator/store/claims.h"

/* The signals that end the program are taken by sigwait alone. */
static void block_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGINT);
	pthread_sigmask(SIG_BLOCK, ret_set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* A descriptor a connection, and one an object: the usual 1,024 are few. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* 0 or -EIO: nobody would know where to ask, and with which key. */
static int print_settings(struct emulator *emulator,
    const struct command_line *options, const struct server *server)
{
	char address[SERVER_ADDRESS_SIZE];
	server_read_address(server, address);
	printf("BKEND_API_URL=http://%s\n", address);
	for (size_t i = 0; i < CREDENTIALS; i++)
		printf("%s=%s\n", credential_names[i],
		    emulator->credentials.values[i]);
	/* Who trusts a claim that is wrong fails at it, if only once. */
	if (options->server.socket >= 0 &&
	    claims_are_true(store_files(emulator->store)) != 1)
		printf("BKEND_SIZES=wrong\n");
	printf("BKEND_PAGE_URL=http://%s/", address);
	if (*emulator->page_token)
		printf("page/%s/", emulator->page_token);
	printf("\nBKEND_TABLES=");
	const struct table *table;
	for (size_t i = 0; (table = store_nth(emulator->store, i)); i++)
		printf("%s%s", i > 0 ? ":" : "", table_name(table));
	printf("\n");
	return fflush(stdout) != 0 || ferror(stdout) ? -EIO : 0;
}

/* The exit status. */
static int load(struct emulator *emulator, const struct command_line *options)
{
	int r = 0;
	if (options->data)
		r = directory_load(emulator->store, options->data);
	else if (!options->no_demo)
		r = sample_load(emulator->store);
	if (r < 0)
		return 1;
	r = command_line_generate(options, emulator);
	store_mark_kept(emulator->store);
	if (r < 0)
		return 2;
	/* One client, who is told of them, and ends with us. */
	r = options->server.socket >= 0 && !options->credentials
		? credentials_set_random(&emulator->credentials)
		: credentials_file_load(&emulator->credentials, options->data,
		      options->credentials);
	if (r == 0)
		r = emulator_open_pages(emulator, options->data,
		    credentials_are_sample(&emulator->credentials));
	return r < 0;
}

/* What serving takes, once all is loaded: to read the directory, and what
 * libraries look into. 0 or -errno. */
static int confine(const struct command_line *options)
{
	static const char *const places[] = {"/usr", "/lib", "/lib64",
	    "/nix/store", "/gnu/store", "/etc/localtime", "/proc/sys",
	    "/sys/devices/system/cpu", "/dev/random", "/dev/urandom"};
	struct sandbox *sandbox;
	char words[SANDBOX_WORDS];
	int r = sandbox_new(SANDBOX_SERVER, &sandbox);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++)
		r = sandbox_allow(sandbox, places[i], SANDBOX_READ);
	if (r == 0)
		r = sandbox_allow(sandbox, "/dev/null", SANDBOX_DEVICE);
	if (r == 0 && options->data)
		r = sandbox_allow(sandbox, options->data, SANDBOX_READ);
	if (r == 0 && SANDBOX_WANTED)
		sandbox_enter(sandbox, words);
	sandbox_free(sandbox);
	return r;
}

static int serve(struct emulator *emulator, const struct command_line *options)
{
	sigset_t signals;
	struct mutator *mutator;
	struct server *server;
	int caught;
	block_signals(&signals);
	raise_file_limit();
	int r = confine(options);
	if (r < 0) {
		fprintf(stderr, "bkend-emulator: %s\n", strerror(-r));
		return 1;
	}
	r = server_start(emulator, &options->server, &server);
	if (r < 0) {
		fprintf(stderr, "bkend-emulator: cannot listen on %s: %s\n",
		    options->server.address,
		    r == -EINVAL ? "not ADDRESS:PORT, with an address in "
				   "numbers or localhost, as 127.0.0.1:8420 or "
				   "[::1]:8420"
				 : strerror(-r));
		return r == -EINVAL ? 2 : 1;
	}
	r = mutator_start(emulator, &mutator);
	if (r == 0) {
		r = print_settings(emulator, options, server);
		if (r == 0)
			sigwait(&signals, &caught);
		else
			fprintf(stderr, "bkend-emulator: cannot write the "
					"settings to the standard output\n");
		mutator_stop(mutator);
	}
	server_stop(server);
	return r < 0;
}

int main(int argc, char **argv)
{
	struct emulator *emulator;
	struct command_line options;
	int r = emulator_new(&emulator);
	if (r < 0) {
		fprintf(stderr, "bkend-emulator: %s\n", strerror(-r));
		return 1;
	}
	int status = 2;
	if (command_line_parse(argc, argv, emulator, &options) == 0) {
		status = options.done ? 0 : load(emulator, &options);
		if (status == 0 && !options.done)
			status = serve(emulator, &options);
	}
	emulator_free(emulator);
	return status;
}
