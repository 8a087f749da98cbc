/*
 * space_out.h - what a reply tells of a vector space: its index, why it has that, how
 * widely it is searched, and how much it takes. Threads: any.
 */
#ifndef NET_SPACE_OUT_H
#define NET_SPACE_OUT_H

#include "db/duet.h"
#include "net/json_out.h"

/* Writes one object. */
void space_out_write(struct json_out *out, const struct duet_space_stats *space);

/* Writes an array: what the recall gauge has read, by space and side. */
void space_out_recalls(struct json_out *out, const struct duet_recalls *recalls);

#endif
