/* .bkendfs/metrics: what was counted, in Prometheus' text format. */
#ifndef STATUS_METRICS_H
#define STATUS_METRICS_H

#include "base/buf.h"
#include "status/source.h"

/* Append them as they are now. 0 or -ENOMEM. Any thread. */
int metrics_print(const struct status_source *source, struct buf *out);

#endif
