/*
 * image_shrink_test.c - a large JPEG shrunk while it is decoded gives nearly the vector
 * of the exact one. Run from the top of the tree.
 *
 * One photograph is committed. For more, name JPEGs on the command line; what docs/
 * SPEED.md says was measured so:
 *
 *     find /usr/share -name '*.jpg' | xargs build/tests/encoder/image_shrink_test
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "encoder/encoder.h"
#include "encoder/image.h"
#include "encoder/model_path.h"

#define COSINE_MIN 0.998

static const char *const committed[] = {"tests/golden/preprocess/dandelions.jpg"};
static const char *const *paths = committed;
static size_t n_paths = 1;

static struct enc *enc;

static int open_default(void **state)
{
    (void)state;
    struct buf folder;
    buf_init(&folder, 4096);
    assert_ok(enc_find_model("default", &folder));
    assert_ok(enc_open(&enc, folder.data));
    buf_release(&folder);
    return 0;
}

static int close_default(void **state)
{
    (void)state;
    enc_close(enc);
    return 0;
}

/* Decodes for a side of `target` and encodes; the width says whether it was shrunk. */
static uint32_t encode_at(const struct buf *bytes, uint32_t target, float *vector)
{
    struct img image;
    struct img_options options = {.target_side = target};
    assert_ok(img_decode(&image, bytes->data, bytes->size, &options));
    assert_ok(enc_image(enc, &image, vector));
    uint32_t width = image.width;
    img_release(&image);
    return width;
}

/* The cosine of both ways; false where the file is not one to be shrunk. */
static bool compare(const char *path, double *cosine)
{
    float exact[LIMIT_DIM_MAX], quick[LIMIT_DIM_MAX];
    struct buf bytes;
    buf_init(&bytes, LIMIT_IMAGE_FILE_BYTES);
    assert_ok(file_read(path, &bytes));
    uint32_t target = (uint32_t)enc_info(enc)->image_size;
    uint32_t width = encode_at(&bytes, 0, exact);
    bool shrunk = encode_at(&bytes, target, quick) < width;
    buf_release(&bytes);
    *cosine = 0.0;
    for (size_t i = 0; i < enc_info(enc)->dim; i++) {
        *cosine += (double)exact[i] * quick[i];
    }
    return shrunk;
}

static void test_shrinking_hardly_moves_the_vector(void **state)
{
    (void)state;
    double least = 1.0, sum = 0.0;
    size_t n = 0;
    for (size_t i = 0; i < n_paths; i++) {
        double cosine;
        if (!compare(paths[i], &cosine)) {
            continue;
        }
        if (cosine < COSINE_MIN) {
            print_error("%s: %.6f\n", paths[i], cosine);
        }
        least = cosine < least ? cosine : least;
        sum += cosine;
        n++;
    }
    assert_true(n > 0);
    print_message("%zu photographs, cosine %.6f at least, %.6f on average\n", n, least,
                  sum / (double)n);
    assert_true(least >= COSINE_MIN);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        paths = (const char *const *)(size_t)(argv + 1);
        n_paths = (size_t)argc - 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shrinking_hardly_moves_the_vector),
    };
    return cmocka_run_group_tests(tests, open_default, close_default);
}
