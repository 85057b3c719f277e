/* How deep and how large what comes from a server may be: beyond it is no JSON
 * of ours. */
#ifndef JSON_LIMITS_H
#define JSON_LIMITS_H

/* Deepest nesting accepted. MongoDB allows 100 levels; this bounds the
 * quadratic cost of indentation. */
#define JSON_DEPTH_MAX 1024

#endif
