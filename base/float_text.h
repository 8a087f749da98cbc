/*
 * float_text.h - a float in as few digits as give it back. Any thread.
 */
#ifndef BASE_FLOAT_TEXT_H
#define BASE_FLOAT_TEXT_H

#include <stddef.h>

enum { FLOAT_TEXT_MAX = 16 }; /* "-1.17549435e-38" and its NUL */

/*
 * Writes the finite `value` as JSON has numbers, rounded to the least number of digits
 * (at most 9) that a reader turns into the very same float; -0 keeps its sign. Returns
 * the length. NaN and infinities, which JSON does not have, become "null".
 */
size_t float_text(char text[FLOAT_TEXT_MAX], float value);

#endif
