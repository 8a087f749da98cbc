/*
 * ann_file_test.c - ann_save and ann_load of index/ann.h: the same answers after a
 * round trip, and a clear error for every file that is not as it was written.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/buffer.h"
#include "base/file.h"
#include "index/ann.h"
#include "tests/index/vectors.h"

/* HEADER: of version 1; WIDTHS follow it in version 2. */
enum { N = 1500, DIM = 32, K = 20, HEADER_1 = 64, WIDTHS = 64, HEADER = 128 };

static const enum ann_kind kinds[] = {ANN_PQ_FASTSCAN, ANN_IVF_PQ_FASTSCAN, ANN_HNSW};
enum { N_KINDS = 3 };

static float *base;                /* [N, DIM] */
static struct ann *built[N_KINDS]; /* over `base` */
static char folder[] = "/tmp/ann_file_test.XXXXXX";
static char path[64]; /* in `folder` */

static int set_up(void **state)
{
    (void)state;
    base = vectors_make(N, DIM, 1);
    struct vectors_source source = {base, N, DIM};
    for (size_t i = 0; i < N_KINDS; i++) {
        struct ann_build_options o = {
            .kind = kinds[i], .dim = DIM, .generation = UINT64_C(1) << 40 | 7};
        if (ann_build(&built[i], &o, N, vectors_read, &source) != ERR_OK) {
            print_error("%s\n", err_detail());
            return 1;
        }
    }
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/a.ann", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        ann_close(built[i]);
    }
    alloc_free(base);
    unlink(path);
    return rmdir(folder); /* fails if something was left behind */
}

static void assert_same_answers(const struct ann *a, const struct ann *b)
{
    for (size_t i = 0; i < 50; i++) {
        struct ann_hit x[K];
        struct ann_hit y[K];
        size_t n_x;
        size_t n_y;
        struct ann_query q = {.vector = base + i * 29 * DIM, .dim = DIM, .k = K};
        assert_ok(ann_search(a, &q, x, &n_x));
        assert_ok(ann_search(b, &q, y, &n_y));
        assert_int_equal(n_x, n_y);
        for (size_t j = 0; j < n_x; j++) {
            assert_int_equal(x[j].slot, y[j].slot);
            assert_true(x[j].score == y[j].score);
        }
    }
}

static void test_load_gives_what_was_saved(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct ann *loaded;
        struct ann_info a;
        struct ann_info b;
        assert_ok(ann_save(built[i], path));
        assert_ok(ann_load(&loaded, path));
        ann_info(built[i], &a);
        ann_info(loaded, &b);
        assert_int_equal(a.kind, b.kind);
        assert_int_equal(a.dim, b.dim);
        assert_int_equal(a.n, b.n);
        assert_int_equal(a.n_lists, b.n_lists);
        assert_true(a.generation == b.generation);
        assert_true(a.memory_bytes == b.memory_bytes);
        assert_same_answers(built[i], loaded);
        ann_close(loaded);
    }
}

static void test_save_replaces_an_older_file(void **state)
{
    (void)state;
    struct ann *loaded;
    struct ann_info info;
    assert_ok(ann_save(built[2], path));
    assert_ok(ann_save(built[0], path));
    assert_ok(ann_load(&loaded, path));
    ann_info(loaded, &info);
    assert_int_equal(info.kind, kinds[0]);
    ann_close(loaded);
}

/* ---- damage -------------------------------------------------------------------------
 */

static void read_file(struct buf *b)
{
    buf_init(b, 1u << 30);
    assert_ok(file_read(path, b));
}

/* Plainly: a durable write a try would make the test wait for the disk. */
static void write_file(const struct buf *b, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Writes the bytes and wants `code`, and a sentence with the file's name. */
static void assert_load_fails(const struct buf *b, size_t size, enum err code)
{
    struct ann *ann = built[0];
    write_file(b, size);
    assert_err(ann_load(&ann, path), code);
    assert_null(ann);
    assert_non_null(strstr(err_detail(), path));
}

static void test_truncated_files_are_corrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct buf b;
        assert_ok(ann_save(built[i], path));
        read_file(&b);
        for (size_t j = 0; j < 16; j++) {
            assert_load_fails(&b, b.size * j / 16, ERR_CORRUPT);
        }
        assert_load_fails(&b, b.size - 1, ERR_CORRUPT);
        assert_load_fails(&b, HEADER, ERR_CORRUPT);
        assert_load_fails(&b, HEADER - 1, ERR_CORRUPT);
        buf_release(&b);
    }
}

static void test_a_longer_file_is_corrupt(void **state)
{
    (void)state;
    struct buf b;
    assert_ok(ann_save(built[0], path));
    read_file(&b);
    assert_ok(buf_append(&b, "x", 1));
    assert_load_fails(&b, b.size, ERR_CORRUPT);
    buf_release(&b);
}

static void test_each_flipped_bit_of_the_header_is_corrupt(void **state)
{
    (void)state;
    struct buf b;
    assert_ok(ann_save(built[0], path));
    read_file(&b);
    for (size_t bit = 0; bit < HEADER * 8; bit++) {
        b.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_load_fails(&b, b.size, ERR_CORRUPT);
        b.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_release(&b);
}

static void test_flipped_bits_of_the_payload_are_corrupt(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct buf b;
        assert_ok(ann_save(built[i], path));
        read_file(&b);
        for (size_t j = 0; j < 100; j++) {
            size_t at = HEADER + vectors_random(&random) % (b.size - HEADER);
            char kept = b.data[at];
            b.data[at] ^= (char)(1 << vectors_random(&random) % 8);
            assert_load_fails(&b, b.size, ERR_CORRUPT);
            b.data[at] = kept;
        }
        buf_release(&b);
    }
}

/* Makes both checksums right again, as a forger would. Offsets: index/ann_file.c. */
static void forge_checksums(struct buf *b)
{
    uint64_t payload_bytes = b->size - HEADER;
    uint64_t hash = XXH3_64bits(b->data + HEADER, b->size - HEADER);
    memcpy(b->data + 40, &payload_bytes, 8);
    memcpy(b->data + 48, &hash, 8);
    hash = XXH3_64bits(b->data, 56);
    memcpy(b->data + 56, &hash, 8);
}

static void test_a_file_of_a_later_format_is_told_apart(void **state)
{
    (void)state;
    struct buf b;
    assert_ok(ann_save(built[0], path));
    read_file(&b);
    b.data[8] = 3;
    forge_checksums(&b);
    assert_load_fails(&b, b.size, ERR_VERSION);
    buf_release(&b);
}

static const struct ann_width some_widths[ANN_SIDES] = {
    {.nprobe = 3,
     .oversampling = 12,
     .recall = 0.995f,
     .n_questions = 128,
     .lessons = 1},
    {.nprobe = 9, .oversampling = 60, .ef = 128, .recall = 0.5f, .lessons = 6},
};

static void test_widths_are_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct ann *loaded;
        struct ann_info info;
        struct ann_width none[ANN_SIDES] = {{0}};
        for (size_t side = 0; side < ANN_SIDES; side++) {
            ann_set_width(built[i], (enum ann_side)side, &some_widths[side]);
        }
        assert_ok(ann_save(built[i], path));
        assert_ok(ann_load(&loaded, path));
        ann_info(loaded, &info);
        assert_memory_equal(info.widths, some_widths, sizeof some_widths);
        ann_close(loaded);
        for (size_t side = 0; side < ANN_SIDES; side++) {
            ann_set_width(built[i], (enum ann_side)side, &none[side]);
        }
    }
}

/* What earlier programs wrote: no widths, and the index right behind the header. */
static void test_a_file_of_version_1_loads_without_widths(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct buf b;
        struct ann *loaded;
        struct ann_info info;
        assert_ok(ann_save(built[i], path));
        read_file(&b);
        memmove(b.data + HEADER_1, b.data + HEADER, b.size - HEADER);
        b.size -= WIDTHS;
        b.data[8] = 1;
        uint64_t hash = XXH3_64bits(b.data, 56);
        memcpy(b.data + 56, &hash, 8);
        write_file(&b, b.size);
        assert_ok(ann_load(&loaded, path));
        ann_info(loaded, &info);
        assert_int_equal(info.widths[ANN_SAME_SIDE].oversampling, 0);
        assert_int_equal(info.widths[ANN_CROSS_SIDE].oversampling, 0);
        assert_same_answers(built[i], loaded);
        ann_close(loaded);
        buf_release(&b);
    }
}

/* With a right checksum: too many candidates, too wide a graph, a recall of 2 or none.
 */
static void test_widths_that_lie_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* behind the header */
        uint32_t value;
    } lies[] = {
        {4, 100001}, {8, 100000}, {12, 0x40000000}, {12, 0x7fc00000}, {36, 0xbf800000}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct buf b;
        assert_ok(ann_save(built[0], path));
        read_file(&b);
        memcpy(b.data + HEADER_1 + lies[i].at, &lies[i].value, 4);
        uint64_t hash = XXH3_64bits(b.data + HEADER_1, WIDTHS - 8);
        memcpy(b.data + HEADER - 8, &hash, 8);
        assert_load_fails(&b, b.size, ERR_CORRUPT);
        buf_release(&b);
    }
}

static void test_a_header_that_lies_is_corrupt(void **state)
{
    (void)state;
    static const size_t fields[] = {12, 16, 20, 24}; /* kind, dim, metric, n */
    for (size_t i = 0; i < 4; i++) {
        struct buf b;
        assert_ok(ann_save(built[0], path));
        read_file(&b);
        b.data[fields[i]] ^= 1;
        forge_checksums(&b);
        assert_load_fails(&b, b.size, ERR_CORRUPT);
        buf_release(&b);
    }
}

static void test_an_empty_payload_is_corrupt(void **state)
{
    (void)state;
    struct buf b;
    assert_ok(ann_save(built[0], path));
    read_file(&b);
    b.size = HEADER;
    forge_checksums(&b);
    assert_load_fails(&b, b.size, ERR_CORRUPT);
    buf_release(&b);
}

/* Cut payloads with right checksums, which FAISS's own reader would leak memory over.
 */
static void test_forged_truncation_is_corrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct buf b;
        assert_ok(ann_save(built[i], path));
        read_file(&b);
        for (size_t j = 0; j < 200; j++) {
            b.size = b.size * 31 / 32;
            if (b.size <= HEADER) {
                break;
            }
            forge_checksums(&b);
            assert_load_fails(&b, b.size, ERR_CORRUPT);
        }
        buf_release(&b);
    }
}

/* Bytes of the tables' sizes and layout, all near the beginning, in every wrong way,
 * with right checksums: refused, or harmless. Zeros and huge numbers kill FAISS's
 * reader. */
static void test_a_forged_layout_is_corrupt_or_harmless(void **state)
{
    (void)state;
    static const char forged[] = {0, 1, 0x7f, (char)0xff};
    for (size_t i = 0; i < N_KINDS * 4; i++) {
        struct buf b;
        assert_ok(ann_save(built[i % N_KINDS], path));
        read_file(&b);
        for (size_t at = HEADER; at < HEADER + 150; at++) {
            struct ann *ann;
            char kept = b.data[at];
            b.data[at] = forged[i / N_KINDS];
            forge_checksums(&b);
            write_file(&b, b.size);
            enum err result = ann_load(&ann, path);
            assert_true(result == ERR_OK || result == ERR_CORRUPT);
            ann_close(ann);
            b.data[at] = kept;
        }
        buf_release(&b);
    }
}

/* Replaces the first `n_bytes` of `from` in the payload by `to`. */
static void replace(struct buf *b, const void *from, const void *to, size_t n_bytes)
{
    char *at = memmem(b->data + HEADER, b->size - HEADER, from, n_bytes);
    assert_non_null(at);
    memcpy(at, to, n_bytes);
    forge_checksums(b);
}

static void test_a_forged_slot_of_a_list_is_corrupt(void **state)
{
    (void)state;
    static const int64_t forged[] = {N, -1, INT64_MIN};
    for (size_t i = 0; i < 3; i++) {
        struct buf b;
        int64_t last_slot = N - 1;
        assert_ok(ann_save(built[1], path));
        read_file(&b);
        replace(&b, &last_slot, &forged[i], sizeof last_slot);
        assert_load_fails(&b, b.size, ERR_CORRUPT);
        buf_release(&b);
    }
}

/* Changes every 4-byte word of the graph's tables in turn to a number out of range;
 * whatever still loads must be safe to search. */
static void test_a_forged_graph_is_corrupt_or_harmless(void **state)
{
    (void)state;
    struct buf b;
    size_t n_refused = 0;
    uint64_t random = 3;
    assert_ok(ann_save(built[2], path));
    read_file(&b);
    size_t graph_end = b.size - N * DIM * sizeof(float) - 64;
    for (size_t i = 0; i < 300; i++) {
        int32_t kept;
        int32_t forged = i % 2 ? N : 1000000;
        size_t at = graph_end - 4 * (1 + vectors_random(&random) % (N * 64));
        struct ann *ann;
        memcpy(&kept, b.data + at, 4);
        memcpy(b.data + at, &forged, 4);
        forge_checksums(&b);
        write_file(&b, b.size);
        enum err result = ann_load(&ann, path);
        assert_true(result == ERR_OK || result == ERR_CORRUPT);
        n_refused += result == ERR_CORRUPT;
        if (result == ERR_OK) {
            struct ann_hit hits[K];
            size_t n;
            struct ann_query q = {.vector = base, .dim = DIM, .k = K};
            assert_ok(ann_search(ann, &q, hits, &n));
        }
        ann_close(ann);
        memcpy(b.data + at, &kept, 4);
    }
    assert_true(n_refused > 290);
    buf_release(&b);
}

static void test_what_is_no_segment_is_told(void **state)
{
    (void)state;
    struct ann *ann;
    assert_err(ann_load(&ann, "/nonexistent/a.ann"), ERR_NOT_FOUND);
    assert_err(ann_load(&ann, folder), ERR_INVALID);
    assert_ok(file_write(path, "", 0));
    assert_err(ann_load(&ann, path), ERR_CORRUPT);
    char text[200];
    memset(text, 'x', sizeof text);
    assert_ok(file_write(path, text, sizeof text));
    assert_err(ann_load(&ann, path), ERR_CORRUPT);
    assert_null(ann);
}

/* ---- failing saves ------------------------------------------------------------------
 */

static void test_a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    struct ann *loaded;
    struct rlimit before;
    assert_ok(ann_save(built[0], path));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler_before)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum err result = ann_save(built[2], path);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler_before);
    assert_int_equal(result, ERR_FULL);
    assert_ok(ann_load(&loaded, path));
    assert_same_answers(built[0], loaded);
    ann_close(loaded);
}

static void test_save_into_no_folder_is_an_error(void **state)
{
    (void)state;
    assert_err(ann_save(built[0], "/nonexistent/a.ann"), ERR_NOT_FOUND);
}

static void test_short_of_memory_save_and_load_say_so(void **state)
{
    (void)state;
    enum err result = ERR_NOMEM;
    for (long n_allocations = 0; result != ERR_OK; n_allocations++) {
        alloc_fail_after(n_allocations);
        result = ann_save(built[0], path);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
    }
    result = ERR_NOMEM;
    for (long n_allocations = 0; result != ERR_OK; n_allocations++) {
        struct ann *ann;
        alloc_fail_after(n_allocations);
        result = ann_load(&ann, path);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
        ann_close(ann);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_gives_what_was_saved),
        cmocka_unit_test(test_save_replaces_an_older_file),
        cmocka_unit_test(test_truncated_files_are_corrupt),
        cmocka_unit_test(test_a_longer_file_is_corrupt),
        cmocka_unit_test(test_each_flipped_bit_of_the_header_is_corrupt),
        cmocka_unit_test(test_flipped_bits_of_the_payload_are_corrupt),
        cmocka_unit_test(test_a_file_of_a_later_format_is_told_apart),
        cmocka_unit_test(test_widths_are_kept),
        cmocka_unit_test(test_a_file_of_version_1_loads_without_widths),
        cmocka_unit_test(test_widths_that_lie_are_corrupt),
        cmocka_unit_test(test_a_header_that_lies_is_corrupt),
        cmocka_unit_test(test_an_empty_payload_is_corrupt),
        cmocka_unit_test(test_forged_truncation_is_corrupt),
        cmocka_unit_test(test_a_forged_layout_is_corrupt_or_harmless),
        cmocka_unit_test(test_a_forged_slot_of_a_list_is_corrupt),
        cmocka_unit_test(test_a_forged_graph_is_corrupt_or_harmless),
        cmocka_unit_test(test_what_is_no_segment_is_told),
        cmocka_unit_test(test_a_full_disk_leaves_the_old_file),
        cmocka_unit_test(test_save_into_no_folder_is_an_error),
        cmocka_unit_test(test_short_of_memory_save_and_load_say_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
