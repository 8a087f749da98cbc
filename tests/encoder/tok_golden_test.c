/*
 * tok_golden_test.c - every kind of tokenizer against the reference: the ids of
 * thousands of texts must be equal. The files and how they are made:
 * tests/golden/tokenizers/README.md. Another folder of the same form may be named on
 * the command line.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "encoder/tokenizer.h"

enum { STRINGS_MIN = 5000, IDS_MAX = 4096, SHOWN_MAX = 10 };

static const char *folder = "tests/golden/tokenizers";

/* One line of cases.txt: how to open which files, the texts, and their ids. */
struct golden {
    char how[16], first[64], second[64], strings[64], ids[64];
};

static void read_file(struct buf *out, const char *name)
{
    char path[4200];
    buf_init(out, 1u << 30);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(file_read(path, out));
}

static struct tok *open_golden(const struct golden *g)
{
    struct tok *tok = NULL;
    char first[4200], second[4200];
    (void)snprintf(first, sizeof first, "%s/%s", folder, g->first);
    (void)snprintf(second, sizeof second, "%s/%s", folder, g->second);
    if (strcmp(g->how, "bpe") == 0) {
        assert_ok(tok_open_bpe(&tok, first, second));
    } else if (strcmp(g->how, "vocab") == 0) {
        assert_ok(tok_open(&tok, first, true));
    } else {
        assert_ok(tok_open_json(&tok, first, strcmp(g->how, "lower") == 0));
    }
    return tok;
}

/* The text's ids as a line of the golden file: whether truncated, then the ids. */
static void print_ids(const struct tok *tok, struct json_object *row, struct buf *line)
{
    int32_t ids[IDS_MAX];
    size_t n, max = json_object_get_uint64(json_object_array_get_idx(row, 0));
    bool truncated;
    struct json_object *text = json_object_array_get_idx(row, 1);
    assert_true(max <= IDS_MAX);
    assert_ok(tok_encode(tok, json_object_get_string(text),
                         (size_t)json_object_get_string_len(text), ids, max, &n,
                         &truncated));
    buf_clear(line);
    assert_ok(buf_printf(line, "%d", truncated));
    for (size_t i = 0; i < n; i++) {
        assert_ok(buf_printf(line, " %d", (int)ids[i]));
    }
}

static bool compare_line(const struct tok *tok, const char *text, size_t n_text,
                         const char *expected, size_t n_expected)
{
    struct json_object *row;
    struct buf line;
    buf_init(&line, 1 << 20);
    assert_ok(json_parse(&row, text, n_text));
    print_ids(tok, row, &line);
    bool same = line.size == n_expected && memcmp(line.data, expected, n_expected) == 0;
    if (!same) {
        (void)fprintf(stderr, "%.*s\n  gives %s\n  not   %.*s\n", (int)n_text, text,
                      line.data, (int)n_expected, expected);
    }
    json_object_put(row);
    buf_release(&line);
    return same;
}

/* Returns how many texts there were. */
static size_t compare_golden(const struct golden *g)
{
    struct tok *tok = open_golden(g);
    struct buf strings, ids;
    size_t n = 0, n_other = 0, at = 0, at_ids = 0;
    read_file(&strings, g->strings);
    read_file(&ids, g->ids);
    for (; at < strings.size && n_other < SHOWN_MAX; n++) {
        size_t n_text = strcspn(strings.data + at, "\n");
        size_t n_ids = strcspn(ids.data + at_ids, "\n");
        n_other +=
            !compare_line(tok, strings.data + at, n_text, ids.data + at_ids, n_ids);
        at += n_text + 1;
        at_ids += n_ids + 1;
    }
    if (n_other > 0) {
        fail_msg("%s: %zu of the first %zu texts have other ids", g->ids, n_other, n);
    }
    assert_int_equal(at_ids, ids.size);
    buf_release(&strings);
    buf_release(&ids);
    tok_close(tok);
    return n;
}

static void test_ids_equal_those_of_the_reference(void **state)
{
    (void)state;
    struct buf cases;
    struct golden g;
    size_t n_whole = 0;
    int step;
    read_file(&cases, "cases.txt");
    for (const char *p = cases.data;
         sscanf(p, "%15s %63s %63s %63s %63s\n%n", g.how, g.first, g.second, g.strings,
                g.ids, &step) == 5;
         p += step) {
        size_t n = compare_golden(&g);
        (void)printf("note: %zu texts equal in %s\n", n, g.ids);
        n_whole += n >= STRINGS_MIN;
    }
    assert_true(n_whole >= 4); /* CLIP, SigLIP, SigLIP 2, BERT */
    buf_release(&cases);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_equal_those_of_the_reference),
    };
    folder = argc > 1 ? argv[1] : folder;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
