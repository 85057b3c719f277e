#include "emulator/page/front.h"

#include <errno.h>
#include <string.h>

#include "emulator/page/file_pages.h"

struct counts {
	uint64_t tables;
	uint64_t records;
	uint64_t files;
};

static uint64_t count(struct store *store, struct table *table)
{
	store_read_lock(store);
	uint64_t rows = table_count(table);
	store_unlock(store);
	return rows;
}

static struct counts count_all(struct store *store)
{
	struct counts counts = {.files = count(store, store_files(store))};
	struct table *table;
	for (; (table = store_nth(store, counts.tables)); counts.tables++)
		counts.records += count(store, table);
	return counts;
}

static void add_counted(
    struct html *html, uint64_t number, const char *one, const char *many)
{
	html_add(html, "<span><b>");
	html_count(html, number);
	html_format(html, "</b> %s</span> ", number == 1 ? one : many);
}

static void add_tables(const struct view *view)
{
	struct html *html = view->html;
	struct store *store = view->site->store;
	struct table *table;
	html_add(html, "<section>\n<h2>Tables</h2>\n<ul class=\"tables\">\n");
	for (size_t i = 0; (table = store_nth(store, i)); i++) {
		const char *name = table_name(table);
		html_add(html, "<li><a href=\"table?name=");
		html_query(html, name, strlen(name));
		html_add(html, "\"><bdi>");
		html_string(html, name);
		html_add(html, "</bdi> <span>");
		html_count(html, count(store, table));
		html_add(html, "</span></a></li>\n");
	}
	html_add(html, "</ul>\n</section>\n");
}

static int add_files(const struct view *view, uint64_t files)
{
	struct html *html = view->html;
	html_add(html, "<section>\n<h2>Stored files</h2>\n");
	int r = file_pages_add_newest(view);
	html_add(html, "<p class=\"links\"><a href=\"files\">All ");
	html_count(html, files);
	html_add(html, " files</a></p>\n</section>\n");
	return r;
}

/* Where we are, as whoever asks calls us. */
static void add_url(const struct view *view)
{
	CLEANUP_BUF struct buf url;
	buf_init(&url, BUF_MAX_DEFAULT);
	if (request_add_base(view->request, &url) < 0)
		view->html->error = -ENOMEM;
	html_string(view->html, buf_str(&url));
}

static void add_setting(struct html *html, const char *name, const char *value)
{
	html_format(html, "export %s=", name);
	html_string(html, value);
	html_add(html, "\n");
}

static void add_mounting(const struct view *view)
{
	struct html *html = view->html;
	const struct site *site = view->site;
	struct table *table;
	html_add(html,
	    "<section>\n<h2>Mount it</h2>\n<p>As files, read-only, in a "
	    "directory of your choice:</p>\n<pre><code>");
	add_setting(html, "BKEND_PUBLISHABLE_KEY", site->key);
	add_setting(html, "BKEND_EMAIL", site->email);
	html_add(html, "export BKEND_TABLES=");
	for (size_t i = 0; (table = store_nth(site->store, i)); i++) {
		html_add(html, i > 0 ? ":" : "");
		html_string(html, table_name(table));
	}
	html_add(html, "\nbkendfs ");
	add_url(view);
	html_add(html, " mnt</code></pre>\n<p>The password is asked for; it "
		       "is below. Let go of it with <code>fusermount3 -u "
		       "mnt</code>.</p>\n</section>\n");
}

static void add_fact(struct html *html, const char *name, const char *value)
{
	html_format(html, "<dt>%s</dt><dd><code>", name);
	html_string(html, value);
	html_add(html, "</code></dd>\n");
}

static void add_pointing(const struct view *view)
{
	struct html *html = view->html;
	const struct site *site = view->site;
	html_add(html,
	    "<section>\n<h2>Point an app at it</h2>\n<p>Put these in the place "
	    "of the hosted service's. The app reads on; what it writes is "
	    "refused.</p>\n<dl class=\"facts\">\n<dt>API URL</dt><dd><code>");
	add_url(view);
	html_add(html, "</code></dd>\n");
	add_fact(html, "Publishable key", site->key);
	html_add(html, "</dl>\n<details><summary>The account to sign in with"
		       "</summary>\n<dl class=\"facts\">\n");
	add_fact(html, "E-mail", site->email);
	add_fact(html, "Password", site->password);
	html_add(html,
	    "</dl>\n</details>\n<p>An app in a browser has to be served on "
	    "this "
	    "machine, or be named with <code>--allow-origin</code>. One that "
	    "takes no envelope around answers needs <code>--envelope "
	    "bare</code>.</p>\n</section>\n");
}

int front_write(const struct view *view)
{
	struct html *html = view->html;
	struct counts counts = count_all(view->site->store);
	int r = 0;
	frame_begin(view, NULL, 0);
	frame_open(view);
	html_add(html, "<h1><bdi>");
	html_string(html, view->site->project);
	html_add(html, "</bdi></h1>\n<p class=\"counts\">");
	add_counted(html, counts.tables, "table", "tables");
	add_counted(html, counts.records, "record", "records");
	add_counted(html, counts.files, "stored file", "stored files");
	html_add(html, "</p>\n");
	if (counts.tables > 0)
		add_tables(view);
	if (counts.files > 0)
		r = add_files(view, counts.files);
	add_mounting(view);
	add_pointing(view);
	frame_end(view);
	return r;
}
