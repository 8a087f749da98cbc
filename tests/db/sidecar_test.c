/*
 * sidecar_test.c - db/sidecar.h.
 */
#include "tests/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "db/sidecar.h"

static void parse_text(struct sidecar *notes, const char *text)
{
    assert_ok(sidecar_parse_text(notes, text, strlen(text)));
}

static void parse_json(struct sidecar *notes, const char *text)
{
    assert_ok(sidecar_parse_json(notes, text, strlen(text)));
}

static void test_the_first_line_that_is_not_empty_is_the_caption(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_text(&notes, "\n  \t\r\n  A brown dog. \r\nIt is called Rex.\n");
    assert_string_equal(notes.text, "A brown dog.");
    assert_null(notes.captions);
    assert_true(notes.hash != 0);
    sidecar_release(&notes);
}

static void test_translations_are_read_as_stamps_have_them(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_text(&notes, "A dog.\nde.utf8=Ein Hund.\nzh_CN.utf8=一只狗。\n"
                       "ca@valencia.utf8=Un gos.\nempty.utf8=\n");
    const char *text = NULL;
    assert_string_equal(notes.text, "A dog.");
    assert_int_equal(json_object_object_length(notes.captions), 3);
    assert_ok(json_get_string(notes.captions, "zh_CN", &text));
    assert_string_equal(text, "一只狗。");
    assert_ok(json_get_string(notes.captions, "ca@valencia", &text));
    assert_string_equal(text, "Un gos.");
    sidecar_release(&notes);
}

static void test_a_translation_alone_is_no_caption(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_text(&notes, "de.utf8=Ein Hund.");
    assert_null(notes.text);
    assert_int_equal(json_object_object_length(notes.captions), 1);
    sidecar_release(&notes);
}

static void test_a_caption_may_hold_the_mark_of_translations(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_text(&notes, "The file x y.utf8=1");
    assert_string_equal(notes.text, "The file x y.utf8=1");
    sidecar_release(&notes);
}

static void test_a_byte_order_mark_is_no_part_of_the_caption(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_text(&notes, "\xef\xbb\xbf"
                       "A dog.");
    assert_string_equal(notes.text, "A dog.");
    sidecar_release(&notes);
}

static void test_an_empty_file_has_no_caption_but_is_there(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_text(&notes, "");
    assert_null(notes.text);
    assert_true(notes.hash != 0);
    sidecar_release(&notes);
}

static void test_text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    struct sidecar notes;
    assert_err(sidecar_parse_text(&notes, "A d\xf6g.", 6), ERR_INVALID);
    assert_null(notes.text);
    assert_err(sidecar_parse_text(&notes, "a\0b", 3), ERR_INVALID);
}

static void test_json_gives_caption_translations_and_payload(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_json(&notes, "{\"text\": \" A dog. \", \"captions\": {\"de\": \"Hund\"},"
                       " \"payload\": {\"price\": 5}, \"other\": []}");
    assert_string_equal(notes.text, "A dog.");
    assert_int_equal(json_object_object_length(notes.captions), 1);
    assert_int_equal(json_object_get_int(json_get(notes.payload, "price")), 5);
    sidecar_release(&notes);
}

static void test_caption_and_title_stand_in_for_text(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_json(&notes, "{\"title\": \"t\", \"caption\": \"c\", \"text\": \"\"}");
    assert_string_equal(notes.text, "c");
    sidecar_release(&notes);
    parse_json(&notes, "{\"title\": \"t\", \"caption\": 7}");
    assert_string_equal(notes.text, "t");
    sidecar_release(&notes);
}

static void test_json_that_is_no_object_says_nothing(void **state)
{
    (void)state;
    struct sidecar notes;
    parse_json(&notes, "[1, 2]");
    assert_null(notes.text);
    assert_null(notes.payload);
    sidecar_release(&notes);
}

static void test_json_of_a_wrong_form_is_refused(void **state)
{
    (void)state;
    struct sidecar notes;
    assert_err(sidecar_parse_json(&notes, "{\"text\":", 8), ERR_INVALID);
    const char *text = "{\"text\": \"a\", \"payload\": 5}";
    assert_err(sidecar_parse_json(&notes, text, strlen(text)), ERR_INVALID);
    assert_null(notes.text);
    assert_true(notes.hash == 0);
}

static void test_other_bytes_have_another_hash(void **state)
{
    (void)state;
    struct sidecar a, b, c;
    parse_text(&a, "A dog.");
    parse_text(&b, "A dog!");
    parse_text(&c, "A dog.");
    assert_true(a.hash != b.hash);
    assert_true(a.hash == c.hash);
    sidecar_release(&a);
    sidecar_release(&b);
    sidecar_release(&c);
}

static void test_no_memory_is_an_error_wherever_it_happens(void **state)
{
    (void)state;
    struct sidecar notes;
    static const char text[] = "A dog.\nde.utf8=Ein Hund.\n";
    enum err result = ERR_NOMEM;
    long n = 0;
    for (; result != ERR_OK && n < 100; n++) {
        alloc_fail_after(n);
        result = sidecar_parse_text(&notes, text, strlen(text));
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
    }
    assert_in_range(n, 2, 99);
    sidecar_release(&notes);
}

/* ---- Files ---- */

static char folder[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/duet-sidecar-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char *at(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    assert_ok(file_write(at(name), text, strlen(text)));
}

static void test_the_file_beside_the_picture_is_read_json_before_text(void **state)
{
    (void)state;
    struct sidecar notes;
    assert_ok(sidecar_read(&notes, at("my.dog.jpg")));
    assert_null(notes.text);
    assert_true(notes.hash == 0);
    put("my.dog.txt", "from text");
    put("my.txt", "of another");
    assert_ok(sidecar_read(&notes, at("my.dog.jpg")));
    assert_string_equal(notes.text, "from text");
    sidecar_release(&notes);
    put("my.dog.json", "{\"text\": \"from json\"}");
    assert_ok(sidecar_read(&notes, at("my.dog.jpg")));
    assert_string_equal(notes.text, "from json");
    sidecar_release(&notes);
}

static void test_a_bad_file_is_named(void **state)
{
    (void)state;
    struct sidecar notes;
    put("dog.json", "{");
    assert_err(sidecar_read(&notes, at("dog.jpg")), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "dog.json"));
}

static void test_a_file_too_large_is_refused(void **state)
{
    (void)state;
    struct sidecar notes;
    put("dog.txt", "x");
    assert_int_equal(truncate(at("dog.txt"), LIMIT_PAYLOAD_BYTES + 1), 0);
    assert_err(sidecar_read(&notes, at("dog.jpg")), ERR_LIMIT);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_line_that_is_not_empty_is_the_caption),
        cmocka_unit_test(test_translations_are_read_as_stamps_have_them),
        cmocka_unit_test(test_a_translation_alone_is_no_caption),
        cmocka_unit_test(test_a_caption_may_hold_the_mark_of_translations),
        cmocka_unit_test(test_a_byte_order_mark_is_no_part_of_the_caption),
        cmocka_unit_test(test_an_empty_file_has_no_caption_but_is_there),
        cmocka_unit_test(test_text_that_is_not_utf8_is_refused),
        cmocka_unit_test(test_json_gives_caption_translations_and_payload),
        cmocka_unit_test(test_caption_and_title_stand_in_for_text),
        cmocka_unit_test(test_json_that_is_no_object_says_nothing),
        cmocka_unit_test(test_json_of_a_wrong_form_is_refused),
        cmocka_unit_test(test_other_bytes_have_another_hash),
        cmocka_unit_test(test_no_memory_is_an_error_wherever_it_happens),
        FILE_TEST(test_the_file_beside_the_picture_is_read_json_before_text),
        FILE_TEST(test_a_bad_file_is_named),
        FILE_TEST(test_a_file_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
