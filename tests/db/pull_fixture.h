/*
 * pull_fixture.h - what the tests of pulls share: a hub in this process that serves a
 * tiny model as owner/tiny, an empty models folder, and looks at what became of a pull.
 *
 *     assert_ok(pull());
 *     assert_installed();
 */
#ifndef TESTS_DB_PULL_FIXTURE_H
#define TESTS_DB_PULL_FIXTURE_H

#include "tests/test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/duet_model.h"
#include "tests/db/db_test.h"
#include "tests/encoder/tiny_model.h"
#include "tests/integration/fake_hub.h"

static char tiny[64]; /* a model to be served */
static char home[64]; /* the models folder of one test */
static struct fake_hub hub;
static struct duet_pull_result done;
static char notes[4096];

/* ---- Before and after ----------------------------------------------------------- */

static inline int setup_all(void **state)
{
    (void)state;
    static const char *const names[] = {"DUET_HUB", "HF_ENDPOINT", "DUET_HUB_TOKEN",
                                        "HF_TOKEN", "http_proxy",  "https_proxy",
                                        "all_proxy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
    test_folder_make(tiny);
    tiny_model_write(tiny, 1);
    return 0;
}

static inline int teardown_all(void **state)
{
    (void)state;
    test_folder_remove(tiny);
    return 0;
}

static inline int setup(void **state)
{
    (void)state;
    test_folder_make(home);
    setenv("DUET_MODELS", home, 1);
    fake_hub_start(&hub, "owner/tiny");
    fake_hub_add_folder(&hub, tiny);
    notes[0] = '\0';
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    fake_hub_stop(&hub);
    test_folder_remove(home);
    return 0;
}

static inline const char *at(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", home, name);
    return path;
}

static inline void add_note(void *arg, const char *sentence)
{
    (void)arg;
    size_t n = strlen(notes);
    snprintf(notes + n, sizeof notes - n, "%s\n", sentence);
}

static struct duet_pull_options options(void)
{
    return (struct duet_pull_options){.name = "owner/tiny",
                                      .hub = hub.url,
                                      .note = add_note,
                                      .stall_seconds = 1,
                                      .retry_ms = 1};
}

static inline enum err pull(void)
{
    struct duet_pull_options o = options();
    return duet_model_pull(&o, &done);
}

static inline bool is_there(const char *name)
{
    return access(at(name), F_OK) == 0;
}

static inline void assert_detail(const char *words)
{
    if (strstr(err_detail(), words) == NULL) {
        print_error("'%s' is not in: %s\n", words, err_detail());
        fail();
    }
}

/* The installed model is the one served, byte for byte, and opens. */
static inline void assert_installed(void)
{
    struct duet_model_details details;
    assert_ok(duet_model_look("owner/tiny", false, &details));
    duet_model_details_release(&details);
    for (size_t i = 0; i < hub.n_files; i++) {
        char path[600];
        struct buf bytes;
        buf_init(&bytes, 1 << 24);
        snprintf(path, sizeof path, "%s/owner/tiny/%s", home, hub.files[i].name);
        if (access(path, F_OK) != 0) {
            continue;
        }
        assert_ok(file_read(path, &bytes));
        assert_int_equal(bytes.size, hub.files[i].bytes.size);
        assert_memory_equal(bytes.data, hub.files[i].bytes.data, bytes.size);
        buf_release(&bytes);
    }
}

/* The pull failed with these words, and nothing is installed. */
static inline void assert_not_installed(enum err code, const char *words)
{
    assert_err(pull(), code);
    assert_detail(words);
    assert_false(is_there("owner/tiny"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
