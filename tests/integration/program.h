/*
 * program.h - what the tests of the `duet` program share: a run of the real binary with
 * its exit status, stdout and stderr; a folder for each test; a tiny model called
 * default.
 *
 *     RUN("search", "dog");
 *     assert_status(0);
 *     ... ran.out ...
 *
 * BUILD names the folder of the binary. The model has random weights: what is found is
 * not asked, but what is printed, kept and told.
 */
#ifndef TESTS_INTEGRATION_PROGRAM_H
#define TESTS_INTEGRATION_PROGRAM_H

#include "tests/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "db/duet.h"
#include "tests/db/db_test.h"
#include "tests/encoder/tiny_model.h"
#include "tests/picture.h"

enum { OUTPUT_MAX = 1 << 20, ARGS_MAX = 16, N_PATHS = 256 };

/* One run of the program. */
struct ran {
    int status;           /* exit status; 128 + the signal that ended it */
    char out[OUTPUT_MAX]; /* stdout as a string */
    char err[OUTPUT_MAX]; /* stderr as a string */
};

static char program[PATH_MAX];
static char models[64];   /* $DUET_MODELS, with one called default */
static char folder[64];   /* of all that a test makes */
static char pictures[96]; /* in it */
static char database[96]; /* in it, and in $DUET_DB */
static struct ran ran;    /* the last run */

/* The path of `name` in the test's folder, in one of N_PATHS static buffers. */
static inline const char *at(const char *name)
{
    static char paths[N_PATHS][256];
    static unsigned next;
    char *path = paths[next++ % N_PATHS];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void redirect(const char *path, int fd)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || dup2(file, fd) < 0) {
        _exit(99);
    }
}

/* Starts the program with these arguments, NULL behind the last. */
static inline pid_t start(const char *const *args, const char *out_path)
{
    const char *argv[ARGS_MAX + 2] = {"duet"};
    for (size_t i = 0; args[i] != NULL; i++) {
        assert_in_range(i, 0, ARGS_MAX - 1);
        argv[i + 1] = args[i];
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        redirect(out_path, STDOUT_FILENO);
        redirect(at("stderr"), STDERR_FILENO);
        execv(program, (char *const *)(size_t)argv);
        _exit(99);
    }
    return pid;
}

static inline void read_text(const char *path, char text[OUTPUT_MAX])
{
    FILE *file = fopen(path, "rb");
    size_t n = file == NULL ? 0 : fread(text, 1, OUTPUT_MAX - 1, file);
    text[n] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

static inline void finish(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    read_text(at("stdout"), ran.out);
    read_text(at("stderr"), ran.err);
}

static inline void run_args(const char *const *args)
{
    finish(start(args, at("stdout")));
}

#define RUN(...) run_args((const char *const[]){__VA_ARGS__, NULL})

/* The last run must have ended so; else what it said is printed. */
static inline void assert_status(int status)
{
    if (ran.status != status) {
        print_error("status %d, not %d\nstdout: %s\nstderr: %s\n", ran.status, status,
                    ran.out, ran.err);
        fail();
    }
}

static inline size_t n_lines(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

/* An error is one line on stderr, "duet: …", with these words, and nothing on stdout.
 */
static inline void assert_one_error(int status, const char *words)
{
    assert_status(status);
    assert_string_equal(ran.out, "");
    assert_int_equal(n_lines(ran.err), 1);
    assert_int_equal(strncmp(ran.err, "duet: ", 6), 0);
    if (strstr(ran.err, words) == NULL) {
        print_error("'%s' is not in: %s", words, ran.err);
        fail();
    }
}

/* Line `i` of stdout as JSON; json_object_put. */
static inline struct json_object *json_line(size_t i)
{
    struct json_object *object;
    const char *line = ran.out;
    for (; i > 0; i--) {
        line = strchr(line, '\n') + 1;
    }
    assert_ok(json_parse(&object, line, strcspn(line, "\n")));
    return object;
}

static inline long json_long(struct json_object *object, const char *key)
{
    assert_non_null(json_get(object, key));
    return (long)json_object_get_int64(json_get(object, key));
}

/* The number `key` of the JSON line that the last run printed. */
static inline long printed(const char *key)
{
    struct json_object *object = json_line(0);
    long value = json_long(object, key);
    json_object_put(object);
    return value;
}

static inline int setup_models(void **state)
{
    (void)state;
    char model[128];
    test_folder_make(models);
    snprintf(model, sizeof model, "%s/default", models);
    assert_ok(file_make_folders(model));
    tiny_model_write(model, 1);
    setenv("DUET_MODELS", models, 1);
    unsetenv("DUET_API_KEY");
    return 0;
}

static inline int teardown_models(void **state)
{
    (void)state;
    test_folder_remove(models);
    return 0;
}

static inline int setup(void **state)
{
    (void)state;
    test_folder_make(folder);
    snprintf(pictures, sizeof pictures, "%s/pictures", folder);
    snprintf(database, sizeof database, "%s/duet.db", folder);
    assert_ok(file_make_folders(pictures));
    setenv("DUET_DB", database, 1);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static inline void put_picture(const char *name, uint32_t seed)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", pictures, name);
    picture_write(path, seed);
}

static inline void put_text(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", pictures, name);
    assert_ok(file_write(path, text, strlen(text)));
}

/* Finds the binary; false, with a sentence, where it is not there. */
static inline bool find_program(void)
{
    const char *build = getenv("BUILD");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/duet", build != NULL ? build : "build");
    if (realpath(path, program) == NULL) {
        fprintf(stderr, "%s is not there: build it first, or set BUILD\n", path);
        return false;
    }
    return true;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
