/*
 * The test switches: how slow, how broken and how untrue the answers are.
 * Plain values; a request works on the copy that it took when it began.
 */
#ifndef EMULATOR_SWITCHES_H
#define EMULATOR_SWITCHES_H

#include <stdbool.h>
#include <stdint.h>

enum lie {
	LIE_SIZE = 1 << 0,
	LIE_SIZE_LARGE = 1 << 1,
	LIE_SIZE_ZERO = 1 << 2,
	LIE_SIZE_MISSING = 1 << 3,
	LIE_NO_RANGE = 1 << 4,
	LIE_NO_SORT = 1 << 5,
	LIE_NO_SELECT = 1 << 6,
	LIE_NO_FILTER = 1 << 7,
	LIE_TOTAL_LOW = 1 << 8,
	LIE_TOTAL_HIGH = 1 << 9,
	LIE_REPEAT_PAGE = 1 << 10,
	LIE_NO_ITEMS = 1 << 11,
	LIE_NO_SORT_FIELD = 1 << 12,
};

#define LIE_ANY_SIZE                                                           \
	(LIE_SIZE | LIE_SIZE_LARGE | LIE_SIZE_ZERO | LIE_SIZE_MISSING)

enum fault_kind {
	FAULT_NONE,
	FAULT_500,
	FAULT_503,
	FAULT_429,  /* and Retry-After */
	FAULT_PAGE, /* 200, and something in HTML, as a proxy would */
	/* Of the right answer: */
	FAULT_RESET, /* no answer, the connection is closed */
	FAULT_CUT,   /* half of the body, the connection is closed */
	FAULT_STALL, /* half of the body, then nothing for an hour */
	FAULT_HALF,  /* half of the body, as if that were all */
};

/* What MCP's tools call their arguments: an edition has names of its own, or
 * none. */
enum mcp_edition {
	MCP_NONE,	    /* the whole organisation is listed */
	MCP_ENVIRONMENT,    /* organizationId, projectId, environment */
	MCP_ENVIRONMENT_ID, /* organizationId, projectId, environmentId */
	MCP_ENV_ID,	    /* orgId, projectId, envId */
};

/* Which tools MCP has: get_context and others, the same with it being called
 * 0_get_context, or no tools. */
enum mcp_tools { MCP_TOOLS_PLAIN, MCP_TOOLS_NUMBERED, MCP_TOOLS_NONE };

/* Which resources: those of the whole organisation, bkend://tables alone, or
 * none. */
enum mcp_resources {
	MCP_RESOURCES_ALL,
	MCP_RESOURCES_TABLES,
	MCP_RESOURCES_NONE
};

enum paging { PAGING_DEFAULT, PAGING_NEXT, PAGING_NEXTPAGE, PAGING_NONE };

#define MCP_PROJECTS_MAX 1000

struct fail {
	double percent;
	enum fault_kind kind;
	bool api;
	bool storage;
};

#define FAILS_MAX 16

struct switches {
	int64_t latency_ms;
	int64_t storage_latency_ms;
	int64_t storage_rate; /* bytes a second and connection; 0: no limit */
	int64_t token_ttl_s;
	int64_t url_ttl_s;
	int64_t rate_limit; /* requests a window; 0: no limit */
	int64_t rate_window_s;
	int64_t max_limit;
	int64_t mutate; /* changes a second */
	int64_t seed;	/* of the faults; 0: any */
	int64_t mcp_code_ttl_s;
	int64_t mcp_page;     /* entries in an answer, unless asked for more */
	int64_t mcp_projects; /* in the organisation, with the served one */
	enum mcp_edition mcp_edition;
	enum mcp_tools mcp_tools;
	enum mcp_resources mcp_resources;
	bool mcp_sse;	    /* answers as a stream of events */
	bool mcp_no_paging; /* lists that take no page, and end after the first
			     */
	int error_shape;    /* 1, 2, 3: API.md's order */
	enum paging paging;
	bool envelope;	       /* {"success":true,"data":…} around answers */
	bool pagination_first; /* before "items" */
	unsigned lies;	       /* enum lie, or-ed */
	struct fail fails[FAILS_MAX];
	int fail_count;
};

/* None is set: answers are quick, right and true. */
void switches_init(struct switches *switches);

/* Set one by its name on the command line, without the dashes. An empty fail
 * or lie clears all of them. 0, -ENOENT (no such switch), -EINVAL (value). */
int switches_set(
    struct switches *switches, const char *name, const char *value);

/* 500, 503, 429, page, reset, cut, stall, half -> kind; FAULT_NONE for anything
 * else. */
enum fault_kind fault_kind_parse(const char *name);

#endif
