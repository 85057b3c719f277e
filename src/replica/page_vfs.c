#include "replica/page_vfs.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "replica/page_sum.h"

/* Of a file: SQLite may read what is less than a page. Later versions have a
 * name for it. */
#ifndef SQLITE_IOCAP_SUBPAGE_READ
#define SQLITE_IOCAP_SUBPAGE_READ 0x00008000
#endif

/* What is kept of a file, behind what SQLite keeps itself. */
struct extra {
	const sqlite3_io_methods *real;
	sqlite3_io_methods methods; /* those, but for these here */
	enum page_sum_state state;
	bool trusting;
	bool is_new; /* its first page was never written: SQLite may write
			others first, and read them again */
};

/* Pages without sums were read: another program has taken the log over. */
static atomic_bool saw_none;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs strict_vfs, trusting_vfs;

/* Where in the room of an open file the extra begins. */
static size_t extra_at(void)
{
	size_t unit = alignof(max_align_t);
	return ((size_t)real_vfs->szOsFile + unit - 1) / unit * unit;
}

static struct extra *extra_of(sqlite3_file *file)
{
	return (struct extra *)(void *)((char *)file + extra_at());
}

static int read_real(
    sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
	return extra_of(file)->real->xRead(file, data, len, offset);
}

static enum page_sum_state find_state(sqlite3_file *file)
{
	struct extra *extra = extra_of(file);
	unsigned char header[PAGE_SUM_HEADER];
	if (extra->state == PAGE_SUM_UNKNOWN && !extra->is_new &&
	    read_real(file, header, sizeof(header), 0) == SQLITE_OK)
		extra->state = page_sum_state(header);
	return extra->state;
}

static bool is_page(int len, sqlite3_int64 offset)
{
	return len == PAGE_SUM_PAGE && offset % PAGE_SUM_PAGE == 0;
}

/* SQLite takes what is behind the end for zeros, which is right for a page that
 * is in the log alone. */
static int judge_end(sqlite3_file *file, sqlite3_int64 offset)
{
	unsigned char header[PAGE_SUM_HEADER];
	return read_real(file, header, sizeof(header), 0) == SQLITE_OK &&
		       offset / PAGE_SUM_PAGE < page_sum_count(header)
		   ? SQLITE_CORRUPT
		   : SQLITE_IOERR_SHORT_READ;
}

static int read_page(
    sqlite3_file *file, unsigned char *page, sqlite3_int64 offset)
{
	struct extra *extra = extra_of(file);
	int r = read_real(file, page, PAGE_SUM_PAGE, offset);
	if (r == SQLITE_IOERR_SHORT_READ && find_state(file) == PAGE_SUM_WITH)
		return judge_end(file, offset);
	if (r != SQLITE_OK || extra->is_new ||
	    find_state(file) == PAGE_SUM_WITHOUT)
		return r;
	if (!page_sum_is_there(page))
		saw_none = true;
	if (find_state(file) != PAGE_SUM_WITH ||
	    !page_sum_is_right(page, offset, extra->trusting))
		return SQLITE_CORRUPT;
	page_sum_strip(page, offset);
	return SQLITE_OK;
}

/* The header is read alone, before anything is known; what overflows a page may
 * be, by SQLite as others compile it. */
static int on_read(
    sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
	unsigned char page[PAGE_SUM_PAGE];
	sqlite3_int64 within = offset % PAGE_SUM_PAGE;
	if (is_page(len, offset))
		return read_page(file, data, offset);
	if (offset < PAGE_SUM_PAGE || within + len > PAGE_SUM_PAGE ||
	    find_state(file) != PAGE_SUM_WITH)
		return read_real(file, data, len, offset);
	int r = read_page(file, page, offset - within);
	if (r == SQLITE_OK)
		memcpy(data, page + within, (size_t)len);
	return r;
}

static int on_write(
    sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	struct extra *extra = extra_of(file);
	unsigned char page[PAGE_SUM_PAGE];
	if (!is_page(len, offset))
		return extra->real->xWrite(file, data, len, offset);
	if (offset == 0) {
		extra->state = page_sum_state(data);
		extra->is_new = false;
	}
	if (find_state(file) != PAGE_SUM_WITH)
		return extra->real->xWrite(file, data, len, offset);
	memcpy(page, data, sizeof(page));
	page_sum_put(page, offset);
	return extra->real->xWrite(file, page, len, offset);
}

static int on_device_characteristics(sqlite3_file *file)
{
	return extra_of(file)->real->xDeviceCharacteristics(file) &
	       ~SQLITE_IOCAP_SUBPAGE_READ;
}

static int on_open(sqlite3_vfs *self, const char *path, sqlite3_file *file,
    int flags, int *ret_flags)
{
	int r = real_vfs->xOpen(real_vfs, path, file, flags, ret_flags);
	if (r != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB))
		return r;
	struct extra *extra = extra_of(file);
	*extra = (struct extra){.real = file->pMethods,
	    .methods = *file->pMethods,
	    .trusting = self == &trusting_vfs};
	/* Without the third version's: nothing is mapped, past all checks. */
	extra->methods.iVersion = 2;
	extra->methods.xRead = on_read;
	extra->methods.xWrite = on_write;
	extra->methods.xDeviceCharacteristics = on_device_characteristics;
	file->pMethods = &extra->methods;
	sqlite3_int64 size;
	extra->is_new =
	    extra->real->xFileSize(file, &size) == SQLITE_OK && size == 0;
	return SQLITE_OK;
}

bool page_vfs_saw_none(void)
{
	return atomic_exchange(&saw_none, false);
}

static bool add(sqlite3_vfs *vfs, const char *name)
{
	*vfs = *real_vfs;
	vfs->zName = name;
	vfs->szOsFile = (int)(extra_at() + sizeof(struct extra));
	vfs->xOpen = on_open;
	return sqlite3_vfs_register(vfs, 0) == SQLITE_OK;
}

static void add_both(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	if (real_vfs && (!add(&strict_vfs, "page-sum") ||
			    !add(&trusting_vfs, "page-sum-trusting")))
		real_vfs = NULL;
}

const char *page_vfs(bool trusting)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, add_both);
	return !real_vfs  ? NULL
	       : trusting ? trusting_vfs.zName
			  : strict_vfs.zName;
}

#define TEXT_OF(number) #number
#define SET_PAGE_SIZE(number) "PRAGMA page_size = " TEXT_OF(number)

int page_vfs_keep(sqlite3 *db)
{
	int room = PAGE_SUM_ROOM;
	int r =
	    sqlite3_exec(db, SET_PAGE_SIZE(PAGE_SUM_PAGE), NULL, NULL, NULL);
	return r != SQLITE_OK ? r
			      : sqlite3_file_control(db, NULL,
				    SQLITE_FCNTL_RESERVE_BYTES, &room);
}
