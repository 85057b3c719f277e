/* What is shown, and where it is written to: what each page is handed. Plain
 * values. */
#ifndef EMULATOR_PAGE_VIEW_H
#define EMULATOR_PAGE_VIEW_H

#include "emulator/exchange/http_request.h"
#include "emulator/page/html.h"
#include "emulator/store/store.h"

/* All is borrowed. */
struct site {
	struct store *store;
	const char *project; /* its name */
	/* What an app signs in with. */
	const char *key;
	const char *email;
	const char *password;
};

/* What a page is made of, and into what. Belongs to one connection's thread. */
struct view {
	const struct site *site;
	const struct request *request;
	struct html *html;
};

#endif
