/*
 * serve_test.c - `duet serve` as its owner sees it: settings from three places, HTTPS,
 * signals, systemd.
 */
#include "tests/integration/program_server.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/net/certificate.h"

static void write_config(const char *text)
{
    assert_ok(file_write(at("duet.conf"), text, strlen(text)));
}

/* The line of --print-config for `name`; "" where there is none. */
static const char *config_line(const char *name)
{
    static char line[1024];
    size_t n = strlen(name);
    for (const char *p = ran.out; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n') {
        if (strncmp(p, name, n) == 0 && p[n] == ' ') {
            snprintf(line, sizeof line, "%.*s", (int)strcspn(p, "\n"), p);
            return line;
        }
    }
    return "";
}

static void assert_setting(const char *name, const char *value, const char *origin)
{
    char start_of[256];
    const char *line = config_line(name);
    snprintf(start_of, sizeof start_of, "%s = %s ", name, value);
    if (strncmp(line, start_of, strlen(start_of)) != 0 ||
        strstr(line, origin) == NULL) {
        fail_msg("'%s' is not %s from %s; in\n%s", line, value, origin, ran.out);
    }
}

/* ---- Settings --------------------------------------------------------------------- */

static void test_what_is_not_said_has_its_default(void **state)
{
    (void)state;
    RUN("serve", "--print-config");
    assert_status(0);
    assert_setting("listen", "127.0.0.1:6333", "# default");
    assert_setting("max-body", "67108864", "# default");
    assert_setting("grace", "30", "# default");
    assert_setting("insecure", "false", "# default");
    assert_setting("db", database, "# $DUET_DB");
    assert_non_null(strstr(ran.out, "# tls-cert ="));
}

static void test_the_command_comes_before_environment_and_file(void **state)
{
    (void)state;
    write_config("# a comment\n"
                 "listen = 127.0.0.1:1\n"
                 "grace=11   # seconds\n"
                 "  log\t=  json\r\n"
                 "max-body = 2M\n"
                 "log-file = \"/var/log/du et # 1.log\"  # quoted\n"
                 "access-log = yes\n"
                 "db = /from/file\n"
                 "\n");
    setenv("DUET_LISTEN", "127.0.0.1:2", 1);
    setenv("DUET_GRACE", "12", 1);
    setenv("DUET_ACCESS_LOG", "off", 1);
    setenv("DUET_MAX_BODY", "", 1); /* as if it were not there */
    RUN("serve", "--print-config", "--config", at("duet.conf"), "--listen",
        "127.0.0.1:3");
    assert_status(0);
    assert_setting("listen", "127.0.0.1:3", "# --listen");
    assert_setting("grace", "12", "# $DUET_GRACE");
    assert_setting("access-log", "false", "# $DUET_ACCESS_LOG");
    assert_setting("log", "json", "duet.conf:4");
    assert_setting("max-body", "2097152", "duet.conf:5");
    assert_setting("log-file", "\"/var/log/du et # 1.log\"", "duet.conf:6");
    assert_setting("db", database, "# $DUET_DB");
    unsetenv("DUET_DB");
    setenv("DUET_CONFIG", at("duet.conf"), 1);
    RUN("serve", "--print-config");
    assert_setting("db", "/from/file", "duet.conf:8");
    unsetenv("DUET_CONFIG");
    unsetenv("DUET_LISTEN");
    unsetenv("DUET_GRACE");
    unsetenv("DUET_ACCESS_LOG");
    unsetenv("DUET_MAX_BODY");
}

/* What is printed is a file that says the same. */
static void test_the_printed_settings_can_be_read_again(void **state)
{
    (void)state;
    static char printed_text[OUTPUT_MAX];
    RUN("serve", "--print-config", "--log-file", "a # b", "--threads", "3",
        "--allow-image-urls", "a.example, *.b.example");
    assert_status(0);
    snprintf(printed_text, sizeof printed_text, "%s", ran.out);
    write_config(printed_text);
    RUN("serve", "--print-config", "--config", at("duet.conf"));
    assert_status(0);
    assert_setting("log-file", "\"a # b\"", "duet.conf:");
    assert_setting("threads", "3", "duet.conf:");
    assert_setting("allow-image-urls", "\"a.example, *.b.example\"", "duet.conf:");
}

static void test_wrong_settings_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"listen = 127.0.0.1:1\nlisen = x\n",
         "duet.conf:2: there is no setting 'lisen'; "
         "did you mean 'listen'?"},
        {"threads = many\n", "duet.conf:1: threads wants a number from 1 to"},
        {"threads = 0\n", "duet.conf:1: threads wants a number from 1 to"},
        {"max-body = 64X\n", "duet.conf:1: max-body wants a number of bytes"},
        {"max-body = 99999999999G\n", "duet.conf:1: max-body wants a number of bytes"},
        {"insecure = maybe\n", "duet.conf:1: insecure wants true or false"},
        {"\n\nlisten\n", "duet.conf:3: 'listen' is not KEY = VALUE"},
        {"listen =\n", "duet.conf:1: listen is empty"},
        {"listen = \"a\n", "duet.conf:1: listen: the quotes are not closed"},
        {"listen = \"a\" b\n", "duet.conf:1: listen: the quotes are not closed"},
        {"grace = 1\ngrace = 2\n", "duet.conf:2: grace is set in line 1 already"},
        {"config = x\n", "duet.conf:1: there is no setting 'config'"},
        {"log = xml\n", "--log wants text or json, not 'xml'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_config(cases[i].text);
        RUN("serve", "--config", at("duet.conf"));
        assert_true(ran.status != 0);
        assert_one_error(ran.status, cases[i].words);
    }
    RUN("serve", "--config", at("nowhere.conf"));
    assert_one_error(3, "nowhere.conf");
    setenv("DUET_THREADS", "x", 1);
    RUN("serve");
    assert_one_error(2, "DUET_THREADS wants a number");
    unsetenv("DUET_THREADS");
    assert_ok(file_write(at("duet.conf"), "a\0b", 3));
    RUN("serve", "--config", at("duet.conf"));
    assert_one_error(2, "this is no text");
}

static void test_a_wrong_line_is_refused_though_the_command_says_better(void **state)
{
    (void)state;
    write_config("threads = many\n");
    RUN("serve", "--print-config", "--config", at("duet.conf"), "--threads", "2");
    assert_one_error(2, "duet.conf:1: threads wants a number");
}

static void test_keys_are_never_shown(void **state)
{
    (void)state;
    put_text("key", "very-secret-1\n");
    setenv("DUET_READ_ONLY_API_KEY", "very-secret-2", 1);
    RUN("serve", "--print-config", "--api-key-file", at("pictures/key"));
    assert_status(0);
    assert_null(strstr(ran.out, "very-secret"));
    assert_non_null(strstr(ran.out, "pictures/key"));
    assert_non_null(strstr(ran.out, "$DUET_READ_ONLY_API_KEY"));
    RUN("serve", "--print-config", "--json", "--api-key-file", at("pictures/key"));
    assert_null(strstr(ran.out, "very-secret"));
    assert_non_null(
        strstr(ran.out, "{\"name\":\"read-only-api-key\",\"value\":\"not shown\","));
    unsetenv("DUET_READ_ONLY_API_KEY");
}

/* ---- A server ----------------------------------------------------------------------- */

/* The status of GET `path` with the key, over TLS with our certificate trusted. */
static long https(const char *url, const char *path, const char *key)
{
    char target[256], header[128];
    long status = 0;
    CURL *curl = curl_easy_init();
    snprintf(target, sizeof target, "%s%s", url, path);
    snprintf(header, sizeof header, "api-key: %s", key);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    curl_easy_setopt(curl, CURLOPT_URL, target);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CAINFO, at("cert.pem"));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}

/* Listens as systemd does. */
static int open_notify_socket(void)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    snprintf(here.sun_path, sizeof here.sun_path, "%s", at("notify"));
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
    setenv("NOTIFY_SOCKET", here.sun_path, 1);
    return fd;
}

static void assert_notified(int fd, const char *state)
{
    char text[64];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    assert_string_equal(text, state);
}

static void test_a_server_lives_by_its_file_of_settings(void **state)
{
    (void)state;
    char url[SERVER_URL_MAX], config[2048];
    put_text("key", "secret\n");
    put_text("looker", "looker\n");
    certificate_write(at("cert.pem"), at("key.pem"), 1);
    snprintf(config, sizeof config,
             "listen = 127.0.0.1:0\ntls-cert = %s\ntls-key = %s\napi-key-file = %s\n"
             "read-only-api-key-file = %s\nlog = json\nlog-file = %s\n"
             "access-log = true\n",
             at("cert.pem"), at("key.pem"), at("pictures/key"), at("pictures/looker"),
             at("log"));
    write_config(config);
    int notify = open_notify_socket();
    pid_t server = server_start(
        (const char *const[]){"serve", "--config", at("duet.conf"), NULL}, url);
    assert_notified(notify, "READY=1");
    assert_int_equal(https(url, "/collections", "secret"), 200);
    assert_int_equal(https(url, "/collections", "looker"), 200);
    assert_int_equal(https(url, "/collections", "wrong"), 401);
    setenv("CURL_CA_BUNDLE", at("cert.pem"), 1);
    RUN("--url", url, "--api-key-file", at("pictures/looker"), "search", "dog");
    assert_int_equal(ran.status, 3); /* there is no collection yet, which it was told */
    unsetenv("CURL_CA_BUNDLE");
    RUN("--url", url, "--api-key-file", at("pictures/looker"), "search", "dog");
    assert_int_equal(ran.status, 9);

    certificate_write(at("cert.pem"), at("key.pem"), 2);
    assert_int_equal(https(url, "/healthz", ""), 0); /* not the one we trust now */
    assert_int_equal(rename(at("log"), at("log.1")), 0);
    assert_int_equal(kill(server, SIGHUP), 0);
    for (int i = 0; https(url, "/healthz", "") != 200; i++) {
        assert_true(i < 500);
        usleep(10000);
    }
    server_stop(server);
    assert_notified(notify, "STOPPING=1");
    read_text(at("log.1"), ran.out);
    assert_non_null(strstr(ran.out, "\"route\":\"/collections\",\"status\":401"));
    read_text(at("log"), ran.out);
    assert_non_null(strstr(ran.out, "\"route\":\"/healthz\",\"status\":200"));
    unsetenv("NOTIFY_SOCKET");
    close(notify);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_not_said_has_its_default),
        TEST(test_the_command_comes_before_environment_and_file),
        TEST(test_the_printed_settings_can_be_read_again),
        TEST(test_wrong_settings_are_refused_with_their_place),
        TEST(test_a_wrong_line_is_refused_though_the_command_says_better),
        TEST(test_keys_are_never_shown),
        TEST(test_a_server_lives_by_its_file_of_settings),
    };
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
