/*
 * encoder_fixture.h - an open encoder with random weights, and a picture, in a folder
 * that goes away with them.
 */
#ifndef TESTS_DB_ENCODER_FIXTURE_H
#define TESTS_DB_ENCODER_FIXTURE_H

#include "db/duet_encoder.h"
#include "tests/db/db_test.h"
#include "tests/encoder/tiny_model.h"
#include "tests/picture.h"

static char folder[64];  /* the model is in it */
static char picture[96]; /* the path of one */
static struct duet_encoder *encoder;

static inline int encoder_setup(void **state)
{
    (void)state;
    test_folder_make(folder);
    tiny_model_write(folder, 1);
    snprintf(picture, sizeof picture, "%s/a.ppm", folder);
    picture_write(picture, 1);
    assert_ok(duet_encoder_open(&encoder, folder));
    return 0;
}

static inline int encoder_teardown(void **state)
{
    (void)state;
    duet_encoder_close(encoder);
    test_folder_remove(folder);
    return 0;
}

#endif
