/*
 * model_test.c - `duet model` as a user meets it: the real binary, a hub in this
 * process (fake_hub.h), and what becomes of a pull that is killed.
 *
 * $DUET_MODELS names two folders here: the user's own, empty at first, and one that
 * holds a model called default.
 */
#include "tests/integration/program.h"

#include <errno.h>
#include <signal.h>

#include "base/utf8.h"
#include "tests/integration/fake_hub.h"

static struct fake_hub hub;
static char home[128]; /* the user's models folder */

/* ---- Before and after ------------------------------------------------------------ */

static int setup_hub(void **state)
{
    static const char *const names[] = {"DUET_HUB_TOKEN", "HF_TOKEN",    "HF_ENDPOINT",
                                        "http_proxy",     "https_proxy", "all_proxy"};
    char list[256], model[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
    assert_true(find_program()); /* a test may have chosen another */
    assert_int_equal(setup(state), 0);
    snprintf(home, sizeof home, "%s/home", folder);
    snprintf(list, sizeof list, "%s:%s", home, models);
    setenv("DUET_MODELS", list, 1);
    snprintf(model, sizeof model, "%s/default", models);
    fake_hub_start(&hub, "owner/tiny");
    fake_hub_add_folder(&hub, model);
    setenv("DUET_HUB", hub.url, 1);
    return 0;
}

static int teardown_hub(void **state)
{
    fake_hub_stop(&hub);
    return teardown(state);
}

/* A copy of the default model at `path`, in another space. */
static void copy_model(const char *path, const char *space)
{
    char name[600];
    const char *place = strstr(tiny_config, "tiny-1");
    assert_ok(file_make_folders(path));
    for (size_t i = 0; i < hub.n_files; i++) {
        struct buf bytes;
        buf_init(&bytes, 1 << 20);
        assert_ok(buf_append(&bytes, hub.files[i].bytes.data, hub.files[i].bytes.size));
        if (strcmp(hub.files[i].name, "config.json") == 0) {
            buf_clear(&bytes);
            assert_ok(buf_printf(&bytes, "%.*s%s%s", (int)(place - tiny_config),
                                 tiny_config, space, place + strlen("tiny-1")));
        }
        snprintf(name, sizeof name, "%s/%s", path, hub.files[i].name);
        assert_ok(file_write_unsynced(name, bytes.data, bytes.size));
        buf_release(&bytes);
    }
}

static void assert_out(const char *words)
{
    if (strstr(ran.out, words) == NULL) {
        print_error("'%s' is not in: %s", words, ran.out);
        fail();
    }
}

/* The string `key` of line `i`; valid until the next call. */
static const char *printed_text(size_t i, const char *key)
{
    static char text[4096];
    const char *value;
    struct json_object *object = json_line(i);
    assert_ok(json_get_string(object, key, &value));
    snprintf(text, sizeof text, "%s", value);
    json_object_put(object);
    return text;
}

/* ---- Words ------------------------------------------------------------------------ */

static void test_wrong_words_are_told(void **state)
{
    (void)state;
    RUN("model", "lsit");
    assert_one_error(2, "did you mean 'model list'");
    RUN("model", "pull");
    assert_one_error(2, "wants a name");
    RUN("model", "list", "x");
    assert_one_error(2, "takes no 'x'");
    RUN("model", "list", "--url", "http://127.0.0.1:1");
    assert_one_error(2, "--url");
}

/* ---- info -------------------------------------------------------------------------- */

static void test_info_without_a_database(void **state)
{
    (void)state;
    RUN("model", "info", "--json");
    assert_status(0);
    assert_string_equal(printed_text(0, "name"), "tiny");
    assert_non_null(strstr(printed_text(0, "model"), "/default"));
    assert_int_equal(printed("dim"), TINY_DIM);
    RUN("model", "info", "nowhere");
    assert_one_error(3, "nowhere");
    assert_int_not_equal(access(database, F_OK), 0); /* none was made */
}

static void test_info_tells_all_that_is_documented(void **state)
{
    (void)state;
    static const char *const strings[] = {
        "name",  "model",     "folder",    "repository", "revision",    "family",
        "space", "tokenizer", "languages", "licence",    "fingerprint", "preprocessing",
    };
    static const char *const numbers[] = {
        "dim",         "image_size",        "max_tokens",
        "logit_scale", "mapped_bytes",      "anon_bytes",
        "rss_bytes",   "images_per_second", "texts_per_second",
    };
    RUN("model", "info", "--json");
    assert_status(0);
    struct json_object *object = json_line(0);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        const char *text;
        assert_ok(json_get_string(object, strings[i], &text));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double number;
        assert_ok(json_get_double(object, numbers[i], &number));
    }
    json_object_put(object);
    RUN("model");
    assert_status(0);
    assert_out("one thread");
}

static void test_info_tells_the_model_that_made_the_database(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    RUN("add", pictures);
    assert_status(0);
    copy_model(at("home/other"), "second");
    RUN("model", "use", "other");
    assert_status(0);
    RUN("model", "--json");
    assert_status(0);
    assert_string_equal(printed_text(0, "space"), "tiny-1");
    RUN("model", "info", "default", "--json");
    assert_string_equal(printed_text(0, "space"), "second");
    RUN("model", "info", "--model", "other", "--json");
    assert_string_equal(printed_text(0, "space"), "second");
}

/* ---- list and use ------------------------------------------------------------------- */

static void test_list_in_both_forms(void **state)
{
    (void)state;
    copy_model(at("home/other"), "second");
    assert_ok(file_make_folders(at("home/broken")));
    assert_ok(file_write(at("home/broken/config.json"), "{\"a\":\"\x1b[2J\"}", 12));
    RUN("model", "list");
    assert_status(0);
    assert_out("* default");
    assert_out("  other");
    assert_out("broken: ");
    assert_null(strchr(ran.out, '\x1b'));
    RUN("model", "list", "--json");
    assert_status(0);
    assert_true(n_lines(ran.out) >= 3); /* and what is beside the program */
    assert_non_null(strstr(printed_text(0, "error"), "config.json"));
    assert_string_equal(printed_text(1, "name"), "other");
    assert_string_equal(printed_text(1, "languages"), "en,zh");
    assert_string_equal(printed_text(2, "name"), "default");
}

/* Names as wide as their characters are, and JSON whatever bytes a folder is named by. */
static void test_list_of_names_in_any_script(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/中文", home);
    copy_model(path, "tiny-3");
    snprintf(path, sizeof path, "%s/bad\xff", home);
    copy_model(path, "tiny-4");
    RUN("model", "list");
    assert_out("  中文      ");
    assert_out("  bad\xef\xbf\xbd      ");
    RUN("model", "list", "--json");
    assert_out("{\"name\":\"bad\xef\xbf\xbd\"");
    assert_true(utf8_valid(ran.out, strlen(ran.out)));
}

static void test_use_is_for_what_is_new(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    RUN("add", pictures);
    assert_status(0);
    copy_model(at("home/other"), "second");
    RUN("model", "use", "other");
    assert_status(0);
    assert_out("other is the default now");
    RUN("search", "dog");
    assert_status(0);
    RUN("stats", "--json");
    assert_string_equal(printed_text(0, "model_space"), "tiny-1");
    RUN("--db", at("new.db"), "add", pictures);
    assert_status(0);
    RUN("--db", at("new.db"), "stats", "--json");
    assert_string_equal(printed_text(0, "model"), "other");
    assert_string_equal(printed_text(0, "model_space"), "second");
    RUN("model", "list", "--json");
    RUN("model", "use", "nowhere");
    assert_one_error(3, "nowhere");
    RUN("model", "use", "other", "--json");
    assert_string_equal(printed_text(0, "default"), "other");
}

/* The program finds what shipped with it by its own place, so it gets one of its own,
 * with a model of the space "shipped" beside it; the user has another. */
static void set_up_prefix(void)
{
    assert_ok(file_make_folders(at("prefix/bin")));
    copy_model(at("prefix/share/duet/models/default"), "shipped");
    copy_model(at("home/other"), "second");
    put_picture("a.ppm", 1);
    if (link(program, at("prefix/bin/duet")) != 0) {
        assert_int_equal(errno, EXDEV);
        skip(); /* the build is on another file system */
    }
    strcpy(program, at("prefix/bin/duet"));
    setenv("DUET_MODELS", home, 1);
}

static void test_use_returns_to_the_shipped_model(void **state)
{
    (void)state;
    set_up_prefix();
    RUN("model", "use", "other");
    assert_status(0);
    RUN("model", "info", "--json");
    assert_string_equal(printed_text(0, "space"), "second");
    RUN("model", "use", "duet-default");
    assert_status(0);
    RUN("add", pictures);
    assert_status(0);
    RUN("stats", "--json");
    assert_string_equal(printed_text(0, "model"), "duet-default");
    RUN("model", "use", "other");
    assert_status(0);
    RUN("search", "dog");
    assert_status(0);
}

/* What databases recorded once. A path that no record can hold still makes one. */
static void test_a_database_of_the_default_of_old_still_answers(void **state)
{
    (void)state;
    char deep[600], model[640];
    set_up_prefix();
    snprintf(deep, sizeof deep, "%s/%0200d/%0100d", folder, 0, 0);
    snprintf(model, sizeof model, "%s/default", deep);
    copy_model(model, "shipped");
    setenv("DUET_MODELS", deep, 1);
    RUN("add", pictures);
    assert_status(0);
    RUN("stats", "--json");
    assert_string_equal(printed_text(0, "model"), "default");
    setenv("DUET_MODELS", home, 1);
    RUN("model", "use", "other");
    assert_status(0);
    RUN("search", "dog");
    assert_status(0);
    RUN("add", pictures);
    assert_status(0);
}

/* ---- pull --------------------------------------------------------------------------- */

static void test_a_pull_from_beginning_to_end(void **state)
{
    (void)state;
    RUN("model", "pull", "owner/tiny");
    assert_status(0);
    assert_out("owner/tiny is in ");
    assert_out("licence mit");
    RUN("model", "verify", "owner/tiny");
    assert_status(0);
    assert_out("files     ok");
    RUN("model", "info", "owner/tiny", "--json");
    assert_string_equal(printed_text(0, "repository"), "owner/tiny");
    assert_string_equal(printed_text(0, "revision"), FAKE_COMMIT);
    assert_string_equal(printed_text(0, "licence"), "mit");
    RUN("model", "use", "owner/tiny");
    assert_status(0);
    put_picture("a.ppm", 1);
    RUN("add", pictures);
    assert_status(0);
    RUN("search", "dog");
    assert_status(0);
    RUN("stats", "--json");
    assert_string_equal(printed_text(0, "model"), "owner/tiny");
    RUN("model", "pull", "owner/tiny");
    assert_status(0);
    assert_out("up to date");
}

static void test_a_pull_as_json_and_quietly(void **state)
{
    (void)state;
    RUN("model", "pull", "owner/tiny@main", "--json", "--hub", hub.url);
    assert_status(0);
    assert_string_equal(ran.err, "");
    assert_string_equal(printed_text(0, "name"), "owner/tiny");
    assert_int_equal(printed("fetched"), printed("bytes"));
    RUN("model", "pull", "owner/tiny", "-q");
    assert_status(0);
    assert_string_equal(ran.out, "");
    assert_string_equal(ran.err, "");
}

static void test_what_a_hub_refuses_has_exit_codes(void **state)
{
    (void)state;
    hub.api_status = 404;
    RUN("model", "pull", "owner/tiny");
    assert_one_error(3, "no such model");
    hub.api_status = 0;
    hub.file_status = 403;
    hub.error_code = "GatedRepo";
    RUN("model", "pull", "owner/tiny");
    assert_one_error(2, "accept its terms");
    hub.file_status = 0;
    memset(fake_hub_file(&hub, "vocab-en.txt")->listed_hash, 'a', 40);
    RUN("model", "pull", "owner/tiny");
    assert_one_error(7, "vocab-en.txt");
    RUN("model", "pull", "owner/tiny", "--hub", "http://127.0.0.1:1");
    assert_one_error(9, "127.0.0.1:1");
    RUN("model", "pull", "tiny");
    assert_one_error(2, "OWNER/NAME");
    RUN("model", "pull", "owner/tiny@../x");
    assert_one_error(2, "no revision");
    assert_int_not_equal(access(at("home/owner/tiny"), F_OK), 0);
}

static void test_a_token_of_the_environment_is_used(void **state)
{
    (void)state;
    hub.want_token = "hf_abc";
    setenv("HF_TOKEN", "hf_abc", 1);
    RUN("model", "pull", "owner/tiny");
    unsetenv("HF_TOKEN");
    assert_status(0);
    assert_string_equal(hub.store_token, "");
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t n = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool answers(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return yes;
}

/* An HTTPS server with a certificate of its own making, which answers any request with
 * a page that is no list of files. */
static pid_t start_https(int port)
{
    char accept_at[40];
    assert_int_equal(
        system("cd $DUET_TEST && openssl req -x509 -newkey rsa:2048 -nodes "
               "-keyout key.pem -out cert.pem -days 1 -subj /CN=localhost "
               "-addext subjectAltName=DNS:localhost 2>/dev/null"),
        0);
    snprintf(accept_at, sizeof accept_at, "127.0.0.1:%d", port);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        redirect("/dev/null", STDOUT_FILENO);
        redirect("/dev/null", STDERR_FILENO);
        execlp("openssl", "openssl", "s_server", "-accept", accept_at, "-cert",
               at("cert.pem"), "-key", at("key.pem"), "-www", (char *)NULL);
        _exit(99);
    }
    for (int i = 0; i < 500 && !answers(port); i++) {
        usleep(10000);
    }
    return pid;
}

static void test_an_unknown_certificate_is_refused(void **state)
{
    (void)state;
    char url[64];
    int port = free_port();
    if (system("openssl version >/dev/null 2>&1") != 0) {
        skip();
    }
    setenv("DUET_TEST", folder, 1);
    pid_t pid = start_https(port);
    snprintf(url, sizeof url, "https://localhost:%d", port);
    RUN("model", "pull", "owner/tiny", "--hub", url);
    assert_one_error(9, "certificate");
    setenv("CURL_CA_BUNDLE", at("cert.pem"), 1);
    RUN("model", "pull", "owner/tiny", "--hub", url);
    assert_one_error(7, "list of files"); /* the page came, and is none */
    snprintf(url, sizeof url, "https://127.0.0.1:%d", port); /* another host's */
    RUN("model", "pull", "owner/tiny", "--hub", url);
    unsetenv("CURL_CA_BUNDLE");
    assert_one_error(9, "certificate");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Starts a pull that stands still after 200 bytes of the first large file, and waits
 * until these are on the disk. */
static pid_t start_stalled(void)
{
    static const char *const args[] = {"model", "pull", "owner/tiny", NULL};
    char part[512] = "";
    struct stat st = {0};
    hub.stall_after = 200;
    hub.stall_times = 1;
    pid_t pid = start(args, at("stdout"));
    for (int i = 0; i < 1000 && st.st_size < 200; i++) {
        char partial[512];
        snprintf(partial, sizeof partial, "%s/.partial/owner--tiny@" FAKE_COMMIT, home);
        DIR *dir = opendir(partial);
        for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL;
             e = readdir(dir)) {
            if (strstr(e->d_name, ".safetensors.part") != NULL &&
                strstr(e->d_name, ".etag") == NULL) {
                snprintf(part, sizeof part, "%.200s/%.200s", partial, e->d_name);
            }
        }
        if (dir != NULL) {
            closedir(dir);
        }
        if (part[0] == '\0' || stat(part, &st) != 0) {
            st.st_size = 0;
        }
        usleep(10000);
    }
    assert_int_equal(st.st_size, 200);
    return pid;
}

/* The same command goes on where the last one ended. */
static void assert_goes_on(void)
{
    RUN("model", "pull", "owner/tiny");
    assert_status(0);
    assert_int_equal(hub.n_ranges, 1);
    assert_string_equal(hub.last_range, "bytes=200-");
    RUN("model", "verify", "owner/tiny");
    assert_status(0);
}

static void test_a_killed_pull_is_gone_on_with(void **state)
{
    (void)state;
    pid_t pid = start_stalled();
    kill(pid, SIGKILL);
    finish(pid);
    assert_status(128 + SIGKILL);
    assert_goes_on();
}

static void test_an_interrupted_pull_is_gone_on_with(void **state)
{
    (void)state;
    pid_t pid = start_stalled();
    kill(pid, SIGINT);
    finish(pid);
    assert_one_error(130, "goes on from here");
    assert_goes_on();
}

static void test_two_pulls_at_once(void **state)
{
    (void)state;
    pid_t pid = start_stalled();
    const char *const args[] = {"model", "pull", "owner/tiny", NULL};
    /* The other's stderr is that of the one that waits: it says nothing. */
    finish(start(args, at("stdout")));
    assert_one_error(5, "another process is pulling owner/tiny");
    kill(pid, SIGINT);
    finish(pid);
    assert_status(130);
}

/* ---- verify -------------------------------------------------------------------------- */

static void test_verify_finds_a_changed_byte(void **state)
{
    (void)state;
    char path[300];
    struct buf bytes;
    RUN("model", "pull", "owner/tiny");
    assert_status(0);
    snprintf(path, sizeof path, "%s/owner/tiny/text-en.safetensors", home);
    buf_init(&bytes, 1 << 20);
    assert_ok(file_read(path, &bytes));
    bytes.data[bytes.size - 3] ^= 1;
    assert_ok(file_write(path, bytes.data, bytes.size));
    buf_release(&bytes);
    RUN("model", "verify", "owner/tiny", "--json");
    assert_status(7);
    assert_int_equal(n_lines(ran.out), 5);
    assert_string_equal(printed_text(0, "step"), "files");
    assert_string_equal(printed_text(0, "state"), "failed");
    assert_string_equal(printed_text(2, "state"), "ok");
    assert_non_null(strstr(ran.err, "text-en.safetensors"));
    RUN("model", "verify", "nowhere");
    assert_one_error(3, "nowhere");
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, setup_hub, teardown_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(test_wrong_words_are_told),
        HUB_TEST(test_info_without_a_database),
        HUB_TEST(test_info_tells_all_that_is_documented),
        HUB_TEST(test_info_tells_the_model_that_made_the_database),
        HUB_TEST(test_list_in_both_forms),
        HUB_TEST(test_list_of_names_in_any_script),
        HUB_TEST(test_use_is_for_what_is_new),
        HUB_TEST(test_use_returns_to_the_shipped_model),
        HUB_TEST(test_a_database_of_the_default_of_old_still_answers),
        HUB_TEST(test_a_pull_from_beginning_to_end),
        HUB_TEST(test_a_pull_as_json_and_quietly),
        HUB_TEST(test_what_a_hub_refuses_has_exit_codes),
        HUB_TEST(test_a_token_of_the_environment_is_used),
        HUB_TEST(test_an_unknown_certificate_is_refused),
        HUB_TEST(test_a_killed_pull_is_gone_on_with),
        HUB_TEST(test_an_interrupted_pull_is_gone_on_with),
        HUB_TEST(test_two_pulls_at_once),
        HUB_TEST(test_verify_finds_a_changed_byte),
    };
    if (!find_program()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
