/*
 * cli_test.c - the `duet` program as a user or a script meets it: the real binary is
 * run, and its exit status, stdout and stderr are looked at.
 */
#include "tests/integration/program.h"

#include <signal.h>

/* ---- Before and after
 * ----------------------------------------------------------------- */

/* Three pictures, of which one has a caption, in the database. */
static void add_three(void)
{
    put_picture("a.ppm", 1);
    put_picture("b.ppm", 2);
    put_picture("c.ppm", 3);
    put_text("c.txt", "a red dog");
    RUN("add", pictures);
    assert_status(0);
}

/* ---- Help and wrong command lines
 * ------------------------------------------------------ */

static void test_without_a_command_help_is_told_on_stderr(void **state)
{
    (void)state;
    run_args((const char *const[]){NULL});
    assert_status(2);
    assert_string_equal(ran.out, "");
    assert_non_null(strstr(ran.err, "Usage: duet"));
}

static const char *const commands[] = {
    "add",      "search",  "get",    "ls",      "rm",      "stats",
    "model",    "version", "help",   "serve",   "embed",   "label",
    "describe", "verify",  "repair", "backup",  "restore", "compact",
    "export",   "import",  "index",  "snapshot"};

static void test_help_lists_every_command(void **state)
{
    (void)state;
    RUN("--help");
    assert_status(0);
    assert_string_equal(ran.err, "");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char line[32];
        snprintf(line, sizeof line, "\n  %s ", commands[i]);
        assert_non_null(strstr(ran.out, line));
    }
}

static void test_every_command_has_a_screen_with_an_example(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        static char first[OUTPUT_MAX];
        RUN("help", commands[i]);
        assert_status(0);
        assert_non_null(strstr(ran.out, "\nExample"));
        assert_non_null(strstr(ran.out, "\n  duet "));
        strcpy(first, ran.out);
        RUN(commands[i], "--help");
        assert_status(0);
        assert_string_equal(ran.out, first);
    }
}

static void test_the_exit_codes_are_listed(void **state)
{
    (void)state;
    RUN("help", "exit-codes");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 13);
    assert_non_null(strstr(ran.out, "130  interrupted"));
}

static void test_version(void **state)
{
    (void)state;
    RUN("version");
    assert_status(0);
    assert_int_equal(strncmp(ran.out, "duet ", 5), 0);
    RUN("version", "--json");
    json_object_put(json_line(0));
}

static void test_unknown_words_suggest_the_nearest(void **state)
{
    (void)state;
    RUN("serach", "x");
    assert_one_error(2, "did you mean 'search'");
    RUN("search", "x", "--imgae", "y");
    assert_one_error(2, "did you mean --image");
    RUN("frobnicate");
    assert_one_error(2, "there is no command 'frobnicate'");
}

static void test_options_are_checked(void **state)
{
    (void)state;
    RUN("search", "x", "-k", "0");
    assert_one_error(2, "from 1 to 10000");
    RUN("search", "x", "-k", "10001");
    assert_one_error(2, "from 1 to 10000");
    RUN("search", "x", "-k", "ten");
    assert_one_error(2, "not 'ten'");
    RUN("search", "x", "-k");
    assert_one_error(2, "wants an argument");
    RUN("search", "x", "--exact=1");
    assert_one_error(2, "takes no argument");
    RUN("get");
    assert_one_error(2, "duet get ID|PATH");
    RUN("ls", "x");
    assert_one_error(2, "duet ls");
}

static void test_a_query_must_say_something_in_utf8(void **state)
{
    (void)state;
    RUN("search");
    assert_one_error(2, "say what to search for");
    RUN("search", "");
    assert_one_error(2, "the query is empty");
    RUN("search", "  ");
    assert_one_error(2, "the query is empty");
    RUN("search", "d\xf6g");
    assert_one_error(2, "not UTF-8");
    RUN("search", "dog", "--not", " :0.5");
    assert_one_error(2, "the query is empty");
    RUN("search", "dog", "--text", "cat:0");
    assert_one_error(2, "a weight of 0 asks for nothing");
    RUN("search", "dog", "--strategy", "sum");
    assert_one_error(2, "--strategy is of --like");
    RUN("search", "--like", "1", "--strategy", "most");
    assert_one_error(2, "--strategy is average, best or sum, not 'most'");
    RUN("search", "dog:0.5", "--text", "cat:0.5", "--like", "1");
    assert_one_error(2, "weights are for mixes");
}

static void test_a_missing_database_is_told_with_how_to_make_one(void **state)
{
    (void)state;
    static const char *const args[][3] = {{"search", "dog", NULL},
                                          {"ls", NULL},
                                          {"stats", NULL},
                                          {"rm", "1", NULL},
                                          {"get", "1", NULL}};
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++) {
        run_args(args[i]);
        assert_one_error(3, "'duet add FOLDER' makes one");
        assert_non_null(strstr(ran.err, database));
        assert_int_equal(access(database, F_OK), -1);
    }
}

/* ---- Adding
 * ---------------------------------------------------------------------------- */

static void test_adding_again_does_nothing(void **state)
{
    (void)state;
    add_three();
    assert_int_equal(strncmp(ran.out, "3 added in ", 11), 0);
    assert_string_equal(ran.err, "");
    RUN("add", pictures);
    assert_status(0);
    assert_int_equal(strncmp(ran.out, "3 unchanged in ", 15), 0);
}

static void test_changed_moved_and_pruned_files_are_counted(void **state)
{
    (void)state;
    add_three();
    put_picture("a.ppm", 9);
    assert_int_equal(rename(at("pictures/b.ppm"), at("pictures/d.ppm")), 0);
    assert_int_equal(unlink(at("pictures/c.ppm")), 0);
    RUN("add", pictures, "--prune", "--json");
    assert_status(0);
    assert_int_equal(printed("updated"), 1);
    assert_int_equal(printed("moved"), 1);
    assert_int_equal(printed("pruned"), 1);
    assert_int_equal(printed("added"), 0);
    RUN("ls", "--json");
    assert_int_equal(n_lines(ran.out), 2);
}

static void test_bad_files_are_told_one_a_line_and_the_rest_goes_in(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    put_text("bad.jpg", "no picture");
    put_text("huge.ppm", "P6\n60000 60000\n255\n");
    RUN("add", pictures, "--json");
    assert_status(4);
    assert_int_equal(printed("added"), 1);
    assert_int_equal(printed("failed"), 2);
    assert_int_equal(n_lines(ran.err), 2);
    assert_non_null(strstr(ran.err, "/bad.jpg: "));
    assert_non_null(strstr(ran.err, "/huge.ppm: "));
}

static void test_nothing_to_add_is_an_error(void **state)
{
    (void)state;
    RUN("add");
    assert_one_error(2, "add what?");
    RUN("add", pictures);
    assert_one_error(2, "there are no pictures");
    RUN("add", at("gone"));
    assert_one_error(3, "gone");
}

static void test_quiet_prints_nothing_where_all_is_well(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    RUN("-q", "add", pictures);
    assert_status(0);
    assert_string_equal(ran.out, "");
    assert_string_equal(ran.err, "");
}

static void test_verbose_tells_of_profiles_that_are_missed(void **state)
{
    (void)state;
    RUN("add", "-v", "tests/golden/image/profile_wide.jpg",
        "tests/golden/image/profile_srgb.jpg");
    assert_status(0);
    assert_non_null(strstr(ran.err, "profile_wide.jpg: its colour profile is ignored"));
    assert_null(strstr(ran.err, "profile_srgb.jpg: its"));
}

/* The tiny model hardly tells pictures apart. */
#define REAL_MODEL "encoder/models/default"

static double score_of_search(const char *photo, const char *decode)
{
    RUN("--model", REAL_MODEL, "search", "--image", photo, "--json", "--decode",
        decode);
    assert_status(0);
    struct json_object *object = json_line(0);
    assert_non_null(json_get(object, "score"));
    double score = json_object_get_double(json_get(object, "score"));
    json_object_put(object);
    return score;
}

static void test_decode_exact_turns_shrinking_off(void **state)
{
    (void)state;
    const char *photo = "tests/golden/preprocess/dandelions.jpg";
    RUN("--model", REAL_MODEL, "add", "--decode", "exact", photo);
    assert_status(0);
    assert_true(score_of_search(photo, "exact") > 0.999999);
    assert_true(score_of_search(photo, "fast") < 0.999999);
    RUN("--model", REAL_MODEL, "--db", at("fast.db"), "add", photo);
    setenv("DUET_DB", at("fast.db"), 1);
    assert_true(score_of_search(photo, "exact") < 0.999999);
    assert_true(score_of_search(photo, "fast") > 0.999999);
    RUN("search", "--image", photo, "--decode", "soft");
    assert_one_error(2, "exact or fast");
    RUN("--url", "http://127.0.0.1:1", "search", "--image", photo, "--decode", "exact");
    assert_one_error(2, "--decode");
}

static void test_a_list_of_pictures_with_captions(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    put_text("list.jsonl", "{\"path\": \"a.ppm\", \"id\": 7, \"text\": \"red car\"}\n"
                           "nonsense\n");
    RUN("add", "--jsonl", at("pictures/list.jsonl"));
    assert_status(4);
    assert_non_null(strstr(ran.err, "list.jsonl:2: "));
    RUN("get", "7");
    assert_status(0);
    assert_non_null(strstr(ran.out, "\"text\": \"red car\""));
}

/* ---- Asking
 * ---------------------------------------------------------------------------- */

static void test_search_prints_rank_score_path_and_caption(void **state)
{
    (void)state;
    add_three();
    RUN("search", "a", "dog");
    assert_status(0);
    assert_string_equal(ran.err, "");
    assert_int_equal(n_lines(ran.out), 3);
    assert_int_equal(strncmp(ran.out, "  1  ", 5), 0);
    assert_non_null(strstr(ran.out, "/pictures/c.ppm  a red dog\n"));
    assert_null(strchr(ran.out, '\033')); /* no colours in a file */
}

static void test_search_by_picture_finds_it(void **state)
{
    (void)state;
    add_three();
    RUN("search", "--image", at("pictures/b.ppm"), "-k", "1", "--json");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 1);
    struct json_object *hit = json_line(0);
    const char *text = NULL;
    assert_ok(json_get_string(hit, "source", &text));
    assert_string_equal(text, at("pictures/b.ppm"));
    assert_ok(json_get_string(hit, "space", &text));
    assert_string_equal(text, "image");
    assert_true(json_object_get_double(json_get(hit, "score")) > 0.999);
    assert_ok(json_get_string(json_get(hit, "payload"), "file", &text));
    assert_string_equal(text, "b.ppm");
    json_object_put(hit);
}

/* Of the three pictures the one that counts most comes first. */
static void test_a_mix_weighs_what_is_asked_for(void **state)
{
    (void)state;
    char a[256], b[256];
    const char *text = NULL;
    add_three();
    for (int first = 0; first <= 1; first++) {
        snprintf(a, sizeof a, "%s:%s", at("pictures/a.ppm"), first == 0 ? "1" : "0.1");
        snprintf(b, sizeof b, "%s:%s", at("pictures/b.ppm"), first == 0 ? "0.1" : "1");
        RUN("search", "--image", a, "--image", b, "-k", "1", "--json");
        assert_status(0);
        struct json_object *hit = json_line(0);
        assert_ok(json_get_string(hit, "source", &text));
        assert_string_equal(text, at(first == 0 ? "pictures/a.ppm" : "pictures/b.ppm"));
        json_object_put(hit);
    }
}

static void test_a_picture_that_is_liked_is_left_out(void **state)
{
    (void)state;
    const char *text = NULL;
    add_three();
    RUN("search", "--like", at("pictures/a.ppm"), "--json");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 2);
    for (size_t i = 0; i < 2; i++) {
        struct json_object *hit = json_line(i);
        assert_ok(json_get_string(hit, "source", &text));
        assert_string_not_equal(text, at("pictures/a.ppm"));
        json_object_put(hit);
    }
    RUN("search", "--like", "77");
    assert_one_error(3, "query.recommend.positive[0]: there is no point 77");
}

static void test_a_count_past_all_gives_all(void **state)
{
    (void)state;
    add_three();
    RUN("search", "dog", "-k", "10000", "--json");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 3);
    RUN("search", "dog", "--in", "any", "--json");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 3);
    RUN("search", "dog", "--in", "text", "--json");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 1);
}

static void test_nothing_found_has_its_own_code(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    RUN("add", pictures);
    RUN("search", "dog", "--in", "text");
    assert_one_error(1, "nothing found");
    RUN("get", "77");
    assert_one_error(1, "1 of 1 are not there");
}

static void test_a_bad_picture_to_search_by_is_told(void **state)
{
    (void)state;
    add_three();
    put_text("bad.jpg", "no picture");
    RUN("search", "--image", at("pictures/bad.jpg"));
    assert_one_error(2, "bad.jpg");
    RUN("search", "--image", at("pictures/gone.jpg"));
    assert_one_error(3, "gone.jpg");
}

static void test_wrong_places_to_search_are_told(void **state)
{
    (void)state;
    add_three();
    RUN("--collection", "other", "search", "dog");
    assert_one_error(3, "other");
    RUN("search", "dog", "--in", "sound");
    assert_one_error(3, "sound");
}

static void test_points_are_got_and_removed_by_id_or_path(void **state)
{
    (void)state;
    char id[64];
    add_three();
    RUN("get", at("pictures/c.ppm"));
    assert_status(0);
    snprintf(id, sizeof id, "%.36s", ran.out);
    assert_non_null(strstr(ran.out, "\"text\": \"a red dog\""));
    RUN("get", id, "--json");
    assert_status(0);
    json_object_put(json_line(0));
    RUN("rm", id, at("pictures/a.ppm"), "77");
    assert_status(0);
    assert_string_equal(ran.out, "2 of 3 removed\n");
    RUN("rm", id);
    assert_status(1);
    RUN("ls");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 1);
    assert_int_equal(access(at("pictures/a.ppm"), F_OK), 0);
}

/* c alone has a caption, in the payload's "text". */
#define CAPTIONED "{\"must\":{\"key\":\"text\",\"match\":{\"text\":\"DOG\"}}}"
#define BARE "{\"must\":{\"is_empty\":{\"key\":\"text\"}}}"

static void test_filters_choose_what_is_listed_found_counted_and_removed(void **state)
{
    (void)state;
    add_three();
    RUN("ls", "--filter", CAPTIONED);
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 1);
    assert_non_null(strstr(ran.out, "c.ppm"));
    RUN("search", "dog", "--filter", BARE, "--json");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 2);
    assert_null(strstr(ran.out, "c.ppm"));
    RUN("stats", "--filter", BARE, "--json");
    assert_int_equal(printed("matching"), 2);
    RUN("stats", "--filter", BARE);
    assert_non_null(strstr(ran.out, "matching       2\n"));
    RUN("rm", "--filter", CAPTIONED);
    assert_status(0);
    assert_string_equal(ran.out, "1 removed\n");
    RUN("rm", "--filter", CAPTIONED);
    assert_status(1);
    RUN("ls");
    assert_int_equal(n_lines(ran.out), 2);
}

static void test_filters_that_are_wrong_are_told(void **state)
{
    (void)state;
    static const char *const commands_with_it[] = {"ls", "rm", "stats", "search"};
    add_three();
    for (size_t i = 0; i < 4; i++) {
        const char *command = commands_with_it[i];
        RUN(command, "--filter", "{\"must\":{\"key\":\"a\"",
            i == 3 ? "dog" : "--quiet");
        assert_one_error(2, "filter: not JSON");
        RUN(command, "--filter", "{\"musst\":[]}", i == 3 ? "dog" : "--quiet");
        assert_one_error(2, "filter.musst: is not known here");
    }
    RUN("rm", "--filter", "{}", "1");
    assert_one_error(2, "say ids or paths, or --filter");
    RUN("ls");
    assert_int_equal(n_lines(ran.out), 3);
}

static void test_a_removed_picture_can_be_added_again(void **state)
{
    (void)state;
    add_three();
    RUN("rm", at("pictures/a.ppm"));
    RUN("add", pictures, "--json");
    assert_status(0);
    assert_int_equal(printed("added"), 1);
    assert_int_equal(printed("unchanged"), 2);
}

static void test_ls_lists_all_across_pages(void **state)
{
    (void)state;
    char name[16];
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        put_picture(name, i);
    }
    RUN("add", pictures, "-q");
    assert_status(0);
    RUN("ls", "--json");
    assert_int_equal(n_lines(ran.out), 300);
    RUN("ls", "-k", "270");
    assert_int_equal(n_lines(ran.out), 270);
}

static void test_indexes_are_made_listed_and_removed(void **state)
{
    (void)state;
    add_three();
    RUN("index");
    assert_status(0);
    assert_string_equal(ran.out, "");
    RUN("index", "text", "text");
    assert_status(0);
    RUN("index", "n", "{\"type\": \"integer\", \"range\": true}");
    assert_status(0);
    RUN("index");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 2);
    assert_int_equal(strncmp(ran.out, "text  ", 6), 0);
    assert_non_null(strstr(ran.out, "1 points"));
    RUN("index", "--json");
    struct json_object *second = json_line(1);
    assert_string_equal(json_object_get_string(json_get(second, "kind")), "integer");
    assert_non_null(json_get(json_get(second, "params"), "range"));
    json_object_put(second);
    RUN("stats");
    assert_non_null(strstr(ran.out, "on text (text), 1 points"));
    RUN("ls", "--filter", CAPTIONED);
    assert_int_equal(n_lines(ran.out), 1);
    RUN("index", "--remove", "text");
    assert_status(0);
    RUN("index");
    assert_int_equal(n_lines(ran.out), 1);
    RUN("index", "text");
    assert_one_error(2, "say a field and a kind");
    RUN("index", "text", "nothing");
    assert_one_error(2, "there is no index of the kind");
    RUN("index", "--url", "http://127.0.0.1:1", "text", "text");
    assert_status(2);
}

static void test_stats_and_model_in_both_forms(void **state)
{
    (void)state;
    add_three();
    RUN("stats", "--json");
    assert_status(0);
    assert_int_equal(printed("points"), 3);
    RUN("stats");
    assert_status(0);
    assert_non_null(strstr(ran.out, "3 vectors of 8 numbers"));
    RUN("model", "--json");
    assert_status(0);
    assert_int_equal(printed("dim"), TINY_DIM);
    RUN("model");
    assert_status(0);
    assert_non_null(strstr(ran.out, "tiny"));
}

static void test_captions_cannot_steer_the_terminal(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    put_text("a.txt", "dog \033[2J\a end");
    RUN("add", pictures);
    assert_status(0);
    RUN("ls");
    assert_status(0);
    assert_null(strchr(ran.out, '\033'));
    assert_null(strchr(ran.out, '\a'));
    assert_non_null(strstr(ran.out, "end"));
}

static void test_a_name_that_is_no_utf8_is_no_trouble(void **state)
{
    (void)state;
    put_picture("d\xf6g\033[2J.ppm", 1);
    put_text("d\xf6g.jpg", "no picture");
    RUN("add", pictures);
    assert_status(4);
    assert_int_equal(n_lines(ran.err), 1);
    RUN("ls", "--json");
    assert_status(0);
    json_object_put(json_line(0));
    RUN("get", at("pictures/d\xf6g\033[2J.ppm"));
    assert_status(0);
    RUN("get", at("pictures/\033[2J/x.ppm"));
    assert_status(3);
    assert_null(strchr(ran.err, '\033'));
}

/* ---- Output that goes nowhere
 * ------------------------------------------------------------ */

static void test_a_full_disk_behind_stdout_is_an_error(void **state)
{
    (void)state;
    add_three();
    finish(start((const char *const[]){"ls", NULL}, "/dev/full"));
    assert_status(8);
    assert_non_null(strstr(ran.err, "standard output"));
}

static void test_a_reader_that_leaves_is_no_error(void **state)
{
    (void)state;
    char command[PATH_MAX + 64];
    char name[16];
    for (uint32_t i = 0; i < 1000; i++) { /* more than a pipe holds */
        snprintf(name, sizeof name, "%u.ppm", i);
        put_picture(name, i);
    }
    RUN("add", pictures, "-q");
    snprintf(command, sizeof command, "{ %s ls --json; echo $? >&2; } 2>%s | head -n 1",
             program, at("stderr"));
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(ran.out, OUTPUT_MAX, pipe));
    assert_int_equal(pclose(pipe), 0);
    read_text(at("stderr"), ran.err);
    assert_string_equal(ran.err, "0\n");
}

/* ---- Other processes
 * --------------------------------------------------------------------- */

static void test_a_second_writer_is_told_busy_and_readers_are_not(void **state)
{
    (void)state;
    struct duet *db;
    char pid[32];
    struct duet_options options = {.path = database, .write = true};
    add_three();
    assert_ok(duet_open(&db, &options));
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    RUN("add", pictures);
    assert_one_error(5, pid);
    RUN("rm", "1");
    assert_status(5);
    RUN("search", "dog");
    assert_status(0);
    duet_close(db);
    RUN("add", pictures);
    assert_status(0);
}

/* Waits until the program has opened the database; fails after some seconds. */
static void wait_for_database(void)
{
    for (int i = 0; i < 1000; i++) {
        if (access(at("duet.db/data.mdb"), F_OK) == 0) {
            return;
        }
        usleep(10 * 1000);
    }
    fail_msg("the database was not made");
}

enum { N_MANY = 3000 };

static void put_many(void)
{
    char name[16];
    for (uint32_t i = 0; i < N_MANY; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        put_picture(name, i);
    }
}

static void test_an_interrupted_add_ends_cleanly_and_goes_on(void **state)
{
    (void)state;
    put_many();
    const char *const args[] = {"add", pictures, "--threads", "1", "--json", NULL};
    pid_t pid = start(args, at("stdout"));
    wait_for_database();
    kill(pid, SIGINT);
    finish(pid);
    assert_true(ran.status == 130 || ran.status == 0); /* 0: it was done already */
    long n_first = printed("added");
    if (ran.status == 130) {
        assert_non_null(strstr(ran.err, "goes on from here"));
        assert_true(n_first < N_MANY);
    }
    RUN("add", pictures, "--json");
    assert_status(0);
    assert_int_equal(printed("unchanged"), n_first);
    assert_int_equal(printed("added"), N_MANY - n_first);
}

static void test_a_killed_add_goes_on(void **state)
{
    (void)state;
    put_many();
    const char *const args[] = {"add", pictures, "--threads", "1", NULL};
    pid_t pid = start(args, at("stdout"));
    wait_for_database();
    usleep(100 * 1000);
    kill(pid, SIGKILL);
    finish(pid);
    RUN("add", pictures, "--json");
    assert_status(0);
    assert_int_equal(printed("failed"), 0);
    assert_int_equal(printed("unchanged") + printed("added"), N_MANY);
    RUN("stats", "--json");
    assert_int_equal(printed("points"), N_MANY);
}

static void test_a_full_disk_loses_nothing(void **state)
{
    (void)state;
    char command[2 * PATH_MAX];
    add_three();
    for (uint32_t i = 0; i < 600; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%u.ppm", i);
        put_picture(name, i + 10);
    }
    snprintf(command, sizeof command, "ulimit -f 200; %s add %s >%s 2>%s", program,
             pictures, at("stdout"), at("stderr"));
    int status = system(command);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    read_text(at("stdout"), ran.out);
    read_text(at("stderr"), ran.err);
    assert_one_error(8, "duet.db");
    RUN("search", "dog", "-k", "3");
    assert_status(0);
    RUN("add", pictures, "--json");
    assert_status(0);
    assert_int_equal(printed("unchanged") + printed("added"), 603);
}

static void test_another_models_database_is_refused(void **state)
{
    (void)state;
    static const char space[] = "\"space\":\"tiny-1\"";
    char config[sizeof tiny_config];
    add_three();
    assert_ok(file_make_folders(at("other")));
    tiny_model_write(at("other"), 2);
    strcpy(config, tiny_config);
    memcpy(strstr(config, space), "\"space\":\"tiny-2\"", sizeof space - 1);
    tiny_write(at("other"), "config.json", config, strlen(config));
    RUN("--model", at("other"), "search", "dog");
    assert_status(6);
    assert_non_null(strstr(ran.err, "tiny-2"));
    RUN("--model", at("other"), "add", pictures);
    assert_status(6);
    RUN("--model", "missing", "search", "dog");
    assert_true(ran.status == 10 || ran.status == 3);
}

static void test_a_damaged_database_is_told(void **state)
{
    (void)state;
    add_three();
    assert_int_equal(truncate(at("duet.db/data.mdb"), 5000), 0);
    RUN("search", "dog");
    assert_one_error(7, "data.mdb");
}

/* ---- A server
 * ----------------------------------------------------------------------------- */

/* Starts `duet serve` and copies its URL. */
static pid_t start_server(char url[64])
{
    const char *const args[] = {"serve", "--listen", "127.0.0.1:0", NULL};
    pid_t pid = start(args, at("server.out"));
    for (int i = 0; i < 1000; i++) {
        read_text(at("stderr"), ran.err);
        const char *found = strstr(ran.err, "http://");
        if (found != NULL && strchr(found, ' ') != NULL) {
            snprintf(url, 64, "%.*s", (int)strcspn(found, " "), found);
            assert_int_equal(rename(at("stderr"), at("server.err")), 0);
            return pid;
        }
        usleep(10 * 1000);
    }
    fail_msg("the server does not start: %s", ran.err);
    return -1;
}

/* Asks the server and the database; both must answer alike. */
static void assert_alike(const char *url, const char *const *args)
{
    static char local[OUTPUT_MAX];
    const char *remote[ARGS_MAX] = {"--url", url};
    run_args(args);
    assert_status(0);
    strcpy(local, ran.out);
    for (size_t i = 0; args[i] != NULL; i++) {
        remote[i + 2] = args[i];
    }
    run_args(remote);
    assert_status(0);
    assert_string_equal(ran.out, local);
}

static void test_a_server_answers_as_the_database_does(void **state)
{
    (void)state;
    char url[64];
    add_three();
    pid_t server = start_server(url);
    assert_alike(url, (const char *const[]){"search", "a dog", "--json", NULL});
    assert_alike(url, (const char *const[]){"search", "a dog", NULL});
    assert_alike(
        url, (const char *const[]){"search", "dog", "--in", "any", "-k", "2", NULL});
    assert_alike(url, (const char *const[]){"search", "--image", at("pictures/b.ppm"),
                                            "--exact", "--json", NULL});
    assert_alike(url, (const char *const[]){"ls", "--json", NULL});
    RUN("--url", url, "stats", "--json");
    assert_status(0);
    assert_int_equal(printed("points"), 3);
    kill(server, SIGTERM);
    finish(server);
    assert_status(0);
}

static void test_a_server_answers_mixes_and_likes_as_well(void **state)
{
    (void)state;
    char url[64], id[64], weighed[256];
    add_three();
    RUN("get", at("pictures/c.ppm"));
    snprintf(id, sizeof id, "%.36s", ran.out);
    snprintf(weighed, sizeof weighed, "%s:0.7", at("pictures/b.ppm"));
    pid_t server = start_server(url);
    assert_alike(url,
                 (const char *const[]){"search", "red", "--image", weighed, "--text",
                                       "dog:2", "--not", "blue:0.3", "--json", NULL});
    assert_alike(url, (const char *const[]){"search", "--not", "dog", "--json", NULL});
    assert_alike(url, (const char *const[]){"search", "--like", id, "--json", NULL});
    assert_int_equal(n_lines(ran.out), 2); /* without itself */
    assert_alike(url,
                 (const char *const[]){"search", "dog", "--unlike", id, "--image",
                                       at("pictures/b.ppm"), "--not", "red", NULL});
    assert_alike(url, (const char *const[]){"search", "--unlike", id, "--strategy",
                                            "best", "--json", NULL});
    assert_alike(url, (const char *const[]){"search", "--like", id, "--strategy", "sum",
                                            "--in", "any", "--json", NULL});
    assert_alike(url, (const char *const[]){"search", "--like", at("pictures/c.ppm"),
                                            "--json", NULL});
    kill(server, SIGTERM);
    finish(server);
    assert_status(0);
}

static void test_points_are_got_and_removed_at_a_server(void **state)
{
    (void)state;
    char url[64], id[64];
    add_three();
    RUN("get", at("pictures/c.ppm"));
    snprintf(id, sizeof id, "%.36s", ran.out);
    pid_t server = start_server(url);
    assert_alike(url, (const char *const[]){"get", id, NULL});
    assert_alike(url, (const char *const[]){"ls", "--filter", BARE, NULL});
    assert_alike(
        url, (const char *const[]){"search", "dog", "--filter", BARE, "-k", "1", NULL});
    RUN("--url", url, "stats", "--filter", BARE, "--json");
    assert_int_equal(printed("matching"), 2);
    RUN("--url", url, "ls", "--filter", "{\"musst\":[]}");
    assert_one_error(2, "filter.musst: is not known here");
    RUN("--url", url, "rm", "--filter", "{\"must\":{\"has_id\":[77]}}");
    assert_status(1);
    RUN("--url", url, "rm", id, "77");
    assert_status(0);
    assert_string_equal(ran.out, "1 of 2 removed\n");
    RUN("--url", url, "rm", "--filter", BARE);
    assert_status(0);
    assert_string_equal(ran.out, "2 removed\n");
    RUN("--url", url, "get", id);
    assert_status(1);
    RUN("--url", url, "get", "no/id");
    assert_one_error(3, "no/id");
    RUN("--url", url, "--collection", "other", "search", "dog");
    assert_one_error(3, "other");
    kill(server, SIGTERM);
    finish(server);
    assert_status(0);
}

static void test_no_server_there_has_its_own_code(void **state)
{
    (void)state;
    RUN("--url", "http://127.0.0.1:1", "search", "dog");
    assert_one_error(9, "http://127.0.0.1:1");
    RUN("--url", "http://127.0.0.1:1", "add", pictures);
    assert_one_error(9, "http://127.0.0.1:1");
    RUN("--url", "http://127.0.0.1:1", "verify");
    assert_one_error(2, "not on --url");
}

int main(void)
{
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_without_a_command_help_is_told_on_stderr),
        TEST(test_help_lists_every_command),
        TEST(test_every_command_has_a_screen_with_an_example),
        TEST(test_the_exit_codes_are_listed),
        TEST(test_version),
        TEST(test_unknown_words_suggest_the_nearest),
        TEST(test_options_are_checked),
        TEST(test_a_query_must_say_something_in_utf8),
        TEST(test_a_missing_database_is_told_with_how_to_make_one),
        TEST(test_adding_again_does_nothing),
        TEST(test_changed_moved_and_pruned_files_are_counted),
        TEST(test_bad_files_are_told_one_a_line_and_the_rest_goes_in),
        TEST(test_nothing_to_add_is_an_error),
        TEST(test_quiet_prints_nothing_where_all_is_well),
        TEST(test_verbose_tells_of_profiles_that_are_missed),
        TEST(test_decode_exact_turns_shrinking_off),
        TEST(test_a_list_of_pictures_with_captions),
        TEST(test_search_prints_rank_score_path_and_caption),
        TEST(test_search_by_picture_finds_it),
        TEST(test_a_mix_weighs_what_is_asked_for),
        TEST(test_a_picture_that_is_liked_is_left_out),
        TEST(test_a_count_past_all_gives_all),
        TEST(test_nothing_found_has_its_own_code),
        TEST(test_a_bad_picture_to_search_by_is_told),
        TEST(test_wrong_places_to_search_are_told),
        TEST(test_points_are_got_and_removed_by_id_or_path),
        TEST(test_filters_choose_what_is_listed_found_counted_and_removed),
        TEST(test_filters_that_are_wrong_are_told),
        TEST(test_a_removed_picture_can_be_added_again),
        TEST(test_ls_lists_all_across_pages),
        TEST(test_indexes_are_made_listed_and_removed),
        TEST(test_stats_and_model_in_both_forms),
        TEST(test_a_name_that_is_no_utf8_is_no_trouble),
        TEST(test_captions_cannot_steer_the_terminal),
        TEST(test_a_full_disk_behind_stdout_is_an_error),
        TEST(test_a_reader_that_leaves_is_no_error),
        TEST(test_a_second_writer_is_told_busy_and_readers_are_not),
        TEST(test_an_interrupted_add_ends_cleanly_and_goes_on),
        TEST(test_a_killed_add_goes_on),
        TEST(test_a_full_disk_loses_nothing),
        TEST(test_another_models_database_is_refused),
        TEST(test_a_damaged_database_is_told),
        TEST(test_a_server_answers_as_the_database_does),
        TEST(test_a_server_answers_mixes_and_likes_as_well),
        TEST(test_points_are_got_and_removed_at_a_server),
        TEST(test_no_server_there_has_its_own_code),
    };
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
