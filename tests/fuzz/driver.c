/*
 * Runs a fuzz target without libFuzzer: first the corpus (the files named on
 * the command line), then a number of inputs made from it (-runs=N, as
 * libFuzzer has it). The same in every run, so that it can be a test anywhere.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buf.h"
#include "random.h"

#define RUNS 20000
#define INPUT_MAX 4096
#define CORPUS_MAX 64

static struct buf corpus[CORPUS_MAX];
static size_t corpus_count;

static int read_seed(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file || corpus_count == CORPUS_MAX) {
		perror(path);
		return -1;
	}
	char data[INPUT_MAX];
	size_t len = fread(data, 1, sizeof(data), file);
	fclose(file);
	struct buf *seed = &corpus[corpus_count++];
	buf_init(seed, INPUT_MAX);
	return buf_add(seed, data, len);
}

/* Feed from memory of the very size, so that the sanitizer sees overruns. */
static void feed(const char *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	MUST(copy);
	if (len)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

/* Put a piece in the place of some bytes of input. */
static void replace(
    struct buf *input, size_t at, size_t gone, const char *piece, size_t len)
{
	struct buf rest;
	buf_init(&rest, INPUT_MAX);
	if (gone > input->len - at)
		gone = input->len - at;
	if (input->len - gone + len > INPUT_MAX)
		return;
	MUST(buf_add(&rest, buf_str(input) + at + gone,
		 input->len - at - gone) == 0);
	input->len = at;
	MUST(buf_add(input, piece, len) == 0);
	MUST(buf_add(input, buf_str(&rest), rest.len) == 0);
	buf_done(&rest);
}

static void mutate(struct buf *input, uint64_t *random)
{
	static const char *const pieces[] = {"{", "}", "[", "]", ",", ":", "\"",
	    "\\", "\\u", "\\ud83d", "0", "-", "1e", ".", " ", "true", "null",
	    "\"items\":[", "\"data\":{", "\"id\"", "%", "%2F", "%41", ".json",
	    "/", "\n", "~", "\xc3\xa9", "\xed\xa0\x80", "\xff",
	    "\xf0\x9f\x98\x80", "\x7f", "\xef\xbb\xbf"};
	size_t at = random_below(random, input->len + 1);
	size_t gone = random_below(random, 3) ? 0 : random_below(random, 9);
	char byte = (char)random_below(random, 256);
	const struct buf *other = &corpus[random_below(random, corpus_count)];
	size_t from = random_below(random, other->len + 1);
	const char *piece = pieces[random_below(random, ARRAY_SIZE(pieces))];
	switch (random_below(random, 4)) {
	case 0:
		replace(input, at, gone, &byte, 1);
		break;
	case 1:
		replace(input, at, gone + 1, "", 0);
		break;
	case 2:
		replace(input, at, gone, buf_str(other) + from,
		    random_below(random, other->len - from + 1));
		break;
	default:
		replace(input, at, gone, piece, strlen(piece));
	}
}

int main(int argc, char **argv)
{
	uint64_t random = 20260413;
	long runs = RUNS;
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-runs=", 6) == 0)
			runs = atol(argv[i] + 6);
		else if (read_seed(argv[i]) < 0)
			return 1;
	}
	MUST(corpus_count > 0);
	feed("", 0);
	for (size_t i = 0; i < corpus_count; i++)
		feed(buf_str(&corpus[i]), corpus[i].len);
	struct buf input;
	buf_init(&input, INPUT_MAX);
	for (long i = 0; i < runs; i++) {
		const struct buf *seed =
		    &corpus[random_below(&random, corpus_count)];
		buf_clear(&input);
		MUST(buf_add(&input, buf_str(seed), seed->len) == 0);
		for (size_t n = random_below(&random, 5) + 1; n > 0; n--)
			mutate(&input, &random);
		feed(buf_str(&input), input.len);
	}
	buf_done(&input);
	for (size_t i = 0; i < corpus_count; i++)
		buf_done(&corpus[i]);
	return 0;
}
