/*
 * csv_test.c - `duet import` of CSV files by the real program: payloads of points that
 * are there, pictures and texts that are not, values of each kind, rows that are wrong;
 * and what `duet export` writes, read in again.
 */
#include "tests/integration/program.h"

#include "base/file.h"

static void write_csv(const char *text)
{
    FILE *file = fopen(at("a.csv"), "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Imports the text as a file; so many rows get in, so many do not. */
static void import_text(const char *text, size_t n_imported, size_t n_failed)
{
    char said[64];
    write_csv(text);
    RUN("import", at("a.csv"));
    assert_status(n_failed > 0 ? 4 : 0);
    snprintf(said, sizeof said, "%zu imported, %zu failed\n", n_imported, n_failed);
    assert_string_equal(ran.out, said);
    assert_int_equal(n_lines(ran.err), n_failed);
}

static struct json_object *payload_of(const char *id)
{
    RUN("get", "--json", id);
    assert_status(0);
    struct json_object *line = json_line(0);
    struct json_object *payload = json_object_get(json_get(line, "payload"));
    json_object_put(line);
    return payload;
}

static void assert_payload(const char *id, const char *expected)
{
    struct json_object *payload = payload_of(id);
    struct json_object *wanted;
    assert_ok(json_parse(&wanted, expected, strlen(expected)));
    if (!json_object_equal(payload, wanted)) {
        print_error("%s is not %s\n", json_text(payload), expected);
        fail();
    }
    json_object_put(payload);
    json_object_put(wanted);
}

/* Points 1 to 3 of texts. */
static void fill(void)
{
    struct duet *db;
    struct duet_options o = {.path = database, .write = true, .create = true};
    assert_ok(duet_open(&db, &o));
    assert_ok(duet_collection_create(db, "default", NULL, 0));
    for (uint64_t i = 1; i <= 3; i++) {
        struct duet_named_input input = {NULL, duet_input_text("dog")};
        struct duet_point_input point = {.id = {.number = i},
                                         .payload = "{\"old\":true}",
                                         .n_payload = 12,
                                         .vectors = &input,
                                         .n_vectors = 1};
        assert_ok(duet_upsert(db, "default", &point, 1));
    }
    duet_close(db);
}

static void test_payloads_of_points_are_changed(void **state)
{
    (void)state;
    fill();
    import_text("id,title,price.eur,price.usd\n"
                "1,\"a \"\"red\"\" dog, small\",19.90,22\n"
                "2,\"two\nlines\",,\n"
                "3,\"\",1,\n",
                3, 0);
    assert_payload("1", "{\"old\":true,\"title\":\"a \\\"red\\\" dog, small\","
                        "\"price\":{\"eur\":19.90,\"usd\":22}}");
    assert_payload("2", "{\"old\":true,\"title\":\"two\\nlines\"}");
    assert_payload("3", "{\"old\":true,\"title\":\"\",\"price\":{\"eur\":1}}");
    RUN("stats", "--json");
    assert_non_null(strstr(ran.out, "\"vectors\":3"));
}

static void test_values_are_what_they_look_like(void **state)
{
    (void)state;
    fill();
    import_text(
        "id,a,b,c,d,e,f,g,h,i\n"
        "1,007,-1.5e3,true,null,True,+1,18446744073709551616,1e999, x \n"
        "2,18446744073709551615,-0,false,\"[1,\"\"a\"\"]\",\"{\"\"k\"\":1}\",[1,"
        "NaN,-,\"12\"\n",
        2, 0);
    assert_payload("1", "{\"old\":true,\"a\":\"007\",\"b\":-1.5e3,\"c\":true,"
                        "\"e\":\"True\",\"f\":\"+1\",\"g\":\"18446744073709551616\","
                        "\"h\":\"1e999\",\"i\":\" x \"}");
    assert_payload("2", "{\"old\":true,\"a\":18446744073709551615,\"b\":-0,\"c\":false,"
                        "\"d\":[1,\"a\"],\"e\":{\"k\":1},\"f\":\"[1\",\"g\":\"NaN\","
                        "\"h\":\"-\",\"i\":12}");
    write_csv("id,a,b\n3,12,true\n");
    RUN("import", "--strings", at("a.csv"));
    assert_status(0);
    assert_payload("3", "{\"old\":true,\"a\":\"12\",\"b\":\"true\"}");
    import_text("id,a,old\n3,null,null\n", 1, 0); /* takes the members away */
    assert_payload("3", "{\"b\":\"true\"}");
}

static void test_pictures_and_texts_are_added(void **state)
{
    (void)state;
    picture_write(at("dog.ppm"), 1);
    picture_write(at("cat.ppm"), 2);
    import_text("image,text,id,price\r\n"
                "dog.ppm,a red dog,7,5\r\n"
                "cat.ppm,,,6\r\n"
                ",a blue car,9,8\r\n",
                3, 0);
    RUN("stats", "--json");
    assert_int_equal(printed("points"), 3);
    struct json_object *payload = payload_of("7");
    assert_string_equal(json_object_get_string(json_get(payload, "text")), "a red dog");
    assert_string_equal(json_object_get_string(json_get(payload, "file")), "dog.ppm");
    assert_int_equal(json_long(payload, "price"), 5);
    json_object_put(payload);
    assert_payload("9", "{\"text\":\"a blue car\",\"price\":8}");
    RUN("search", "--json", "--in", "text", "a blue car");
    assert_int_equal(printed("id"), 9);
    /* By its path a picture that is there is found, and not made again. */
    import_text("path,price\ncat.ppm,16\n", 1, 0);
    RUN("ls", "--json", "--filter",
        "{\"must\": {\"key\": \"price\", \"match\": {\"value\": 16}}}");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 1);
    assert_non_null(strstr(ran.out, "cat.ppm"));
    /* A caption that changes makes another vector. */
    import_text("id,text\n7,blue cats\n", 1, 0);
    RUN("search", "--json", "--in", "text", "blue cats");
    assert_int_equal(printed("id"), 7);
    RUN("verify");
    assert_status(0);
}

static void test_bad_rows_cost_the_others_nothing(void **state)
{
    (void)state;
    fill();
    picture_write(at("dog.ppm"), 1);
    write_csv("id,path,text,a.b,n\n"
              "1,,,1,\"two\nlines\"\n"
              "x,,,2,\n"      /* 4: no id */
              "1,,,3,4,5,6\n" /* 5: too many fields */
              ",,,7,\n"       /* 6: neither id nor path */
              "\n"
              "8,,,8,\n"          /* 8: not there */
              ",none.ppm,,9,\n"   /* 9: no such file */
              "2,,,10,\"\xff\"\n" /* 10: not UTF-8 */
              ",a.csv,,11,\n"     /* 11: no picture */
              ",dog.ppm,,12,\n"
              "3,,   ,13,\n" /* 13: a text of nothing */
              "3,,,14\n");
    RUN("import", at("a.csv"));
    assert_status(4);
    assert_string_equal(ran.out, "3 imported, 8 failed\n");
    static const char *const lines[] = {"4", "5", "6", "8", "9", "10", "11", "13"};
    for (size_t i = 0; i < 8; i++) {
        char where[32];
        snprintf(where, sizeof where, "/a.csv:%s: ", lines[i]);
        if (strstr(ran.err, where) == NULL) {
            print_error("'%s' is not in: %s", where, ran.err);
            fail();
        }
    }
    assert_int_equal(n_lines(ran.err), 8);
    assert_payload("1", "{\"old\":true,\"a\":{\"b\":1},\"n\":\"two\\nlines\"}");
    assert_payload("3", "{\"old\":true,\"a\":{\"b\":14}}");
    RUN("stats", "--json");
    assert_int_equal(printed("points"), 4);
}

static void assert_refused(const char *text, int status, const char *words)
{
    write_csv(text);
    RUN("import", at("a.csv"));
    assert_one_error(status, words);
}

static void test_files_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    fill();
    assert_refused("title,price\na,1\n", 2, "no column id, path or image");
    assert_refused("id,a,a\n1,2,3\n", 2, "two columns are called 'a'");
    assert_refused("id,a,a.b\n1,2,3\n", 2, "inside the column 'a'");
    assert_refused("id,,b\n1,2,3\n", 2, "column 2 has no name");
    assert_refused("id,a\n1,\"2\n", 2, "line 2 ends within quotes");
    assert_payload("1", "{\"old\":true}");
    import_text("", 0, 0);
}

static void test_semicolons_and_marks_are_understood(void **state)
{
    (void)state;
    fill();
    import_text("\xef\xbb\xbfid;a\n1;\"x;y\"\n2;1,5\n", 2, 0);
    assert_payload("1", "{\"old\":true,\"a\":\"x;y\"}");
    assert_payload("2", "{\"old\":true,\"a\":\"1,5\"}");
    import_text("id\ta\n3\tx,y\n", 1, 0);
    assert_payload("3", "{\"old\":true,\"a\":\"x,y\"}");
}

static void test_many_rows_go_in_groups(void **state)
{
    (void)state;
    enum { N = 1000 };
    static char text[N * 32];
    size_t n = (size_t)snprintf(text, sizeof text, "id,text,n\n");
    for (size_t i = 1; i <= N; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%zu,dog,%zu\n", i,
                              i == 500 ? (size_t)0 : i);
    }
    import_text(text, N, 0);
    assert_payload("500", "{\"text\":\"dog\",\"n\":0}");
    RUN("stats", "--json");
    assert_int_equal(printed("points"), N);
}

static void test_what_goes_out_comes_in_again(void **state)
{
    (void)state;
    static char first[OUTPUT_MAX];
    fill();
    picture_write(at("dog.ppm"), 1);
    import_text("id,image,text,price.eur,tags,odd.,on\n"
                "1,,,1.50,\"[\"\"a\"\",\"\"b\"\"]\",x,true\n"
                ",dog.ppm,a dog,2,,\"y, z\",\n",
                2, 0);
    RUN("export", "--format", "csv");
    assert_status(0);
    strcpy(first, ran.out);
    assert_non_null(strstr(first, "price.eur"));
    assert_int_equal(rename(at("stdout"), at("b.csv")), 0);
    RUN("import", at("b.csv"));
    assert_status(0);
    RUN("export", "--format", "csv");
    assert_status(0);
    assert_string_equal(ran.out, first);
    RUN("export", "--format", "csv", "--keys", "price.eur,odd.");
    assert_status(0);
    assert_int_equal(strncmp(ran.out, "id,price.eur,odd.\n1,1.50,x\n", 27), 0);
}

int main(void)
{
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_payloads_of_points_are_changed),
        TEST(test_values_are_what_they_look_like),
        TEST(test_pictures_and_texts_are_added),
        TEST(test_bad_rows_cost_the_others_nothing),
        TEST(test_files_that_make_no_sense_are_refused),
        TEST(test_semicolons_and_marks_are_understood),
        TEST(test_many_rows_go_in_groups),
        TEST(test_what_goes_out_comes_in_again),
    };
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
