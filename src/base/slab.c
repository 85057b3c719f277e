#include "base/slab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/lock.h"

/* As x86-64 and most others have them. */
#define LARGE_PAGE ((size_t)2 << 20)

/* Under AddressSanitizer, who uses a piece that nobody has, or what lies behind
 * one, is found, as with malloc. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_POISONS
#endif
#endif
#if defined(SLAB_POISONS) || defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define GUARD LARGE_PAGE
#else
#define GUARD ((size_t)0)
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

struct piece {
	void *memory; /* NULL: it is none */
	size_t size;
};

struct slab {
	/* Immutable after new. */
	size_t unit;
	size_t most;
	_Atomic int64_t account;
	struct lock lock;
	/* Under lock. */
	bool taken;   /* something large, since the last slab_age */
	bool keeps;   /* what is given back */
	size_t bytes; /* that are kept */
	size_t count;
	struct piece kept[]; /* the longest kept first; room for most ÷ unit */
};

struct slab *slab_new(size_t unit, size_t most)
{
	struct slab *slab =
	    calloc(1, sizeof(*slab) + most / unit * sizeof(slab->kept[0]));
	if (!slab)
		return NULL;
	slab->unit = unit;
	slab->most = most;
	lock_init(&slab->lock);
	return slab;
}

/* ---- the system's memory ---- */

/* Of size + LARGE_PAGE bytes, keep size that begin with a page. */
static void *trim(char *start, size_t size)
{
	size_t before =
	    (LARGE_PAGE - (uintptr_t)start % LARGE_PAGE) % LARGE_PAGE;
	char *memory = start + before;
	if (before)
		munmap(start, before);
	munmap(memory + size, LARGE_PAGE - before);
	return memory;
}

static void *map(size_t size)
{
	void *start = mmap(NULL, size + GUARD + LARGE_PAGE,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	char *memory = trim(start, size + GUARD);
	/* Where there are no large pages, small ones do. */
	madvise(memory, size, MADV_HUGEPAGE);
	ASAN_POISON_MEMORY_REGION(memory + size, GUARD);
	return memory;
}

static void unmap(const struct piece *piece)
{
	if (!piece->memory)
		return;
	ASAN_UNPOISON_MEMORY_REGION(piece->memory, piece->size + GUARD);
	munmap(piece->memory, piece->size + GUARD);
}

/* ---- what is large ---- */

static bool is_large(const struct slab *slab, size_t size)
{
	return size > 0 && size % slab->unit == 0;
}

static struct piece remove_locked(struct slab *slab, size_t at)
    REQUIRES(slab->lock)
{
	struct piece piece = slab->kept[at];
	slab->bytes -= piece.size;
	slab->count--;
	memmove(&slab->kept[at], &slab->kept[at + 1],
	    (slab->count - at) * sizeof(piece));
	return piece;
}

/* The last one of that size, which the processor may still know; or else the
 * longest kept, as what is not asked for makes room; or none. */
static struct piece find_locked(struct slab *slab, size_t size)
    REQUIRES(slab->lock)
{
	for (size_t i = slab->count; i > 0; i--) {
		if (slab->kept[i - 1].size == size)
			return remove_locked(slab, i - 1);
	}
	return slab->count ? remove_locked(slab, 0) : (struct piece){0};
}

static void *take_large(struct slab *slab, size_t size)
{
	lock_acquire(&slab->lock);
	slab->taken = slab->keeps = true;
	struct piece piece = find_locked(slab, size);
	lock_release(&slab->lock);
	if (piece.size != size) {
		unmap(&piece);
		return map(size);
	}
	ASAN_UNPOISON_MEMORY_REGION(piece.memory, size);
	return piece.memory;
}

static void give_large(struct slab *slab, const struct piece *piece)
{
	ASAN_POISON_MEMORY_REGION(piece->memory, piece->size);
	lock_acquire(&slab->lock);
	bool keep = slab->keeps && slab->bytes + piece->size <= slab->most;
	if (keep) {
		slab->kept[slab->count++] = *piece;
		slab->bytes += piece->size;
	}
	lock_release(&slab->lock);
	if (!keep)
		unmap(piece);
}

/* ---- what is of any size ---- */

void *slab_take(struct slab *slab, size_t size)
{
	void *memory =
	    is_large(slab, size) ? take_large(slab, size) : malloc(size);
	if (memory)
		slab->account += (int64_t)size;
	return memory;
}

void slab_give(struct slab *slab, void *memory, size_t size)
{
	slab->account -= (int64_t)size;
	if (is_large(slab, size))
		give_large(slab, &(struct piece){memory, size});
	else
		free(memory);
}

_Atomic int64_t *slab_account(struct slab *slab)
{
	return &slab->account;
}

size_t slab_kept(struct slab *slab)
{
	lock_acquire(&slab->lock);
	size_t bytes = slab->bytes;
	lock_release(&slab->lock);
	return bytes;
}

/* ---- letting go ---- */

static void let_go(struct slab *slab)
{
	struct piece piece;
	do {
		lock_acquire(&slab->lock);
		slab->keeps = false;
		piece = find_locked(slab, 0);
		lock_release(&slab->lock);
		unmap(&piece);
	} while (piece.memory);
}

bool slab_age(struct slab *slab)
{
	lock_acquire(&slab->lock);
	bool young = slab->taken;
	slab->taken = false;
	lock_release(&slab->lock);
	if (!young)
		let_go(slab);
	return young;
}

void slab_free(struct slab *slab)
{
	if (!slab)
		return;
	let_go(slab);
	lock_done(&slab->lock);
	free(slab);
}
