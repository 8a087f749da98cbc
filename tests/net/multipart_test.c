/*
 * multipart_test.c - net/multipart.h: forms as clients send them, and those that are
 * none.
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "net/multipart.h"

#define TYPE "multipart/form-data; boundary=xyz"
#define PART(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"

static struct multipart form;
static struct multipart_part part;

static void begin(const char *type, const char *body)
{
    assert_ok(multipart_begin(&form, type, body, strlen(body)));
}

static void next(const char *name, const char *bytes)
{
    bool more;
    assert_ok(multipart_next(&form, &part, &more));
    assert_true(more);
    assert_string_equal(part.name, name);
    assert_int_equal(part.n, strlen(bytes));
    assert_memory_equal(part.bytes, bytes, part.n);
}

static void end(void)
{
    bool more;
    assert_ok(multipart_next(&form, &part, &more));
    assert_false(more);
    assert_ok(multipart_next(&form, &part, &more)); /* it stays at the end */
    assert_false(more);
}

static void test_a_form_is_read_part_by_part(void **state)
{
    (void)state;
    begin(TYPE, "--xyz\r\n" PART("a") "\r\none\r\n"
                                      "--xyz\r\nContent-Type: image/png\r\n"
                                      "content-disposition: form-data; name=\"f\"; "
                                      "filename=\"d\\\"og.png\"\r\n"
                                      "\r\n\r\n--xy\r\nbytes\r\n"
                                      "--xyz \t\r\n" PART(
                                          "empty") "\r\n\r\n--xyz--\r\nnobody's");
    next("a", "one");
    assert_string_equal(part.filename, "");
    assert_string_equal(part.type, "");
    next("f", "\r\n--xy\r\nbytes");
    assert_string_equal(part.filename, "d\"og.png");
    assert_string_equal(part.type, "image/png");
    next("empty", "");
    end();
}

static void test_what_stands_before_the_first_part_is_skipped(void **state)
{
    (void)state;
    begin("Multipart/Form-Data; charset=utf-8; boundary=\"x y(z)\"",
          "a preamble\r\n--x y(z)\r\n" PART("a") "\r\n1\r\n--x y(z)--");
    next("a", "1");
    end();
}

static void test_a_form_without_parts_is_one(void **state)
{
    (void)state;
    begin(TYPE, "--xyz--\r\n");
    end();
}

static void test_other_types_are_refused(void **state)
{
    (void)state;
    static const char *const types[] = {
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a<b",
        "multipart/form-data; boundary=\"a\r\nb\"",
        "multipart/form-data, boundary=xyz",
        "multipart/form-dataset; boundary=xyz",
        "multipart/form-data; boundary=1234567890123456789012345678901234567890"
        "1234567890123456789012345678901",
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_err(multipart_begin(&form, types[i], "--xyz--", 7), ERR_INVALID);
    }
    assert_err(multipart_begin(&form, NULL, "--xyz--", 7), ERR_INVALID);
    assert_err(multipart_begin(&form, TYPE, "", 0), ERR_INVALID);
    assert_err(multipart_begin(&form, TYPE, "--zyx--", 7), ERR_INVALID);
    assert_err(multipart_begin(&form, TYPE, "--xyz", 5), ERR_INVALID);
    assert_err(multipart_begin(&form, TYPE, "--xyzz\r\n", 8), ERR_INVALID);
}

static void test_parts_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "--xyz\r\n",
        "--xyz\r\n" PART("a"),
        "--xyz\r\n" PART("a") "\r\nnever ends",
        "--xyz\r\n" PART("a") "\r\nnever ends\r\n--xy",
        "--xyz\r\n\r\nno name\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nx\r\n--xyz--",
        "--xyz\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--xyz--",
        "--xyz\r\n" PART("\xff") "\r\nx\r\n--xyz--",
        "--xyz\r\nno colon\r\n\r\nx\r\n--xyz--",
        "--xyz\r\n" PART("a") "\r\nx\r\n--xyz!\r\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        bool more;
        begin(TYPE, bodies[i]);
        enum err result = multipart_next(&form, &part, &more);
        if (result != ERR_INVALID) {
            print_error("taken: %s\n", bodies[i]);
        }
        assert_err(result, ERR_INVALID);
    }
}

static void test_transfer_encodings_are_not_guessed_at(void **state)
{
    (void)state;
    bool more;
    begin(TYPE, "--xyz\r\n" PART("a") "Content-Transfer-Encoding: base64\r\n\r\n"
                                      "eA==\r\n--xyz--");
    assert_err(multipart_next(&form, &part, &more), ERR_UNSUPPORTED);
    begin(TYPE, "--xyz\r\n" PART("a") "Content-Transfer-Encoding: BINARY\r\n\r\n"
                                      "x\r\n--xyz--");
    next("a", "x");
}

static void test_headers_and_parts_have_a_limit(void **state)
{
    (void)state;
    static char body[LIMIT_FORM_PARTS * 64 + 64 * 1024];
    bool more;
    size_t n = (size_t)snprintf(body, sizeof body, "--xyz\r\n");
    for (int i = 0; i < 400; i++) {
        n += (size_t)snprintf(body + n, sizeof body - n, "X-%03d: aaaaaaaaaaaaaa\r\n",
                              i);
    }
    snprintf(body + n, sizeof body - n, PART("a") "\r\nx\r\n--xyz--");
    begin(TYPE, body);
    assert_err(multipart_next(&form, &part, &more), ERR_LIMIT);
    n = (size_t)snprintf(body, sizeof body, "--xyz\r\n");
    for (int i = 0; i <= LIMIT_FORM_PARTS; i++) {
        n += (size_t)snprintf(body + n, sizeof body - n, PART("a") "\r\n\r\n--xyz\r\n");
    }
    begin(TYPE, body);
    for (int i = 0; i < LIMIT_FORM_PARTS; i++) {
        next("a", "");
    }
    assert_err(multipart_next(&form, &part, &more), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_form_is_read_part_by_part),
        cmocka_unit_test(test_what_stands_before_the_first_part_is_skipped),
        cmocka_unit_test(test_a_form_without_parts_is_one),
        cmocka_unit_test(test_other_types_are_refused),
        cmocka_unit_test(test_parts_that_are_none_are_refused),
        cmocka_unit_test(test_transfer_encodings_are_not_guessed_at),
        cmocka_unit_test(test_headers_and_parts_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
