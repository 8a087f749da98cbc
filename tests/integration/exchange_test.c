/*
 * exchange_test.c - export and import of the real program: what goes out comes in again
 * bit by bit, bad lines are told and cost the others nothing.
 */
#include "tests/integration/program.h"

#include "base/file.h"

enum { DIM = 24, N = 700 };

static void random_vector(struct test_random *r, float v[DIM])
{
    test_random_unit(r, v, DIM);
    for (size_t i = 0; i < DIM; i++) { /* of all sizes, and not of unit length */
        v[i] *= (float)pow(10, (double)test_random_below(r, 30) - 20);
    }
}

/* Points with numbers and UUIDs as ids, in a Cosine and a Dot space, some with one
 * vector or none; the Dot space keeps numbers of all sizes as they are. */
static void fill(void)
{
    struct duet *db;
    struct test_random r = test_random_seeded("exchange");
    struct duet_options o = {.path = database, .write = true, .create = true};
    struct duet_space spaces[] = {{"unit", DIM, DUET_COSINE, DUET_FLOAT32},
                                  {"raw", DIM, DUET_DOT, DUET_FLOAT32}};
    assert_ok(duet_open(&db, &o));
    assert_ok(duet_collection_create(db, "default", spaces, 2));
    for (uint64_t i = 0; i < N; i += 50) {
        static float vectors[50][2][DIM];
        struct duet_named_input inputs[50][2];
        struct duet_point_input points[50];
        for (size_t j = 0; j < 50; j++) {
            for (size_t s = 0; s < 2; s++) {
                random_vector(&r, vectors[j][s]);
                inputs[j][s] = (struct duet_named_input){
                    spaces[s].name,
                    {.kind = DUET_INPUT_VECTOR, .vector = vectors[j][s], .n = DIM}};
            }
            points[j] = (struct duet_point_input){
                .id = {.number = UINT64_MAX - i - j},
                .payload =
                    "{\"a\": \"x, \\\"y\\\"\",\n \"b\": [1, 2.50], \"中\": null}",
                .vectors = inputs[j],
                .n_vectors = j % 3};
            points[j].n_payload = strlen(points[j].payload);
            if (j % 2 == 0) {
                points[j].id = (struct duet_id){.is_uuid = true, .uuid = {1}};
                points[j].id.uuid[14] = (uint8_t)((i + j) >> 8);
                points[j].id.uuid[15] = (uint8_t)(i + j);
            }
        }
        assert_ok(duet_upsert(db, "default", points, 50));
    }
    duet_close(db);
}

static void assert_same_json(const char *a, const char *b)
{
    struct json_object *of_a;
    struct json_object *of_b;
    assert_ok(json_parse(&of_a, a, strlen(a)));
    assert_ok(json_parse(&of_b, b, strlen(b)));
    assert_true(json_object_equal(of_a, of_b));
    json_object_put(of_a);
    json_object_put(of_b);
}

/* The two databases have the same points, to the last bit of each vector. */
static void assert_same(const char *a_path, const char *b_path)
{
    struct duet *a;
    struct duet *b;
    struct duet_hits ids;
    assert_ok(duet_open(&a, &(struct duet_options){.path = a_path}));
    assert_ok(duet_open(&b, &(struct duet_options){.path = b_path}));
    assert_ok(duet_scroll(a, "default", NULL, 10000, &ids));
    assert_int_equal(ids.n, N);
    for (size_t i = 0; i < N; i++) {
        struct duet_hits of_a;
        struct duet_hits of_b;
        assert_ok(duet_get(a, "default", &ids.hits[i].id, 1, true, &of_a));
        assert_ok(duet_get(b, "default", &ids.hits[i].id, 1, true, &of_b));
        assert_int_equal(of_b.n, 1);
        assert_same_json(of_a.hits[0].payload, of_b.hits[0].payload);
        assert_int_equal(of_a.hits[0].n_vectors, of_b.hits[0].n_vectors);
        for (size_t v = 0; v < of_a.hits[0].n_vectors; v++) {
            assert_memory_equal(of_a.hits[0].vectors[v].values,
                                of_b.hits[0].vectors[v].values, DIM * sizeof(float));
        }
        duet_hits_release(&of_a);
        duet_hits_release(&of_b);
    }
    duet_hits_release(&ids);
    duet_close(a);
    duet_close(b);
}

static void test_json_lines_come_back_bit_by_bit(void **state)
{
    (void)state;
    const char *copy = at("copy.db");
    static char first[OUTPUT_MAX];
    fill();
    RUN("export");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), N + 1);
    strcpy(first, ran.out);
    assert_int_equal(rename(at("stdout"), at("all.jsonl")), 0);
    RUN("import", at("all.jsonl"), "--db", copy);
    assert_status(0);
    assert_string_equal(ran.out, "700 imported, 0 failed\n");
    assert_same(database, copy);
    RUN("export", "--db", copy);
    assert_status(0);
    RUN("verify", "--db", copy);
    assert_status(0);
}

static void test_a_space_goes_through_numpy(void **state)
{
    (void)state;
    const char *copy = at("copy.db");
    static char first[OUTPUT_MAX];
    fill();
    RUN("export", "--format", "npy", "--in", "raw", "--ids", at("ids"));
    assert_status(0);
    assert_int_equal(rename(at("stdout"), at("raw.npy")), 0);
    read_text(at("ids"), first);
    size_t n = n_lines(first);
    assert_true(n > 0 && n < N);
    struct duet *db;
    struct duet_options o = {.path = copy, .write = true, .create = true};
    struct duet_space space = {"raw", DIM, DUET_DOT, DUET_FLOAT32};
    assert_ok(duet_open(&db, &o));
    assert_ok(duet_collection_create(db, "default", &space, 1));
    duet_close(db);
    RUN("import", "--format", "npy", "--ids", at("ids"), at("raw.npy"), "--db", copy);
    assert_status(0);
    struct buf before;
    struct buf after;
    buf_init(&before, 64 << 20);
    buf_init(&after, 64 << 20);
    assert_ok(file_read(at("raw.npy"), &before));
    RUN("export", "--format", "npy", "--ids", at("ids2"), "--db", copy);
    assert_status(0);
    assert_ok(file_read(at("stdout"), &after));
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    read_text(at("ids2"), ran.out);
    assert_string_equal(ran.out, first);
    assert_int_equal(truncate(at("raw.npy"), (off_t)before.size - 4), 0);
    RUN("import", "--format", "npy", "--ids", at("ids"), at("raw.npy"), "--db", copy);
    assert_one_error(7, "ends early");
    buf_release(&before);
    buf_release(&after);
}

static void test_payloads_go_out_as_csv(void **state)
{
    (void)state;
    fill();
    RUN("export", "--format", "csv", "--keys", "a,b,none,中");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), N + 1);
    assert_int_equal(strncmp(ran.out, "id,a,b,none,中\n", 16), 0);
    assert_non_null(strstr(ran.out, ",\"x, \"\"y\"\"\",\"[1,2.50]\",,\n"));
    RUN("export", "--format", "csv"); /* all members that there are */
    assert_status(0);
    assert_int_equal(n_lines(ran.out), N + 1);
    assert_int_equal(strncmp(ran.out, "id,a,b,中\n", 11), 0);
    RUN("export", "--format", "xml");
    assert_one_error(2, "jsonl, npy or csv");
    RUN("export", "--format", "npy", "--in", "nowhere");
    assert_one_error(3, "nowhere");
}

static void test_bad_lines_cost_the_others_nothing(void **state)
{
    (void)state;
    put_text("lines",
             "{\"collection\":\"x\",\"model\":\"\",\"model_space\":\"\",\"spaces\":"
             "[{\"name\":\"v\",\"dim\":2,\"distance\":\"Cosine\",\"datatype\":"
             "\"float32\"}]}\n"
             "{\"id\":1,\"vectors\":{\"v\":[1,0]}}\n"
             "not JSON\n"
             "{\"id\":-3}\n"
             "{\"id\":3,\"vectors\":{\"v\":[1,2,3]}}\n"
             "{\"id\":4,\"vectors\":{\"w\":[1,2]}}\n"
             "{\"id\":5,\"vectors\":{\"v\":[1,\"2\"]}}\n"
             "{\"id\":6,\"payload\":[]}\n"
             "\n"
             "{\"vectors\":{}}\n"
             "{\"id\":\"00000000-0000-0000-0000-000000000007\",\"payload\":{\"a\":1}}");
    char path[160];
    snprintf(path, sizeof path, "%s/lines", pictures);
    RUN("import", path);
    assert_status(4);
    assert_string_equal(ran.out, "2 imported, 7 failed\n");
    assert_int_equal(n_lines(ran.err), 7);
    assert_non_null(strstr(ran.err, "lines:3: "));
    assert_non_null(strstr(ran.err, "lines:5: "));
    assert_non_null(strstr(ran.err, "lines:10: "));
    RUN("get", "1");
    assert_status(0);
    RUN("import", at("nothing here"));
    assert_one_error(3, "nothing here");
}

int main(void)
{
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_json_lines_come_back_bit_by_bit),
        TEST(test_a_space_goes_through_numpy),
        TEST(test_payloads_go_out_as_csv),
        TEST(test_bad_lines_cost_the_others_nothing),
    };
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
