#include "fs/words.h"

static void add_char(struct words *words, char c)
{
	if (words->used + 1 < sizeof(words->text))
		words->text[words->used++] = c;
}

void words_add(struct words *words, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			words->line_over = words->used > 0;
			continue;
		}
		if (words->line_over) {
			words->line_over = false;
			add_char(words, ';');
			add_char(words, ' ');
		}
		add_char(words, *text);
	}
}
