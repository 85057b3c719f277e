#include "emulator/service/emulator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int emulator_new(struct emulator **ret_emulator)
{
	struct emulator *emulator = calloc(1, sizeof(*emulator));
	if (!emulator)
		return -ENOMEM;
	lock_init(&emulator->lock);
	switches_init(&emulator->switches);
	int r = store_new(&emulator->store);
	if (r == 0)
		r = sessions_new(&emulator->sessions);
	if (r == 0)
		r = oauth_server_new(&emulator->oauth);
	if (r == 0)
		r = mcp_server_new(
		    emulator->store, emulator->oauth, &emulator->mcp);
	if (r == 0)
		r = faults_new(&emulator->faults);
	if (r == 0)
		r = stats_new(&emulator->stats);
	if (r == 0)
		r = signer_init(&emulator->signer);
	if (r < 0) {
		emulator_free(emulator);
		return r;
	}
	*ret_emulator = emulator;
	return 0;
}

void emulator_free(struct emulator *emulator)
{
	if (!emulator)
		return;
	stats_free(emulator->stats);
	faults_free(emulator->faults);
	mcp_server_free(emulator->mcp);
	oauth_server_free(emulator->oauth);
	sessions_free(emulator->sessions);
	store_free(emulator->store);
	credentials_done(&emulator->credentials);
	free(emulator->project);
	lock_done(&emulator->lock);
	free(emulator);
}

/* The last part of where it really is. */
static char *name_of(const char *data)
{
	CLEANUP_FREE char *path = realpath(data, NULL);
	const char *slash = strrchr(path ? path : data, '/');
	return strdup(slash && slash[1] ? slash + 1 : path ? path : data);
}

int emulator_open_pages(struct emulator *emulator, const char *data, bool known)
{
	char *const *credentials = emulator->credentials.values;
	emulator->project = data ? name_of(data) : strdup("Sample project");
	if (!emulator->project)
		return -ENOMEM;
	emulator->site = (struct site){
	    .store = emulator->store,
	    .project = emulator->project,
	    .key = credentials[PUBLISHABLE_KEY],
	    .email = credentials[EMAIL],
	    .password = credentials[PASSWORD],
	};
	return known ? 0
		     : signer_random_hex(
			   emulator->page_token, EMULATOR_PAGE_TOKEN_SIZE / 2);
}

void emulator_read_switches(
    struct emulator *emulator, struct switches *ret_switches)
{
	lock_acquire(&emulator->lock);
	*ret_switches = emulator->switches;
	lock_release(&emulator->lock);
}

int emulator_set(struct emulator *emulator, const char *name, const char *value)
{
	if (strcmp(name, "generate") == 0)
		return store_generate(emulator->store, value);
	if (strcmp(name, "generate-files") == 0)
		return store_generate_files(emulator->store, value);
	if (strcmp(name, "log") == 0)
		return stats_open_log(emulator->stats, value);
	lock_acquire(&emulator->lock);
	int r = switches_set(&emulator->switches, name, value);
	lock_release(&emulator->lock);
	return r;
}
