/* encoder_open_test.c - a model without a database: see db/duet_encoder.h. */
#include "tests/test.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "db/encoder_open.h"
#include "tests/db/encoder_fixture.h"

static void test_a_vector_is_that_of_a_database_s_model(void **state)
{
    (void)state;
    char path[96];
    struct duet *db;
    snprintf(path, sizeof path, "%s/x.db", folder);
    struct duet_options options = {
        .path = path, .write = true, .create = true, .model = folder};
    assert_ok(duet_open(&db, &options));
    struct duet_input inputs[] = {duet_input_text("a dog"), duet_input_text("红 狗"),
                                  duet_input_file(picture)};
    for (size_t i = 0; i < 3; i++) {
        float *expected, vector[TINY_DIM];
        size_t dim;
        assert_ok(duet_embed(db, &inputs[i], &expected, &dim));
        assert_int_equal(dim, duet_encoder_dim(encoder));
        assert_ok(duet_encode(encoder, &inputs[i], vector, NULL));
        assert_memory_equal(vector, expected, sizeof vector);
        duet_free(expected);
    }
    duet_close(db);
}

static void test_the_model_tells_of_itself(void **state)
{
    (void)state;
    struct duet_model_info info;
    assert_ok(duet_encoder_info(encoder, &info));
    assert_string_equal(info.name, "tiny");
    assert_string_equal(info.folder, folder);
    assert_int_equal(info.dim, TINY_DIM);
    assert_int_equal(strlen(info.fingerprint), 32);
}

static void test_a_long_text_is_told_truncated(void **state)
{
    (void)state;
    bool truncated = false;
    float vector[TINY_DIM];
    struct duet_input input =
        duet_input_text("dog dog dog dog dog dog dog dog dog dog dog dog dog dog dog");
    assert_ok(duet_encode(encoder, &input, vector, &truncated));
    assert_true(truncated);
    input = duet_input_text("dog");
    assert_ok(duet_encode(encoder, &input, vector, &truncated));
    assert_false(truncated);
}

static void test_many_keep_their_order_around_failures(void **state)
{
    (void)state;
    enum { N = 200 };
    static const char *const texts[] = {"dog", "", "cat", "狗", "\xff", "red car"};
    static struct duet_input inputs[N];
    static struct duet_outcome outcomes[N];
    static float vectors[N][TINY_DIM];
    for (size_t i = 0; i < N; i++) {
        inputs[i] = i % 7 == 6 ? duet_input_file(i % 2 == 0 ? picture : "/gone")
                               : duet_input_text(texts[i % 7]);
    }
    assert_ok(duet_encode_many(encoder, inputs, N, vectors[0], outcomes));
    for (size_t i = 0; i < N; i++) {
        float one[TINY_DIM];
        enum err expected = duet_encode(encoder, &inputs[i], one, NULL);
        assert_int_equal(outcomes[i].result, expected);
        if (expected == ERR_OK) {
            assert_memory_equal(vectors[i], one, sizeof one);
            assert_string_equal(outcomes[i].detail, "");
        } else {
            assert_string_equal(outcomes[i].detail, err_detail());
            assert_true(isnan(vectors[i][0]) && isnan(vectors[i][TINY_DIM - 1]));
        }
    }
    assert_ok(duet_encode_many(encoder, inputs, 0, vectors[0], outcomes));
}

static void test_texts_on_several_threads_are_the_same(void **state)
{
    (void)state;
    enum { N = 300 };
    static const char *texts[N];
    static float one[N][TINY_DIM], four[N][TINY_DIM];
    static const char *const words[] = {"dog", "cat", "red", "blue car", "猫", "cats"};
    size_t failed = N;
    for (size_t i = 0; i < N; i++) {
        texts[i] = words[i * 7 % 6];
    }
    assert_ok(encoder_texts(encoder, texts, N, 1, one[0], &failed));
    assert_ok(encoder_texts(encoder, texts, N, 4, four[0], &failed));
    assert_memory_equal(one, four, sizeof one);
    texts[77] = "";
    texts[250] = "\xff";
    assert_err(encoder_texts(encoder, texts, N, 4, four[0], &failed), ERR_INVALID);
    assert_int_equal(failed, 77);
    assert_non_null(strstr(err_detail(), "empty"));
}

static void test_wrong_inputs_and_models_are_refused(void **state)
{
    (void)state;
    float vector[TINY_DIM];
    struct duet_encoder *none;
    struct duet_input input = {.kind = DUET_INPUT_VECTOR, .vector = vector, .n = 8};
    assert_err(duet_encode(encoder, &input, vector, NULL), ERR_INVALID);
    input = duet_input_text("");
    assert_err(duet_encode(encoder, &input, vector, NULL), ERR_INVALID);
    input = duet_input_file("/gone");
    assert_err(duet_encode(encoder, &input, vector, NULL), ERR_NOT_FOUND);
    assert_err(duet_encoder_open(&none, "there-is-no-such-model"), ERR_MODEL);
    assert_null(none);
    duet_encoder_close(NULL);
    assert_err(duet_encoder_open(&none, ""), ERR_INVALID);
    assert_null(none);
}

static void test_short_memory_is_an_error(void **state)
{
    (void)state;
    struct duet_encoder *opened = NULL;
    enum err result = ERR_NOMEM;
    for (long n = 0; result != ERR_OK; n++) {
        assert_in_range(n, 0, 10000);
        alloc_fail_after(n);
        result = duet_encoder_open(&opened, folder);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || (result == ERR_NOMEM && opened == NULL));
    }
    duet_encoder_close(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_vector_is_that_of_a_database_s_model),
        cmocka_unit_test(test_the_model_tells_of_itself),
        cmocka_unit_test(test_a_long_text_is_told_truncated),
        cmocka_unit_test(test_many_keep_their_order_around_failures),
        cmocka_unit_test(test_texts_on_several_threads_are_the_same),
        cmocka_unit_test(test_wrong_inputs_and_models_are_refused),
        cmocka_unit_test(test_short_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, encoder_setup, encoder_teardown);
}
