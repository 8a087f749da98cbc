/*
 * label_names.h - labels for pictures where the asker names none: everyday things.
 * Any thread.
 */
#ifndef NET_LABEL_NAMES_H
#define NET_LABEL_NAMES_H

#include <stddef.h>

/* The list in a language ("en", "zh"), *n long; NULL where there is none. */
const char *const *label_names(const char *lang, size_t *n);

#endif
