/*
 * suggest.h - "did you mean …": the nearest of some names to a mistyped one.
 */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

/* The name of names[n] that needs the fewest letters inserted, removed, replaced or
 * swapped with their neighbour to become `word`; NULL where none is near (a third of
 * its letters, at least one). */
const char *suggest_nearest(const char *word, const char *const *names, size_t n);

#endif
