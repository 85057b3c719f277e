/* bkend-emulator: a bkend-compatible server on the loopback interface. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "emulator/options.h"
#include "emulator/server.h"

/* The signals that end the program are taken by sigwait alone. */
static void block_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGINT);
	pthread_sigmask(SIG_BLOCK, ret_set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void print_settings(
    struct emulator *emulator, const struct server *server)
{
	char address[SERVER_ADDRESS_SIZE];
	server_read_address(server, address);
	printf("BKEND_API_URL=http://%s\n", address);
	printf("BKEND_PUBLISHABLE_KEY=" AUTH_PUBLISHABLE_KEY "\n");
	printf("BKEND_SECRET_KEY=" AUTH_SECRET_KEY "\n");
	printf("BKEND_EMAIL=" AUTH_EMAIL "\n");
	printf("BKEND_PASSWORD=" AUTH_PASSWORD "\n");
	printf("BKEND_TABLES=");
	const struct table *table;
	for (size_t i = 0; (table = store_nth(emulator->store, i)); i++)
		printf("%s%s", i > 0 ? ":" : "", table->name);
	printf("\n");
	fflush(stdout);
}

static int load(struct emulator *emulator, const struct options *options)
{
	(void)emulator;
	(void)options;
	return 0;
}

static int serve(struct emulator *emulator, const struct options *options)
{
	sigset_t signals;
	struct server *server;
	int caught;
	block_signals(&signals);
	int r = server_start(emulator, options->listen, &server);
	if (r < 0) {
		fprintf(stderr, "bkend-emulator: cannot listen on %s: %s\n",
		    options->listen, strerror(-r));
		return r == -EINVAL ? 2 : 1;
	}
	print_settings(emulator, server);
	sigwait(&signals, &caught);
	server_stop(server);
	return 0;
}

int main(int argc, char **argv)
{
	struct emulator *emulator;
	struct options options;
	int r = emulator_new(&emulator);
	if (r < 0) {
		fprintf(stderr, "bkend-emulator: %s\n", strerror(-r));
		return 1;
	}
	int status = 2;
	if (options_parse(argc, argv, emulator, &options) == 0) {
		if (options.done)
			status = 0;
		else if (load(emulator, &options) < 0)
			status = 1;
		else
			status = serve(emulator, &options);
	}
	emulator_free(emulator);
	return status;
}
