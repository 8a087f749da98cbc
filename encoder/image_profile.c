/*
 * image_profile.c - tells sRGB's own colour profiles from those that are missed.
 *
 * A profile is not parsed: those of sRGB say so in their description, in plain letters
 * (version 2) or in UTF-16 (version 4), near their beginning. One that says it by its
 * curves alone counts as another one, which costs a line that was not needed.
 */
#include <string.h>

#include "encoder/image_internal.h"

enum { LOOK_AT = 4096 }; /* bytes from the beginning of a profile */

static bool contains(const uint8_t *bytes, size_t n, const char *text, size_t n_text)
{
    return memmem(bytes, n, text, n_text) != NULL;
}

void img_profile_note(struct img_task *task, const uint8_t *profile, size_t n)
{
    static const char plain[] = "sRGB";
    static const char wide[] = "\0s\0R\0G\0B";
    n = n < LOOK_AT ? n : LOOK_AT;
    task->meta->has_profile = n > 0 &&
                              !contains(profile, n, plain, sizeof(plain) - 1) &&
                              !contains(profile, n, wide, sizeof(wide) - 1);
}
