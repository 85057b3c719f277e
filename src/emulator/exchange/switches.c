#include "emulator/exchange/switches.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/number.h"

/* Larger waits and rates than this mean a slip of the pen. */
#define NUMBER_MOST ((int64_t)1 << 50)

static const struct {
	const char *name;
	enum lie lie;
} lie_names[] = {
    {"size", LIE_SIZE},
    {"size-large", LIE_SIZE_LARGE},
    {"size-zero", LIE_SIZE_ZERO},
    {"size-missing", LIE_SIZE_MISSING},
    {"no-range", LIE_NO_RANGE},
    {"no-sort", LIE_NO_SORT},
    {"no-sort-field", LIE_NO_SORT_FIELD},
    {"no-select", LIE_NO_SELECT},
    {"no-filter", LIE_NO_FILTER},
    {"total-low", LIE_TOTAL_LOW},
    {"total-high", LIE_TOTAL_HIGH},
    {"repeat-page", LIE_REPEAT_PAGE},
    {"no-items", LIE_NO_ITEMS},
};

static const struct {
	const char *name;
	size_t offset;
	int64_t least;
} number_names[] = {
    {"latency", offsetof(struct switches, latency_ms), 0},
    {"storage-latency", offsetof(struct switches, storage_latency_ms), 0},
    {"storage-rate", offsetof(struct switches, storage_rate), 0},
    {"token-ttl", offsetof(struct switches, token_ttl_s), 0},
    {"url-ttl", offsetof(struct switches, url_ttl_s), 0},
    {"max-limit", offsetof(struct switches, max_limit), 1},
    {"mutate", offsetof(struct switches, mutate), 0},
    {"seed", offsetof(struct switches, seed), 0},
    {"mcp-code-ttl", offsetof(struct switches, mcp_code_ttl_s), 0},
    {"mcp-page", offsetof(struct switches, mcp_page), 1},
};

void switches_init(struct switches *switches)
{
	*switches = (struct switches){
	    .token_ttl_s = 3600,
	    .url_ttl_s = 900,
	    .rate_window_s = 1,
	    .max_limit = 100,
	    .mcp_code_ttl_s = 600,
	    .mcp_page = 20,
	    .mcp_projects = 1,
	    .error_shape = 1,
	    .envelope = true,
	};
}

enum fault_kind fault_kind_parse(const char *name)
{
	static const char *const names[] = {
	    [FAULT_500] = "500",
	    [FAULT_503] = "503",
	    [FAULT_429] = "429",
	    [FAULT_PAGE] = "page",
	    [FAULT_RESET] = "reset",
	    [FAULT_CUT] = "cut",
	    [FAULT_STALL] = "stall",
	    [FAULT_HALF] = "half",
	};
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum fault_kind)i;
	return FAULT_NONE;
}

/* PERCENT:KIND[:API|STORAGE] */
static int set_fail(struct switches *switches, const char *value)
{
	if (!*value) {
		switches->fail_count = 0;
		return 0;
	}
	struct fail fail = {.api = true, .storage = true};
	char kind[16] = "", where[16] = "";
	int end = 0;
	if (sscanf(value, "%lf:%15[^:]%n", &fail.percent, kind, &end) < 2)
		return -EINVAL;
	if (value[end] == ':' && strlen(value + end + 1) < sizeof(where))
		strcpy(where, value + end + 1);
	else if (value[end])
		return -EINVAL;
	fail.kind = fault_kind_parse(kind);
	if (strcmp(where, "API") == 0)
		fail.storage = false;
	else if (strcmp(where, "STORAGE") == 0)
		fail.api = false;
	else if (value[end])
		return -EINVAL;
	if (fail.kind == FAULT_NONE || !(fail.percent >= 0) ||
	    fail.percent > 100 || switches->fail_count == FAILS_MAX)
		return -EINVAL;
	switches->fails[switches->fail_count++] = fail;
	return 0;
}

static int set_lie(struct switches *switches, const char *value)
{
	if (!*value) {
		switches->lies = 0;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lie_names); i++)
		if (strcmp(value, lie_names[i].name) == 0) {
			switches->lies |= lie_names[i].lie;
			return 0;
		}
	return -EINVAL;
}

/* N/SECONDS; 0 or nothing lifts the limit. */
static int set_rate_limit(struct switches *switches, const char *value)
{
	int64_t count = 0, window = 1;
	char text[64];
	if (strlen(value) >= sizeof(text))
		return -EINVAL;
	strcpy(text, value);
	char *slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (*text && number_parse(text, 0, NUMBER_MOST, &count) < 0)
		return -EINVAL;
	if (slash ? number_parse(slash + 1, 1, 1 << 30, &window) < 0
		  : count > 0)
		return -EINVAL;
	switches->rate_limit = count;
	switches->rate_window_s = window;
	return 0;
}

/* value's place in a NULL-terminated list, or -EINVAL. */
static int choice(const char *value, const char *const names[])
{
	for (int i = 0; names[i]; i++)
		if (strcmp(value, names[i]) == 0)
			return i;
	return -EINVAL;
}

static int set_choice(
    struct switches *switches, const char *name, const char *value)
{
	static const char *const envelopes[] = {"bare", "data", NULL};
	static const char *const errors[] = {"1", "2", "3", NULL};
	static const char *const pagings[] = {
	    "default", "next", "nextpage", "none", NULL};
	static const char *const orders[] = {"last", "first", NULL};
	int i;
	if (strcmp(name, "envelope") == 0) {
		if ((i = choice(value, envelopes)) >= 0)
			switches->envelope = i;
	} else if (strcmp(name, "errors") == 0) {
		if ((i = choice(value, errors)) >= 0)
			switches->error_shape = i + 1;
	} else if (strcmp(name, "paging") == 0) {
		if ((i = choice(value, pagings)) >= 0)
			switches->paging = (enum paging)i;
	} else if (strcmp(name, "key-order") == 0) {
		if ((i = choice(value, orders)) >= 0)
			switches->pagination_first = i;
	} else {
		return -ENOENT;
	}
	return i < 0 ? i : 0;
}

static int set_mcp_choice(
    struct switches *switches, const char *name, const char *value)
{
	static const char *const answers[] = {"json", "sse", NULL};
	static const char *const editions[] = {
	    "none", "environment", "environment-id", "env-id", NULL};
	static const char *const pagings[] = {"page", "none", NULL};
	static const char *const resources[] = {"all", "tables", "none", NULL};
	static const char *const tools[] = {"plain", "numbered", "none", NULL};
	int i;
	if (strcmp(name, "mcp-answers") == 0) {
		if ((i = choice(value, answers)) >= 0)
			switches->mcp_sse = i;
	} else if (strcmp(name, "mcp-edition") == 0) {
		if ((i = choice(value, editions)) >= 0)
			switches->mcp_edition = (enum mcp_edition)i;
	} else if (strcmp(name, "mcp-paging") == 0) {
		if ((i = choice(value, pagings)) >= 0)
			switches->mcp_no_paging = i;
	} else if (strcmp(name, "mcp-resources") == 0) {
		if ((i = choice(value, resources)) >= 0)
			switches->mcp_resources = (enum mcp_resources)i;
	} else if (strcmp(name, "mcp-tools") == 0) {
		if ((i = choice(value, tools)) >= 0)
			switches->mcp_tools = (enum mcp_tools)i;
	} else {
		return -ENOENT;
	}
	return i < 0 ? i : 0;
}

int switches_set(struct switches *switches, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(number_names); i++)
		if (strcmp(name, number_names[i].name) == 0)
			return number_parse(value, number_names[i].least,
			    NUMBER_MOST,
			    (int64_t *)(void *)((char *)switches +
						number_names[i].offset));
	if (strcmp(name, "fail") == 0)
		return set_fail(switches, value);
	if (strcmp(name, "lie") == 0)
		return set_lie(switches, value);
	if (strcmp(name, "rate-limit") == 0)
		return set_rate_limit(switches, value);
	if (strcmp(name, "mcp-projects") == 0)
		return number_parse(
		    value, 1, MCP_PROJECTS_MAX, &switches->mcp_projects);
	if (strncmp(name, "mcp-", 4) == 0)
		return set_mcp_choice(switches, name, value);
	return set_choice(switches, name, value);
}
