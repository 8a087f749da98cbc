/*
 * image_budget.h - how many decoded pixels the whole process may hold at once.
 *
 *     struct img_hold *hold;
 *     TRY(img_budget_take(&hold, 24000000));   // waits for its turn
 *     ...
 *     img_budget_give(hold);
 *
 * Every img_decode takes the pixels of its picture before it allocates them, and
 * img_release gives them back: at most LIMIT_DECODED_PIXELS are out at a time. Who does
 * not fit waits, first come, first served: nobody overtakes a large picture, and one of
 * LIMIT_IMAGE_PIXELS always fits when it is alone.
 *
 * A thread that holds a picture already never waits for a second one, but takes it over
 * the budget: were it to wait, some threads with one picture each could wait for each
 * other for ever. So the bound is the budget and, for every thread that decodes with a
 * picture in hand, that one more. (Nothing in Duet does; callers of the library may.)
 * For the same reason whoever holds a picture must not wait for a thread that has yet
 * to decode one, and who always holds one lets no picture of the largest size in.
 *
 * Not counted: what img_resize, img_thumbnail and preprocess_image make, which is small
 * and which nobody waits for; and the second copy of a picture while it is turned.
 *
 * Threads: any. A hold may be given back by another thread than took it.
 */
#ifndef ENCODER_IMAGE_BUDGET_H
#define ENCODER_IMAGE_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Some pixels taken from the budget. */
struct img_hold;

/* Takes `pixels`, at most LIMIT_DECODED_PIXELS (ERR_LIMIT), as soon as they fit. *out is
 * NULL on failure, which is also ERR_NOMEM. */
enum err img_budget_take(struct img_hold **out, uint64_t pixels) ERR_CHECK;

/* Gives them back. Accepts NULL. */
void img_budget_give(struct img_hold *hold);

/* For tests: the pixels that are out, and how many threads wait. */
uint64_t img_budget_used(void);
size_t img_budget_n_waiting(void);

#endif
