/*
 * record_test.c - db/record.h: keys sort, records come back, hostile bytes do no harm.
 */
#include "tests/db/db_test.h"

#include <limits.h>

#include "base/alloc.h"
#include "db/record.h"

static struct duet_id uuid_of(uint8_t first, uint8_t rest)
{
    struct duet_id id = {.is_uuid = true};
    memset(id.uuid, rest, sizeof id.uuid);
    id.uuid[0] = first;
    return id;
}

static int compare_keys(struct record_key a, struct record_key b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = memcmp(a.data, b.data, n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static struct bytes bytes_of(const struct buf *b)
{
    return (struct bytes){b->data, b->size};
}

/* ---- Keys ---- */

static void test_keys_sort_as_ids_do(void **state)
{
    (void)state;
    const struct duet_id ids[] = {
        test_id(0),          test_id(1),    test_id(255),    test_id(256),
        test_id(UINT64_MAX), uuid_of(0, 0), uuid_of(0, 255), uuid_of(255, 0),
    };
    size_t n = sizeof ids / sizeof ids[0];
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            int keys =
                compare_keys(record_key_point(7, ids[i]), record_key_point(7, ids[j]));
            int order = duet_id_compare(ids[i], ids[j]);
            assert_int_equal((keys > 0) - (keys < 0), (order > 0) - (order < 0));
        }
    }
    assert_true(
        compare_keys(record_key_point(255, ids[7]), record_key_point(256, ids[0])) < 0);
    assert_true(compare_keys(record_key_chunk(1, 2, 255), record_key_chunk(1, 2, 256)) <
                0);
}

static void test_ids_come_back_from_keys(void **state)
{
    (void)state;
    const struct duet_id ids[] = {test_id(0), test_id(UINT64_MAX), uuid_of(1, 2)};
    const uint8_t hash[DB_HASH_BYTES] = {9};
    for (size_t i = 0; i < 3; i++) {
        struct duet_id back;
        struct record_key key = record_key_point(3, ids[i]);
        assert_ok(record_key_id((struct bytes){key.data, key.n}, 4, &back));
        assert_int_equal(duet_id_compare(back, ids[i]), 0);
        key = record_key_hash(hash, 3, ids[i]);
        size_t skip = record_key_hash_prefix(hash, 3).n;
        assert_ok(record_key_id((struct bytes){key.data, key.n}, skip, &back));
        assert_int_equal(duet_id_compare(back, ids[i]), 0);
    }
}

static void test_keys_that_are_none_are_refused(void **state)
{
    (void)state;
    struct duet_id id;
    uint32_t i;
    struct record_key key = record_key_point(3, test_id(1));
    for (size_t n = 0; n < key.n; n++) {
        assert_err(record_key_id((struct bytes){key.data, n}, 4, &id), ERR_CORRUPT);
    }
    key.data[4] = 2;
    assert_err(record_key_id((struct bytes){key.data, key.n}, 4, &id), ERR_CORRUPT);
    assert_err(record_key_number((struct bytes){key.data, 9}, &i), ERR_CORRUPT);
}

/* ---- Records: what is written is read ---- */

static struct record_collection sample_collection(void)
{
    struct record_collection c = {
        .number = 5, .n_points = UINT64_C(1) << 40, .n_spaces = 2, .next_space = 8};
    strcpy(c.model, "default");
    strcpy(c.model_space, "duet/1");
    strcpy(c.fingerprint, "00ff");
    strcpy(c.spaces[0].name, "图");
    c.spaces[0].dim = LIMIT_DIM_MAX;
    c.spaces[1].dim = 1;
    c.spaces[1].distance = DUET_MANHATTAN;
    c.spaces[1].datatype = DUET_UINT8;
    c.spaces[1].number = 7;
    return c;
}

static struct record_space sample_space(void)
{
    struct record_space s = {.next_slot = 1000, .n_live = 900, .next_generation = 7};
    s.n_segments = 2;
    s.segments[0] = (struct record_segment){0, 640, 600, 5};
    s.segments[1] = (struct record_segment){640, 320, 300, UINT64_C(1) << 60};
    return s;
}

static struct record_point sample_point(void)
{
    struct record_point p = {.n_vectors = 2, .vectors = {{3, 17}, {65535, 18}}};
    p.payload = (struct bytes){"{\"a\":1}", 7};
    return p;
}

/* Writes sample `which` of the five kinds. */
static void write_sample(int which, struct buf *out)
{
    struct record_format format = {RECORD_FORMAT_VERSION, 4096, {1, 2, 3}, -5, 9};
    struct record_collection collection = sample_collection();
    struct record_space space = sample_space();
    struct record_point point = sample_point();
    struct db_source source = {"/p/ü.jpg", {1, 2}, 123456789012, -1, UINT64_MAX};
    buf_clear(out);
    switch (which) {
    case 0:
        assert_ok(record_format_write(&format, out));
        break;
    case 1:
        assert_ok(record_collection_write(&collection, out));
        break;
    case 2:
        assert_ok(record_space_write(&space, out));
        break;
    case 3:
        assert_ok(record_point_write(&point, out));
        break;
    default:
        assert_ok(record_source_write(&source, out));
    }
}

static enum err read_sample(int which, struct bytes value)
{
    struct record_format format;
    struct record_collection collection;
    struct record_space space;
    struct record_point point;
    struct db_source source;
    struct buf path;
    switch (which) {
    case 0:
        return record_format_read(&format, value);
    case 1:
        return record_collection_read(&collection, value);
    case 2:
        return record_space_read(&space, value);
    case 3:
        return record_point_read(&point, value);
    default:
        buf_init(&path, PATH_MAX);
        enum err result = record_source_read(&source, &path, value);
        buf_release(&path);
        return result;
    }
}

static void test_a_format_comes_back(void **state)
{
    (void)state;
    struct buf b;
    struct record_format f;
    buf_init(&b, 1000);
    write_sample(0, &b);
    assert_int_equal(b.size, 44);
    assert_ok(record_format_read(&f, bytes_of(&b)));
    assert_int_equal(f.page_size, 4096);
    assert_int_equal(f.uuid[2], 3);
    assert_true(f.created_ms == -5);
    assert_int_equal(f.next_collection, 9);
    buf_release(&b);
}

static void test_another_version_or_byte_order_is_told_apart_from_damage(void **state)
{
    (void)state;
    struct buf b;
    struct record_format f;
    buf_init(&b, 1000);
    write_sample(0, &b);
    b.data[4] = 1;
    assert_err(record_format_read(&f, bytes_of(&b)), ERR_VERSION);
    write_sample(0, &b);
    char low = b.data[8];
    b.data[8] = b.data[11];
    b.data[11] = low;
    assert_err(record_format_read(&f, bytes_of(&b)), ERR_VERSION);
    write_sample(0, &b);
    b.data[0] = 'X';
    assert_err(record_format_read(&f, bytes_of(&b)), ERR_CORRUPT);
    buf_release(&b);
}

static void test_a_collection_comes_back(void **state)
{
    (void)state;
    struct buf b;
    struct record_collection c;
    buf_init(&b, 1000);
    write_sample(1, &b);
    assert_ok(record_collection_read(&c, bytes_of(&b)));
    assert_int_equal(c.number, 5);
    assert_true(c.n_points == UINT64_C(1) << 40);
    assert_string_equal(c.model, "default");
    assert_string_equal(c.model_space, "duet/1");
    assert_string_equal(c.fingerprint, "00ff");
    assert_int_equal(c.n_spaces, 2);
    assert_string_equal(c.spaces[0].name, "图");
    assert_string_equal(c.spaces[1].name, "");
    assert_int_equal(c.spaces[0].dim, LIMIT_DIM_MAX);
    assert_int_equal(c.next_space, 8);
    assert_int_equal(c.spaces[1].distance, DUET_MANHATTAN);
    assert_int_equal(c.spaces[1].datatype, DUET_UINT8);
    assert_int_equal(c.spaces[1].number, 7);
    buf_release(&b);
}

/* Spaces and what another model is filling in their places; the numbers are given. */
static struct record_collection collection_with_shadows(void)
{
    struct record_collection c = sample_collection();
    c.n_shadows = 2;
    c.spaces[2] = c.spaces[0];
    c.spaces[3] = c.spaces[1];
    c.spaces[2].number = 5;
    c.spaces[2].dim = 77;
    c.spaces[3].number = 6;
    strcpy(c.shadow_model.name, "other");
    strcpy(c.shadow_model.space, "other/1");
    strcpy(c.shadow_model.fingerprint, "11ee");
    return c;
}

static void test_shadows_come_back(void **state)
{
    (void)state;
    struct buf b;
    struct record_collection before = collection_with_shadows();
    struct record_collection c;
    buf_init(&b, 1000);
    assert_ok(record_collection_write(&before, &b));
    assert_ok(record_collection_read(&c, bytes_of(&b)));
    assert_int_equal(c.n_spaces, 2);
    assert_int_equal(record_collection_n_all(&c), 4);
    assert_int_equal(c.spaces[2].dim, 77);
    assert_int_equal(c.spaces[2].number, 5);
    assert_string_equal(c.spaces[2].name, "图");
    assert_int_equal(c.spaces[3].number, 6);
    assert_string_equal(c.shadow_model.name, "other");
    assert_string_equal(c.shadow_model.space, "other/1");
    assert_string_equal(c.shadow_model.fingerprint, "11ee");
    buf_release(&b);
}

/* A record that ends where its spaces do is one without shadows; no other beginning of
 * it is a record. */
static void test_half_of_the_shadows_is_none(void **state)
{
    (void)state;
    struct buf b;
    struct buf plain;
    struct record_collection before = collection_with_shadows();
    struct record_collection c;
    buf_init(&b, 1000);
    buf_init(&plain, 1000);
    assert_ok(record_collection_write(&before, &b));
    before.n_shadows = 0;
    assert_ok(record_collection_write(&before, &plain));
    for (size_t n = 0; n < b.size; n++) {
        enum err result = record_collection_read(&c, (struct bytes){b.data, n});
        assert_int_equal(result, n == plain.size ? ERR_OK : ERR_CORRUPT);
    }
    buf_release(&b);
    buf_release(&plain);
}

static void test_shadows_of_what_can_have_none_are_refused(void **state)
{
    (void)state;
    struct buf b;
    struct record_collection before = collection_with_shadows();
    struct record_collection c;
    buf_init(&b, 1000);
    before.spaces[2].number = before.next_space;
    assert_ok(record_collection_write(&before, &b));
    assert_err(record_collection_read(&c, bytes_of(&b)), ERR_CORRUPT);
    buf_clear(&b);
    before = collection_with_shadows();
    before.model_space[0] = '\0';
    assert_ok(record_collection_write(&before, &b));
    assert_err(record_collection_read(&c, bytes_of(&b)), ERR_CORRUPT);
    buf_release(&b);
}

static void test_a_space_comes_back(void **state)
{
    (void)state;
    struct buf b;
    struct record_space s;
    buf_init(&b, 1000);
    write_sample(2, &b);
    assert_ok(record_space_read(&s, bytes_of(&b)));
    assert_int_equal(s.next_slot, 1000);
    assert_int_equal(s.n_live, 900);
    assert_int_equal(s.n_segments, 2);
    assert_int_equal(s.segments[1].first, 640);
    assert_int_equal(s.segments[1].n_slots, 320);
    assert_int_equal(s.segments[1].n_rows, 300);
    assert_true(s.segments[1].generation == UINT64_C(1) << 60);
    buf_release(&b);
}

static void test_segments_that_overlap_are_refused(void **state)
{
    (void)state;
    struct buf b;
    struct record_space back;
    struct record_space s = sample_space();
    buf_init(&b, 1000);
    s.segments[1].first = 576;
    assert_ok(record_space_write(&s, &b));
    assert_err(record_space_read(&back, bytes_of(&b)), ERR_CORRUPT);
    buf_clear(&b);
    s = sample_space();
    s.segments[1].n_slots = 384; /* past the last slot used */
    assert_ok(record_space_write(&s, &b));
    assert_err(record_space_read(&back, bytes_of(&b)), ERR_CORRUPT);
    buf_release(&b);
}

static void test_a_point_comes_back(void **state)
{
    (void)state;
    struct buf b;
    struct record_point p;
    buf_init(&b, 1000);
    write_sample(3, &b);
    assert_ok(record_point_read(&p, bytes_of(&b)));
    assert_int_equal(p.n_vectors, 2);
    assert_int_equal(record_point_slot(&p, 3), 17);
    assert_int_equal(record_point_slot(&p, 65535), 18);
    assert_true(record_point_slot(&p, 0) == RECORD_NO_SLOT);
    assert_int_equal(p.payload.n, 7);
    assert_memory_equal(p.payload.data, "{\"a\":1}", 7);
    buf_release(&b);
}

static void test_a_source_comes_back(void **state)
{
    (void)state;
    struct buf b;
    struct buf path;
    struct db_source s;
    buf_init(&b, 1000);
    buf_init(&path, PATH_MAX);
    write_sample(4, &b);
    assert_ok(record_source_read(&s, &path, bytes_of(&b)));
    assert_string_equal(s.path, "/p/ü.jpg");
    assert_true(s.size == 123456789012 && s.mtime_ns == -1 && s.hash[1] == 2 &&
                s.notes_hash == UINT64_MAX);
    buf_release(&b);
    buf_release(&path);
}

static void test_slot_ids_and_live_words_come_back(void **state)
{
    (void)state;
    const struct duet_id ids[] = {test_id(UINT64_MAX - 1), uuid_of(3, 4)};
    uint8_t bytes[RECORD_ID_BYTES];
    uint8_t block[RECORD_BLOCK_BYTES + 1] = {0};
    struct duet_id back;
    for (size_t i = 0; i < 2; i++) {
        record_id_write(ids[i], bytes);
        assert_ok(record_id_read(&back, bytes));
        assert_int_equal(duet_id_compare(back, ids[i]), 0);
    }
    bytes[0] = 7;
    assert_err(record_id_read(&back, bytes), ERR_CORRUPT);
    record_live_set(block + 1, 3, UINT64_C(0x8000000000000001));
    assert_true(record_live_get(block + 1, 3) == UINT64_C(0x8000000000000001));
    assert_true(record_live_get(block + 1, 2) == 0);
}

/* ---- Hostile bytes ---- */

/* Under AddressSanitizer a byte read past the end is seen: the copy is exact. */
static void read_exact_copy(int which, const char *bytes, size_t n)
{
    char *copy = alloc_array(n, 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    enum err result = read_sample(which, (struct bytes){copy, n});
    assert_true(result == ERR_OK || result == ERR_CORRUPT || result == ERR_VERSION);
    alloc_free(copy);
}

static void test_records_cut_short_are_corrupt(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    for (int which = 0; which < 5; which++) {
        write_sample(which, &b);
        size_t fixed = which == 3 ? 10 : which == 4 ? 40 : b.size; /* then free bytes */
        for (size_t n = 0; n < fixed; n++) {
            enum err result = read_sample(which, (struct bytes){b.data, n});
            assert_int_equal(result, ERR_CORRUPT);
        }
        assert_int_equal(read_sample(which, (struct bytes){NULL, 0}), ERR_CORRUPT);
    }
    buf_release(&b);
}

static void test_bytes_behind_a_record_are_corrupt(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    for (int which = 0; which < 3; which++) {
        write_sample(which, &b);
        assert_ok(buf_append(&b, "", 1));
        assert_err(read_sample(which, bytes_of(&b)), ERR_CORRUPT);
    }
    buf_release(&b);
}

static void test_changed_bytes_never_crash(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("hostile records");
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 20000; i++) {
        int which = i % 5;
        write_sample(which, &b);
        size_t n_changes = 1 + test_random_below(&r, 4);
        for (size_t c = 0; c < n_changes; c++) {
            b.data[test_random_below(&r, b.size)] = (char)test_random_next(&r);
        }
        read_exact_copy(which, b.data, test_random_below(&r, b.size + 1));
    }
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_sort_as_ids_do),
        cmocka_unit_test(test_ids_come_back_from_keys),
        cmocka_unit_test(test_keys_that_are_none_are_refused),
        cmocka_unit_test(test_a_format_comes_back),
        cmocka_unit_test(test_another_version_or_byte_order_is_told_apart_from_damage),
        cmocka_unit_test(test_a_collection_comes_back),
        cmocka_unit_test(test_shadows_come_back),
        cmocka_unit_test(test_half_of_the_shadows_is_none),
        cmocka_unit_test(test_shadows_of_what_can_have_none_are_refused),
        cmocka_unit_test(test_a_space_comes_back),
        cmocka_unit_test(test_segments_that_overlap_are_refused),
        cmocka_unit_test(test_a_point_comes_back),
        cmocka_unit_test(test_a_source_comes_back),
        cmocka_unit_test(test_slot_ids_and_live_words_come_back),
        cmocka_unit_test(test_records_cut_short_are_corrupt),
        cmocka_unit_test(test_bytes_behind_a_record_are_corrupt),
        cmocka_unit_test(test_changed_bytes_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
