/*
 * embed_test.c - `duet embed`, `duet label` and `duet describe` as a script meets them.
 */
#include "tests/integration/program.h"

#include <poll.h>
#include <signal.h>

enum { ROW_BYTES = TINY_DIM * sizeof(float), NPY_HEAD = 128, WAIT_MS = 20000 };

/* A file of the test's folder with these bytes; its path. */
static const char *put_file(const char *name, const char *bytes, size_t n)
{
    const char *path = at(name);
    assert_ok(file_write(path, bytes, n));
    return path;
}

static const char *put_lines(const char *name, const char *text)
{
    return put_file(name, text, strlen(text));
}

/* Line `i` of stdout as it stands, in a static buffer. */
static const char *out_line(size_t i)
{
    static char line[4096];
    const char *from = ran.out;
    for (; i > 0; i--) {
        from = strchr(from, '\n') + 1;
    }
    snprintf(line, sizeof line, "%.*s", (int)strcspn(from, "\n"), from);
    return line;
}

/* Line `i` as numbers; false where it is null. */
static bool out_vector(size_t i, float vector[TINY_DIM])
{
    const char *line = out_line(i);
    if (strcmp(line, "null") == 0) {
        return false;
    }
    for (size_t j = 0; j < TINY_DIM; j++) {
        char *end;
        assert_int_equal(*line, j == 0 ? '[' : ',');
        vector[j] = strtof(line + 1, &end);
        assert_true(end > line + 1);
        line = end;
    }
    assert_string_equal(line, "]");
    return true;
}

/* Runs `command` by the shell, $D being the program and $T the test's folder. */
static void shell(const char *command)
{
    setenv("D", program, 1);
    setenv("T", folder, 1);
    int status = system(command);
    if (status != 0) {
        print_error("%s\n  gave status %d\n", command, status);
        fail();
    }
}

static void bytes_of(const char *name, struct buf *out)
{
    buf_clear(out);
    assert_ok(file_read(at(name), out));
}

/* ---- embed: texts ---- */

static void test_texts_keep_their_order_around_failures(void **state)
{
    (void)state;
    float vector[TINY_DIM], cat[TINY_DIM];
    const char *path = put_lines("t.txt", "dog\n\ncat\r\n \t\n\xff\n红 狗\ncat");
    RUN("embed", "--texts", path);
    assert_status(4);
    assert_int_equal(n_lines(ran.out), 7);
    static const bool good[] = {true, false, true, false, false, true, true};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(out_vector(i, vector), good[i]);
    }
    out_vector(2, cat); /* the carriage return does not count */
    assert_memory_equal(cat, vector, sizeof cat);
    assert_int_equal(n_lines(ran.err), 3);
    assert_non_null(strstr(ran.err, "t.txt:2: the text is empty"));
    assert_non_null(strstr(ran.err, "t.txt:4: "));
    assert_non_null(strstr(ran.err, "t.txt:5: "));
}

static void test_nothing_in_is_nothing_out(void **state)
{
    (void)state;
    RUN("embed", "--texts", "/dev/null");
    assert_status(0);
    assert_string_equal(ran.out, "");
    shell("$D embed --texts /dev/null --format npy >$T/e.npy && "
          "$D embed --texts /dev/null --format f32 >$T/e.f32");
    struct buf bytes;
    buf_init(&bytes, 1 << 12);
    bytes_of("e.npy", &bytes);
    assert_int_equal(bytes.size, NPY_HEAD);
    assert_non_null(strstr(bytes.data + 10, "'shape': (0, 8), }"));
    bytes_of("e.f32", &bytes);
    assert_int_equal(bytes.size, 0);
    buf_release(&bytes);
}

/* The same numbers to the last bit in every form; npy the same through a pipe. */
static void test_the_formats_agree(void **state)
{
    (void)state;
    struct buf f32, npy, piped;
    buf_init(&f32, 1 << 16);
    buf_init(&npy, 1 << 16);
    buf_init(&piped, 1 << 16);
    put_lines("t.txt", "dog\n\ncat\nred car\n");
    shell("cd $T; $D embed --texts t.txt --format f32 >t.f32 2>err; test $? = 4 && "
          "{ $D embed --texts t.txt --format npy >t.npy 2>err; test $? = 4; } && "
          "$D embed --texts t.txt --format npy 2>err | cat >p.npy && "
          "$D embed --texts t.txt --format npy 2>err >>a.npy; cmp a.npy p.npy");
    bytes_of("t.f32", &f32);
    bytes_of("t.npy", &npy);
    bytes_of("p.npy", &piped);
    assert_int_equal(f32.size, 4 * ROW_BYTES);
    assert_int_equal(npy.size, NPY_HEAD + f32.size);
    assert_memory_equal(npy.data + NPY_HEAD, f32.data, f32.size);
    assert_non_null(strstr(npy.data + 10, "'shape': (4, 8), }"));
    assert_int_equal(piped.size, npy.size);
    assert_memory_equal(piped.data, npy.data, npy.size);
    RUN("embed", "--texts", at("t.txt"), "--json");
    for (size_t i = 0; i < 4; i++) {
        float row[TINY_DIM], printed_row[TINY_DIM];
        memcpy(row, f32.data + i * ROW_BYTES, sizeof row);
        if (out_vector(i, printed_row)) {
            assert_memory_equal(printed_row, row, sizeof row);
        } else {
            assert_int_equal(i, 1);
            assert_true(isnan(row[0]) && isnan(row[TINY_DIM - 1]));
        }
    }
    buf_release(&f32);
    buf_release(&npy);
    buf_release(&piped);
}

/* A file into whose middle we write: the head goes where the run began. */
static void test_npy_behind_other_bytes_of_a_file(void **state)
{
    (void)state;
    put_lines("t.txt", "dog\ncat\n");
    shell("cd $T; { printf 0123456789; $D embed --texts t.txt --format npy; "
          "printf end; } >x && $D embed --texts t.txt --format npy >t.npy && "
          "{ printf 0123456789; cat t.npy; printf end; } | cmp - x");
}

static void test_many_texts_on_many_threads_keep_their_order(void **state)
{
    (void)state;
    shell("cd $T; for i in $(seq 120); do "
          "printf 'dog\\ncat and dog\\n\\nred car %s\\n狗\\n' \"$(seq -s ' ' $((i % "
          "9)))\"; "
          "done >t.txt; for n in 1 2 7; do "
          "$D -q embed --texts t.txt --threads $n >$n.out 2>$n.err; test $? = 4 || "
          "exit 1; "
          "done; test $(wc -l <1.out) = 600 && test $(grep -c null 1.out) = 120 && "
          "cmp 1.out 2.out && cmp 1.out 7.out && cmp 1.err 7.err && "
          "sed -n 4p t.txt | $D embed --texts - >a; sed -n 4p 7.out | cmp - a");
}

/* A text is answered although no other has come. */
static void test_a_line_in_a_pipe_is_answered_at_once(void **state)
{
    (void)state;
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        redirect(at("stderr"), STDERR_FILENO);
        close(in[1]);
        close(out[0]);
        execl(program, "duet", "embed", "--texts", "-", NULL);
        _exit(99);
    }
    close(in[0]);
    close(out[1]);
    for (int i = 0; i < 3; i++) {
        char line[4096];
        struct pollfd answer = {.fd = out[0], .events = POLLIN};
        assert_int_equal(write(in[1], "dog\n", 4), 4);
        assert_int_equal(poll(&answer, 1, WAIT_MS), 1);
        ssize_t n = read(out[0], line, sizeof line);
        assert_true(n > 0 && line[0] == '[' && line[n - 1] == '\n');
    }
    close(out[0]); /* whoever reads leaves; no more comes in, and yet it ends */
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(in[1]);
}

static void test_a_reader_that_leaves_ends_it_quietly(void **state)
{
    (void)state;
    shell("cd $T; yes dog | { $D embed --texts - 2>err; echo $? >code; } | head -n 1 "
          ">out; "
          "test $(wc -l <out) = 1 && test \"$(cat code)\" = 0 && test ! -s err");
}

static void test_lines_too_long_are_failed_items(void **state)
{
    (void)state;
    float vector[TINY_DIM], dog[TINY_DIM];
    shell("cd $T; { head -c 300000 /dev/zero | tr '\\0' d; printf '\\ndog\\n'; "
          "head -c 65537 /dev/zero | tr '\\0' d; printf '\\n'; "
          "head -c 65536 /dev/zero | tr '\\0' d; printf '\\ndog'; } >t.txt");
    RUN("embed", "--texts", at("t.txt"));
    assert_status(4);
    assert_int_equal(n_lines(ran.out), 5);
    assert_false(out_vector(0, vector));
    assert_true(out_vector(1, dog));
    assert_false(out_vector(2, vector));
    assert_true(out_vector(3, vector));
    assert_true(out_vector(4, vector));
    assert_memory_equal(dog, vector, sizeof dog);
    assert_non_null(strstr(ran.err, "at most 65536"));
}

static void test_truncated_texts_are_counted(void **state)
{
    (void)state;
    const char *path = put_lines(
        "t.txt", "dog\n"
                 "dog dog dog dog dog dog dog dog dog dog dog dog dog dog dog\n");
    RUN("embed", "--texts", path);
    assert_status(0);
    assert_int_equal(n_lines(ran.err), 1);
    assert_non_null(strstr(ran.err, "1 of 2 texts are longer"));
    RUN("-q", "embed", "--texts", path);
    assert_string_equal(ran.err, "");
}

/* ---- embed: pictures ---- */

static void test_pictures_keep_their_order_around_failures(void **state)
{
    (void)state;
    float a[TINY_DIM], b[TINY_DIM], vector[TINY_DIM];
    put_picture("a.ppm", 1);
    put_picture("b.ppm", 2);
    put_text("bad.jpg", "no picture");
    RUN("embed", "--images", at("pictures/b.ppm"), at("pictures/bad.jpg"),
        at("pictures/a.ppm"), at("gone.png"), at("pictures/b.ppm"), "--threads", "3");
    assert_status(4);
    assert_int_equal(n_lines(ran.out), 5);
    assert_true(out_vector(0, b));
    assert_false(out_vector(1, vector));
    assert_true(out_vector(2, a));
    assert_false(out_vector(3, vector));
    assert_true(out_vector(4, vector));
    assert_memory_equal(vector, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof b);
    assert_int_equal(n_lines(ran.err), 2);
    assert_true(strstr(ran.err, "bad.jpg: ") < strstr(ran.err, "gone.png: "));
    shell("cd $T/pictures; printf 'b.ppm\\n\\na.ppm\\n.\\n' | $D embed --images - "
          ">../out 2>../err; test $? = 4 && test $(grep -c null ../out) = 2 && "
          "$D embed --images b.ppm a.ppm >../two && grep -v null ../out | cmp - ../two "
          "&& "
          "grep -q 'stdin:2: ' ../err && grep -q 'stdin:4: .*not a regular' ../err");
}

static void test_embed_and_add_make_the_same_vectors(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    RUN("add", pictures);
    assert_status(0);
    RUN("embed", "--images", at("pictures/a.ppm"));
    assert_status(0);
    RUN("search", "--image", at("pictures/a.ppm"), "--json");
    struct json_object *hit = json_line(0);
    assert_true(json_object_get_double(json_get(hit, "score")) > 0.99999);
    json_object_put(hit);
}

/* ---- embed: what must fail ---- */

static void test_wrong_command_lines_of_embed(void **state)
{
    (void)state;
    const char *texts = put_lines("t.txt", "dog\n");
    RUN("embed");
    assert_one_error(2, "say what to embed");
    RUN("embed", "--texts", texts, "--images", "x.png");
    assert_one_error(2, "say what to embed");
    RUN("embed", "--texts", texts, "more");
    assert_one_error(2, "what is 'more'");
    RUN("embed", "--images");
    assert_one_error(2, "which pictures");
    RUN("embed", "--images", folder);
    assert_one_error(2, "a folder");
    RUN("embed", "--texts", texts, "--format", "csv");
    assert_one_error(2, "not 'csv'");
    RUN("embed", "--texts", texts, "--format", "npy", "--json");
    assert_one_error(2, "two things");
    RUN("embed", "--texts", at("gone.txt"));
    assert_one_error(3, "gone.txt");
    RUN("embed", "--texts", folder);
    assert_one_error(8, "directory");
    RUN("embed", "--texts", texts, "--url", "http://127.0.0.1:1");
    assert_one_error(2, "not on --url");
    RUN("embed", "--texts", texts, "--decode", "quick");
    assert_one_error(2, "exact or fast");
    RUN("embed", "--texts", texts, "--model", "no-such-model");
    assert_one_error(10, "no-such-model");
}

static void test_numbers_are_not_written_to_a_terminal(void **state)
{
    (void)state;
    const char *texts = put_lines("t.txt", "dog\n");
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    char name[64];
    assert_int_equal(ptsname_r(terminal, name, sizeof name), 0);
    int keep = open(name, O_RDWR | O_NOCTTY); /* else the other end is gone early */
    assert_true(keep >= 0);
    static const char *const formats[] = {"f32", "npy", "jsonl"};
    for (size_t i = 0; i < 3; i++) {
        finish(start((const char *const[]){"embed", "--texts", texts, "--format",
                                           formats[i], NULL},
                     name));
        ran.out[0] = '\0'; /* what there is went to the terminal */
        if (i < 2) {
            assert_one_error(2, "nothing for a terminal");
        } else {
            assert_status(0);
        }
    }
    close(keep);
    close(terminal);
}

static void test_no_place_for_the_temporary_file_is_told(void **state)
{
    (void)state;
    put_lines("t.txt", "dog\n");
    shell("cd $T; TMPDIR=/dev/null/x $D embed --texts t.txt --format npy 2>err | cat "
          ">out; "
          "test ! -s out && grep -q '/dev/null/x' err && "
          "TMPDIR=/dev/null/x $D embed --texts t.txt --format npy >t.npy");
}

static void test_a_full_disk_is_an_error_of_embed(void **state)
{
    (void)state;
    put_lines("t.txt", "dog\n");
    shell("cd $T; for f in jsonl f32 npy; do "
          "$D embed --texts t.txt --format $f >/dev/full 2>err; test $? = 8 && "
          "grep -q 'standard output' err || exit 1; done");
}

/* ---- label ---- */

/* The probabilities of line `i` must fall and add up to `sum`; their number. */
static size_t check_labels(size_t i, double sum)
{
    struct json_object *object = json_line(i);
    struct json_object *list = json_get(object, "labels");
    size_t n = json_object_array_length(list);
    double all = 0, last = 1;
    for (size_t j = 0; j < n; j++) {
        struct json_object *item = json_object_array_get_idx(list, j);
        double p = json_object_get_double(json_get(item, "probability"));
        assert_non_null(json_get(item, "label"));
        assert_true(p <= last && p >= 0);
        last = p;
        all += p;
    }
    assert_true(fabs(all - sum) < 1e-5);
    json_object_put(object);
    return n;
}

static void test_labels_are_printed_best_first(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    put_picture("b.ppm", 2);
    const char *a = at("pictures/a.ppm"), *b = at("pictures/b.ppm");
    RUN("label", a, b, "--labels", "dog, cat ,红车,blue", "--json");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 2);
    assert_int_equal(check_labels(0, 1), 4);
    assert_int_equal(check_labels(1, 1), 4);
    assert_non_null(strstr(ran.out, "\"label\":\"cat\""));
    RUN("label", a, b, "--labels", "dog,cat,blue", "-k", "2");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 6); /* a name and two labels, twice */
    assert_string_equal(out_line(0), a);
    assert_int_equal(strncmp(out_line(1), "  1  ", 5), 0);
    RUN("label", a, "--labels", "dog,cat,blue", "-k", "2");
    assert_int_equal(n_lines(ran.out), 2);
}

static void test_labels_of_a_file_and_templates(void **state)
{
    (void)state;
    static char first[OUTPUT_MAX];
    put_picture("a.ppm", 1);
    const char *a = at("pictures/a.ppm");
    const char *file = put_lines("l.txt", "\xef\xbb\xbf"
                                          "dog\r\n\n cat\nblue");
    RUN("label", a, "--labels-file", file, "--json");
    assert_status(0);
    strcpy(first, ran.out);
    RUN("label", a, "--labels", "dog,cat,blue", "--json");
    assert_string_equal(ran.out, first);
    RUN("label", a, "--labels", "dog,cat,blue", "--json", "--template", "{}");
    assert_status(0);
    assert_string_not_equal(ran.out, first);
    strcpy(first, ran.out);
    RUN("label", a, "--labels", "dog,cat,blue", "--json", "--template", "{}",
        "--template", "red {} and {}");
    assert_string_not_equal(ran.out, first);
}

static void test_a_picture_that_fails_does_not_hinder_the_others(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    const char *a = at("pictures/a.ppm"), *gone = at("gone.ppm");
    RUN("label", gone, a, "--labels", "dog,cat", "--json");
    assert_status(4);
    assert_int_equal(n_lines(ran.out), 1);
    assert_int_equal(n_lines(ran.err), 1);
    RUN("label", gone, "--labels", "dog,cat");
    assert_one_error(3, "gone.ppm");
}

static void test_wrong_command_lines_of_label(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    const char *a = at("pictures/a.ppm");
    RUN("label", "--labels", "dog");
    assert_one_error(2, "duet label IMAGE");
    RUN("label", a);
    assert_one_error(2, "say the labels");
    RUN("label", a, "--labels", "dog", "--labels-file", "x");
    assert_one_error(2, "say the labels");
    RUN("label", a, "--labels", "dog,,cat");
    assert_one_error(2, "label 2 is empty");
    RUN("label", a, "--labels", "dog,cat", "--template", "a photo");
    assert_one_error(2, "no {}");
    RUN("label", a, "--labels", "dog,\xff");
    assert_one_error(2, "label 2");
    RUN("label", a, "--labels-file", at("gone"));
    assert_one_error(3, "gone");
    RUN("label", a, "--labels-file", "/dev/null");
    assert_one_error(2, "not a regular file");
    RUN("label", a, "--labels-file", put_lines("empty.txt", "\n\n"));
    assert_one_error(2, "no labels");
}

/* ---- describe ---- */

static int setup_describe(void **state)
{
    setup(state);
    setenv("XDG_CACHE_HOME", folder, 1);
    setenv("DUET_PHRASES", "db/phrases", 1);
    put_picture("a.ppm", 1);
    return 0;
}

static void test_phrases_of_a_file(void **state)
{
    (void)state;
    static char first[OUTPUT_MAX];
    const char *a = at("pictures/a.ppm");
    const char *file =
        put_lines("p.txt", "# mine\ndog\ncat\nred car\n狗\nblue\ncats\n");
    RUN("describe", "--phrases", file, a);
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 5);
    strcpy(first, ran.out);
    shell(
        "test $(ls $T/duet/*.vectors | wc -l) = 1 && "
        "for f in $T/duet/*.vectors; do printf x | dd of=$f bs=1 seek=100 conv=notrunc "
        "2>/dev/null; done");
    RUN("describe", "--phrases", file, a); /* the harm is seen */
    assert_status(0);
    assert_string_equal(ran.out, first);
    RUN("describe", "--phrases", file, a, a, "-k", "2", "--json");
    assert_int_equal(n_lines(ran.out), 2);
    struct json_object *object = json_line(1);
    assert_string_equal(json_object_get_string(json_get(object, "from")), "phrases");
    assert_int_equal(json_object_array_length(json_get(object, "phrases")), 2);
    json_object_put(object);
}

static void test_our_own_phrases_in_both_languages(void **state)
{
    (void)state;
    static char english[OUTPUT_MAX];
    const char *a = at("pictures/a.ppm");
    RUN("describe", "--lang", "en", a, "--json");
    assert_status(0);
    strcpy(english, ran.out);
    RUN("describe", "--lang", "zh", a, "--json");
    assert_status(0);
    assert_string_not_equal(ran.out, english);
}

static void test_captions_of_the_database_each_once(void **state)
{
    (void)state;
    const char *a = at("pictures/a.ppm");
    static const char *const captions[] = {"dog", "red car", "dog", "dog", "blue cat"};
    for (uint32_t i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u.ppm", i);
        put_picture(name, i + 2);
        snprintf(name, sizeof name, "%u.txt", i);
        put_text(name, captions[i]);
    }
    RUN("add", pictures);
    assert_status(0);
    RUN("describe", a, "-k", "3");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 3);
    assert_non_null(strstr(ran.out, "  dog\n"));
    assert_non_null(strstr(ran.out, "  red car\n"));
    assert_non_null(strstr(ran.out, "  blue cat\n"));
    RUN("describe", a, "--json");
    assert_non_null(strstr(ran.out, "\"from\":\"captions\""));
}

static void test_without_captions_our_own_phrases_stand_in(void **state)
{
    (void)state;
    const char *a = at("pictures/a.ppm");
    RUN("add", pictures);
    assert_status(0);
    RUN("describe", a, "--json");
    assert_status(0);
    assert_non_null(strstr(ran.out, "\"from\":\"phrases\""));
    assert_non_null(strstr(ran.err, "has no captions"));
    unsetenv("DUET_DB"); /* no database is named, and none is there */
    RUN("describe", a, "--json");
    assert_status(0);
    assert_non_null(strstr(ran.out, "\"from\":\"phrases\""));
    assert_string_equal(ran.err, "");
}

static void test_wrong_command_lines_of_describe(void **state)
{
    (void)state;
    const char *a = at("pictures/a.ppm");
    RUN("describe");
    assert_one_error(2, "duet describe IMAGE");
    RUN("describe", a); /* the database that $DUET_DB names is not there */
    assert_one_error(3, "there is no database");
    RUN("describe", a, "--phrases", at("gone.txt"));
    assert_one_error(3, "gone.txt");
    RUN("describe", a, "--lang", "xx");
    assert_one_error(3, "no phrases for 'xx'");
    RUN("describe", a, "--lang", "../en");
    assert_one_error(2, "no language");
    RUN("describe", a, "--lang", "en", "--phrases", "x");
    assert_one_error(2, "--lang chooses");
    RUN("describe", at("gone.ppm"), "--lang", "en");
    assert_one_error(3, "gone.ppm");
}

#define DESCRIBE(name) cmocka_unit_test_setup_teardown(name, setup_describe, teardown)

int main(void)
{
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_texts_keep_their_order_around_failures),
        TEST(test_nothing_in_is_nothing_out),
        TEST(test_the_formats_agree),
        TEST(test_npy_behind_other_bytes_of_a_file),
        TEST(test_many_texts_on_many_threads_keep_their_order),
        TEST(test_a_line_in_a_pipe_is_answered_at_once),
        TEST(test_a_reader_that_leaves_ends_it_quietly),
        TEST(test_lines_too_long_are_failed_items),
        TEST(test_truncated_texts_are_counted),
        TEST(test_pictures_keep_their_order_around_failures),
        TEST(test_embed_and_add_make_the_same_vectors),
        TEST(test_wrong_command_lines_of_embed),
        TEST(test_numbers_are_not_written_to_a_terminal),
        TEST(test_no_place_for_the_temporary_file_is_told),
        TEST(test_a_full_disk_is_an_error_of_embed),
        TEST(test_labels_are_printed_best_first),
        TEST(test_labels_of_a_file_and_templates),
        TEST(test_a_picture_that_fails_does_not_hinder_the_others),
        TEST(test_wrong_command_lines_of_label),
        DESCRIBE(test_phrases_of_a_file),
        DESCRIBE(test_our_own_phrases_in_both_languages),
        DESCRIBE(test_captions_of_the_database_each_once),
        DESCRIBE(test_without_captions_our_own_phrases_stand_in),
        DESCRIBE(test_wrong_command_lines_of_describe),
    };
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
