/*
 * regression_driver.c - replays a fuzzer's corpus as ordinary tests.
 *
 * Linked to fuzz_NAME.c in place of libFuzzer, it calls LLVMFuzzerTestOneInput once for
 * each file of tests/fuzz/corpus/NAME and reports through cmocka, one test a file. What
 * a session of `make fuzz F=NAME` finds goes into that folder with its fix. The files
 * to be replayed may also be named on the command line.
 */
#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "tests/test.h"

enum { INPUTS_MAX = 4096, INPUT_BYTES_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void replay(void **state)
{
    const char *path = *state;
    struct buf bytes;
    buf_init(&bytes, INPUT_BYTES_MAX);
    assert_ok(file_read(path, &bytes));
    /* A copy of exact size, so that the sanitizer sees a read past the end. */
    char *copy = alloc_array(bytes.size, 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)copy, bytes.size), 0);
    alloc_free(copy);
    buf_release(&bytes);
}

static void add(struct CMUnitTest *tests, size_t *n, const char *folder,
                const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s%s%s", folder, folder[0] != '\0' ? "/" : "",
                   name);
    char *kept = alloc_dup(path);
    if (kept == NULL || *n == INPUTS_MAX) {
        (void)fprintf(stderr, "too many inputs\n");
        exit(1);
    }
    tests[*n] = (struct CMUnitTest){.name = kept, .test_func = replay};
    tests[*n].initial_state = kept;
    *n += 1;
}

/* The corpus of build/tests/fuzz/fuzz_NAME is tests/fuzz/corpus/NAME. */
static void add_corpus(struct CMUnitTest *tests, size_t *n, char *program)
{
    const char *name = basename(program);
    char folder[256];
    (void)snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s",
                   strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name);
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        (void)fprintf(stderr, "no corpus at %s\n", folder);
        exit(1);
    }
    for (struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (e->d_name[0] != '.') {
            add(tests, n, folder, e->d_name);
        }
    }
    (void)closedir(entries);
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[INPUTS_MAX];
    size_t n = 0;
    for (int i = 1; i < argc; i++) {
        add(tests, &n, "", argv[i]);
    }
    if (argc == 1) {
        add_corpus(tests, &n, argv[0]);
    }
    int failed = _cmocka_run_group_tests("corpus", tests, n, NULL, NULL);
    for (size_t i = 0; i < n; i++) {
        alloc_free((char *)tests[i].name);
    }
    return failed;
}
