/*
 * fuzz_exif.c - any bytes as an EXIF block, with and without its mark. What comes out
 * must be fit for a payload: text that is UTF-8 and ends, places on the globe, a turn
 * there is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "encoder/image_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void need(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(const char *text, size_t size)
{
    size_t n = strnlen(text, size);
    need(n < size && utf8_valid(text, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct img_meta meta = {.latitude = NAN, .longitude = NAN};
    struct img_task task = {.orientation = 1, .meta = &meta};
    need(img_exif_read(&task, bytes, n) == ERR_OK);
    need(task.orientation >= 1 && task.orientation <= 8);
    check_text(meta.camera, sizeof(meta.camera));
    check_text(meta.taken, sizeof(meta.taken));
    need(meta.taken[0] == '\0' || strlen(meta.taken) == strlen("2024-05-01T12:30:00"));
    need(isnan(meta.latitude) == isnan(meta.longitude));
    need(!(fabs(meta.latitude) > 90.0) && !(fabs(meta.longitude) > 180.0));
    need(task.image.rgb == NULL);
    return 0;
}
