/* How something went wrong between us and the server that lists tables. */
#ifndef MCP_ERROR_H
#define MCP_ERROR_H

struct mcp_error {
	int err;	   /* 0: nothing did; else -errno */
	int status;	   /* HTTP status; 0: no answer came */
	char request[120]; /* method, path without a query, and the tool */
	char code[80];	   /* the server's; "" when none */
	char message[300]; /* the server's words, or ours */
};

#endif
