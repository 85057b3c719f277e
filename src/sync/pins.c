#include "sync/pins.h"

#include <stdlib.h>

#include "sync/core/core.h"
#include "sync/core/op.h"
#include "sync/core/write.h"

struct pins {
	struct core *core;
	struct wait_list waiting; /* for the commit */
	struct commit_hook hook;
};

static void on_commit(void *ctx, int err)
{
	struct pins *pins = ctx;
	wait_finish(&pins->waiting, err);
}

struct pins *pins_new(struct core *core)
{
	struct pins *pins = calloc(1, sizeof(*pins));
	if (!pins)
		return NULL;
	pins->core = core;
	pins->hook = (struct commit_hook){.fn = on_commit, .ctx = pins};
	wait_init(&pins->waiting, NULL, NULL);
	return pins;
}

void pins_free(struct pins *pins)
{
	if (!pins)
		return;
	write_unhook(&pins->hook);
	free(pins);
}

void pins_add_all(struct pins *pins, struct sync_op *op)
{
	struct core *core = pins->core;
	int r = write_begin(core->write);
	if (r == 0)
		r = replica_pin_objects(core->replica);
	if (r < 0) {
		op_finish(op, r);
		return;
	}
	wait_add(&pins->waiting, op);
	write_hook(core->write, &pins->hook);
}
