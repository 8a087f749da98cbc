/*
 * api_embeddings_test.c - POST /v1/embeddings: OpenAI's words in and out.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

static void embed(int status, const char *body, const char *words)
{
    ask("POST", "/v1/embeddings", body);
    assert_answer(status, words);
}

static void test_a_text_becomes_a_vector(void **state)
{
    (void)state;
    embed(200, "{\"input\": \"a dog\", \"model\": \"default\"}",
          "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,"
          "\"embedding\":[1,0]}],\"model\":\"tiny\",\"usage\":{\"prompt_tokens\":5,"
          "\"total_tokens\":5}}");
    embed(200, "{\"input\": [\"a\", \"bc\"], \"model\": \"tiny\", \"user\": \"u\"}",
          "\"index\":1,\"embedding\":[1,0]}],\"model\":\"tiny\",\"usage\":"
          "{\"prompt_tokens\":3");
    assert_null(strstr(answer.text, "truncated"));
}

static void test_pictures_are_taken_too(void **state)
{
    (void)state;
    embed(200, "{\"input\": \"data:image/png;base64,QUJD\"}",
          "\"embedding\":[0,1]}],\"model\":\"tiny\",\"usage\":{\"prompt_tokens\":0");
    embed(200, "{\"input\": [{\"image\": \"QUJD\"}, {\"text\": \"a\"}, \"b\"]}",
          "\"index\":2");
    embed(400, "{\"input\": \"data:image/png;base64,QU!D\"}", "input: not base64");
    embed(400, "{\"input\": [\"a\", \"data:image/png,QUJD\"]}", "input[1]: ");
}

static void test_vectors_come_as_base64_where_asked(void **state)
{
    (void)state;
    embed(200, "{\"input\": \"a\", \"encoding_format\": \"base64\"}",
          "\"embedding\":\"AACAPwAAAAA=\""); /* 1.0f, 0.0f */
    embed(200, "{\"input\": \"a\", \"encoding_format\": \"float\", \"dimensions\": 2}",
          "[1,0]");
    embed(400, "{\"input\": \"a\", \"encoding_format\": \"hex\"}", "encoding_format: ");
}

static void test_a_text_that_was_cut_says_so(void **state)
{
    (void)state;
    embed(200, "{\"input\": [\"short\", \"this one is long\"]}",
          "\"index\":1,\"embedding\":[1,0],\"duet\":{\"truncated\":true}}");
}

static void test_what_is_refused_says_why_in_openais_envelope(void **state)
{
    (void)state;
    embed(
        400, "{\"input\": [1, 2, 3]}",
        "{\"error\":{\"message\":\"input[0]: must be a text; arrays of tokens are not");
    assert_answer(400,
                  "\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
    embed(400, "{\"input\": [[1, 2], [3]]}", "input[0]: must be a text");
    embed(400, "{\"input\": 1}", "input: must be a text");
    embed(400, "{\"input\": []}", "input: is empty");
    embed(400, "{\"input\": [\"\"]}", "input[0]: is empty");
    embed(400, "{}", "input: is missing");
    embed(400, "{\"input\": [null]}", "input[0]: is missing");
    embed(400, "{\"input\": \"a\", \"dimensions\": 256}",
          "dimensions: the model's vectors have 2 numbers");
    embed(404, "{\"input\": \"a\", \"model\": \"text-embedding-3-small\"}",
          "say \\\"default\\\" or \\\"tiny\\\"");
    embed(400, "{\"input\": \"a\", \"what\": 1}", "what: is not known");
    embed(400, "{\"input\": ", "{\"error\":{\"message\":\"the body: not JSON");
    fake.fail = ERR_BUSY;
    embed(503, "{\"input\": \"a\"}", "\"type\":\"server_error\"");
}

static void test_inputs_have_a_limit(void **state)
{
    (void)state;
    static char body[LIMIT_EMBED_INPUTS * 4 + 64];
    size_t n = (size_t)snprintf(body, sizeof body, "{\"input\":[");
    for (int i = 0; i <= LIMIT_EMBED_INPUTS; i++) {
        n += (size_t)snprintf(body + n, sizeof body - n, "\"a\"%s",
                              i < LIMIT_EMBED_INPUTS ? "," : "]}");
    }
    embed(400, body, "input: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_text_becomes_a_vector, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_pictures_are_taken_too, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_vectors_come_as_base64_where_asked,
                                        ask_begin, ask_end),
        cmocka_unit_test_setup_teardown(test_a_text_that_was_cut_says_so, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(
            test_what_is_refused_says_why_in_openais_envelope, ask_begin, ask_end),
        cmocka_unit_test_setup_teardown(test_inputs_have_a_limit, ask_begin, ask_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
