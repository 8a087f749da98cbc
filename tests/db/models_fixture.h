/*
 * models_fixture.h - a database, two models for it whose vectors have different sizes,
 * and some pictures, uploaded and in files.
 *
 * One at a time; it is made and removed with each test.
 */
#ifndef TESTS_DB_MODELS_FIXTURE_H
#define TESTS_DB_MODELS_FIXTURE_H

#include "tests/db/db_test.h"

#include "base/file.h"
#include "db/db_internal.h"
#include "tests/encoder/tiny_model.h"
#include "tests/picture.h"

enum { FIXTURE_PICTURES = 4, OTHER_DIM = 12 };

static struct {
    char model[64], other[64]; /* spaces "tiny-1" of TINY_DIM, "tiny-2" of OTHER_DIM */
    char folder[64];           /* for picture files */
    struct test_db t;
    struct buf pictures[FIXTURE_PICTURES]; /* the bytes of picture files */
} fix;

static inline void fixture_open_with(const char *model)
{
    struct duet_options o = test_db_options(&fix.t);
    o.model = model;
    o.n_threads = 2;
    assert_ok(duet_open(&fix.t.db, &o));
}

static inline void fixture_reopen_with(const char *model)
{
    duet_close(fix.t.db);
    fix.t.db = NULL;
    fixture_open_with(model);
}

/* The path of a file in the folder for pictures; good until the fourth call after. */
static inline const char *fixture_file(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", fix.folder, name);
    return path;
}

static inline int fixture_set_up(void **state)
{
    (void)state;
    memset(&fix, 0, sizeof fix);
    test_folder_make(fix.model);
    test_folder_make(fix.other);
    test_folder_make(fix.folder);
    test_folder_make(fix.t.folder);
    tiny_model_write(fix.model, 1);
    tiny_model_write_as(fix.other, 77, (struct tiny_shape){OTHER_DIM, "tiny-2"});
    fixture_open_with(fix.model);
    assert_ok(duet_collection_create(fix.t.db, "c", NULL, 0));
    for (uint32_t i = 0; i < FIXTURE_PICTURES; i++) {
        picture_write(fixture_file("upload.ppm"), i + 1);
        buf_init(&fix.pictures[i], 1 << 20);
        assert_ok(file_read(fixture_file("upload.ppm"), &fix.pictures[i]));
    }
    assert_int_equal(unlink(fixture_file("upload.ppm")), 0);
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    (void)state;
    test_db_remove(&fix.t);
    test_folder_remove(fix.folder);
    tiny_model_remove(fix.model);
    tiny_model_remove(fix.other);
    for (size_t i = 0; i < FIXTURE_PICTURES; i++) {
        buf_release(&fix.pictures[i]);
    }
    return 0;
}

static inline struct duet_input fixture_picture(size_t i)
{
    return (struct duet_input){.kind = DUET_INPUT_IMAGE,
                               .bytes = fix.pictures[i].data,
                               .n = fix.pictures[i].size};
}

static inline struct duet_input fixture_numbers(const float *vector, size_t dim)
{
    return (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = vector, .n = dim};
}

/* What stands in for the vectors of a point; those that are not to be written are of
 * no kind. */
struct fixture_inputs {
    struct duet_input image, text;
};

/* Upserts a point of collection "c", or with `vectors_only` updates its vectors. */
static inline void fixture_put(uint64_t number, struct fixture_inputs inputs,
                               bool vectors_only)
{
    struct duet_named_input named[2];
    size_t n = 0;
    if (inputs.image.kind != DUET_INPUT_NONE) {
        named[n++] = (struct duet_named_input){"image", inputs.image};
    }
    if (inputs.text.kind != DUET_INPUT_NONE) {
        named[n++] = (struct duet_named_input){"text", inputs.text};
    }
    struct duet_point_input point = {
        .id = test_id(number), .vectors = named, .n_vectors = n};
    struct duet_operation o = {.kind = vectors_only ? DUET_OP_UPDATE_VECTORS
                                                    : DUET_OP_UPSERT,
                               .points = &point,
                               .n_points = 1};
    assert_ok(duet_apply(fix.t.db, "c", &o, 1));
}

/* Adds the folder for pictures. */
static inline void fixture_add(void)
{
    const char *paths[] = {fix.folder};
    struct duet_add_options o = {.paths = paths, .n_paths = 1};
    assert_ok(duet_add(fix.t.db, "c", &o, NULL));
}

static inline void fixture_write(const char *name, const char *text)
{
    FILE *file = fopen(fixture_file(name), "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#endif
