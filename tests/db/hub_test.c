/*
 * hub_test.c - duet_model_pull against a hub in this process (fake_hub.h): what comes
 * is right and whole or is not installed, whatever the hub and the network do.
 */
#include "tests/db/pull_fixture.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/model_manifest.h"
#include "tests/db/process.h"

/* ---- What goes well -------------------------------------------------------------- */

static void test_a_model_is_pulled_and_opens(void **state)
{
    (void)state;
    assert_ok(pull());
    assert_string_equal(done.name, "owner/tiny");
    assert_string_equal(done.revision, FAKE_COMMIT);
    assert_string_equal(done.licence, "mit");
    assert_string_equal(done.folder, at("owner/tiny"));
    assert_false(done.up_to_date);
    assert_int_equal(done.n_fetched, done.bytes);
    assert_installed();
    assert_string_equal(notes, "");
    assert_false(is_there(".partial/owner--tiny@" FAKE_COMMIT));
}

static void test_the_manifest_lists_what_came(void **state)
{
    (void)state;
    struct manifest m;
    uint64_t n = 0;
    assert_ok(pull());
    assert_ok(manifest_read(&m, at("owner/tiny")));
    assert_string_equal(m.repository, "owner/tiny");
    assert_string_equal(m.revision, FAKE_COMMIT);
    assert_string_equal(m.licence, "mit");
    assert_int_equal(m.n, hub.n_files);
    for (size_t i = 0; i < m.n; i++) {
        const struct fake_file *file = fake_hub_file(&hub, m.files[i].name);
        assert_non_null(file);
        assert_string_equal(m.files[i].sha256, file->sha256);
        n += m.files[i].size;
    }
    assert_int_equal(n, done.bytes);
    manifest_release(&m);
}

static void test_the_same_revision_is_up_to_date(void **state)
{
    (void)state;
    assert_ok(pull());
    int n = hub.n_requests;
    assert_ok(pull());
    assert_true(done.up_to_date);
    assert_int_equal(hub.n_requests, n + 1);
}

static void test_a_model_with_a_file_missing_is_pulled_again(void **state)
{
    (void)state;
    assert_ok(pull());
    assert_int_equal(unlink(at("owner/tiny/image.safetensors")), 0);
    assert_ok(pull());
    assert_false(done.up_to_date);
    assert_installed();
}

static void test_a_newer_revision_replaces_and_fetches_what_changed(void **state)
{
    (void)state;
    assert_ok(pull());
    int n_whole = hub.n_whole;
    struct fake_file *f;
    char changed[64];
    test_folder_make(changed);
    tiny_model_write(changed, 7);
    fake_hub_clear(&hub);
    fake_hub_add_folder(&hub, changed);
    test_folder_remove(changed);
    /* All weights but one are others now. */
    f = fake_hub_file(&hub, "text-zh.safetensors");
    char path[600];
    struct buf same;
    buf_init(&same, 1 << 24);
    snprintf(path, sizeof path, "%s/text-zh.safetensors", tiny);
    assert_ok(file_read(path, &same));
    snprintf(f->name, sizeof f->name, "unused.bin");
    (void)fake_hub_add(&hub, "text-zh.safetensors", same.data, same.size);
    buf_release(&same);
    hub.commit = FAKE_COMMIT_2;
    int open_file = open(at("owner/tiny/text-en.safetensors"), O_RDONLY);
    assert_true(open_file >= 0);
    assert_ok(pull());
    assert_false(done.up_to_date);
    assert_string_equal(done.revision, FAKE_COMMIT_2);
    assert_int_equal(hub.n_whole, n_whole + 5); /* of six */
    assert_installed();
    assert_non_null(strstr(notes, "unused.bin"));
    char byte;
    assert_int_equal(pread(open_file, &byte, 1, 0),
                     1); /* who has the old one goes on */
    close(open_file);
}

static void test_a_revision_with_a_slash_is_escaped(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    o.revision = "refs/pr/1";
    assert_ok(duet_model_pull(&o, &done));
    o.revision = "../../x";
    assert_err(duet_model_pull(&o, &done), ERR_INVALID);
}

static void test_a_base_from_the_environment(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    o.hub = NULL;
    setenv("HF_ENDPOINT", hub.url, 1);
    assert_ok(duet_model_pull(&o, &done));
    setenv("DUET_HUB", "ftp://nowhere", 1);
    assert_err(duet_model_pull(&o, &done), ERR_INVALID);
    unsetenv("DUET_HUB");
    unsetenv("HF_ENDPOINT");
}

/* ---- The token ------------------------------------------------------------------- */

static void test_the_token_goes_to_the_hub_and_nowhere_else(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    hub.want_token = "hf_secret";
    hub.relative = true; /* within the hub it is sent again */
    o.token = "hf_secret";
    assert_ok(duet_model_pull(&o, &done));
    assert_true(hub.n_large > 0);
    assert_string_equal(hub.own_token, "Bearer hf_secret");
    assert_string_equal(hub.store_token, "");
}

static void test_a_token_that_could_end_a_header_is_refused(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    o.token = "hf\r\nHost: elsewhere";
    assert_err(duet_model_pull(&o, &done), ERR_INVALID);
    assert_int_equal(hub.n_requests, 0);
}

static void test_a_wanted_token_is_told(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    hub.want_token = "hf_secret";
    assert_not_installed(ERR_NOT_FOUND, "HF_TOKEN");
    o.token = "hf_wrong";
    assert_err(duet_model_pull(&o, &done), ERR_INVALID);
    assert_detail("does not take the token");
    assert_int_equal(hub.n_requests, 2); /* it will not pass: no second try */
}

static void test_a_gated_model_is_told(void **state)
{
    (void)state;
    hub.file_status = 403;
    hub.error_code = "GatedRepo";
    assert_not_installed(ERR_INVALID, "accept its terms");
    assert_detail("/owner/tiny");
}

static void test_a_forbidden_model_is_told(void **state)
{
    (void)state;
    hub.file_status = 403;
    assert_not_installed(ERR_INVALID, "does not let you");
}

static void test_a_missing_model_and_revision_are_told(void **state)
{
    (void)state;
    hub.api_status = 404;
    assert_not_installed(ERR_NOT_FOUND, "private");
    hub.error_code = "RevisionNotFound";
    assert_not_installed(ERR_NOT_FOUND, "no such revision");
    assert_false(is_there(".partial/owner--tiny.lock"));
}

/* ---- Connections ----------------------------------------------------------------- */

static void test_a_cut_connection_is_gone_on_with(void **state)
{
    (void)state;
    hub.cut_after = 300;
    hub.cut_times = 3;
    assert_ok(pull());
    assert_installed();
    assert_true(hub.n_ranges > 0);
    assert_true(strncmp(hub.last_range, "bytes=", 6) == 0);
    assert_true(strncmp(hub.last_if_range, "\"store-", 7) == 0);
    assert_int_equal(done.n_fetched, done.bytes); /* no byte came twice */
    assert_non_null(strstr(notes, "trying again"));
}

static void test_a_hub_that_always_cuts_is_given_up(void **state)
{
    (void)state;
    hub.cut_after = 1;
    hub.cut_times = 1000;
    assert_not_installed(ERR_TIMEOUT, "safetensors");
    hub.cut_times = 0;
    assert_ok(pull());
    assert_installed();
}

/* Each try brings more than a good piece, but the same one. */
static void test_a_hub_that_always_cuts_at_one_place_is_given_up(void **state)
{
    (void)state;
    size_t n = 3 << 20;
    char *bytes = calloc(n, 1);
    assert_non_null(bytes);
    snprintf(fake_hub_file(&hub, "image.safetensors")->name, 32, "unused.bin");
    (void)fake_hub_add(&hub, "image.safetensors", bytes, n);
    free(bytes);
    hub.cut_after = 2 << 20;
    hub.cut_times = 1000;
    hub.ignore_range = true;
    assert_not_installed(ERR_TIMEOUT, "safetensors");
    assert_true(hub.cut_times > 1000 - 10);
}

static void test_a_stalled_connection_is_cut_and_gone_on_with(void **state)
{
    (void)state;
    hub.stall_after = 200;
    hub.stall_times = 1;
    assert_ok(pull());
    assert_installed();
    assert_true(hub.n_ranges > 0);
}

static void test_a_hub_that_ignores_ranges_begins_anew(void **state)
{
    (void)state;
    hub.cut_after = 300;
    hub.cut_times = 2;
    hub.ignore_range = true;
    assert_ok(pull());
    assert_installed();
    assert_true(hub.n_ranges > 0);
    assert_true(done.n_fetched > done.bytes);
}

static void test_a_range_refused_begins_anew(void **state)
{
    (void)state;
    hub.cut_after = 300;
    hub.cut_times = 1;
    hub.refuse_range = true;
    assert_ok(pull());
    assert_installed();
    assert_int_equal(hub.n_ranges, 1);
}

static void test_another_range_than_asked_for_begins_anew(void **state)
{
    (void)state;
    hub.cut_after = 300;
    hub.cut_times = 1;
    hub.wrong_range = true;
    assert_ok(pull());
    assert_installed();
}

static void test_a_file_changed_between_two_tries_begins_anew(void **state)
{
    (void)state;
    hub.cut_after = 1;
    hub.cut_times = 1000;
    assert_not_installed(ERR_TIMEOUT, "safetensors");
    hub.cut_times = 0;
    for (size_t i = 0; i < hub.n_files; i++) {
        strcpy(hub.files[i].etag, "\"another\"");
    }
    hub.n_ranges = 0;
    assert_ok(pull());
    assert_installed();
    assert_int_equal(hub.n_ranges, 1); /* asked for, and answered by the whole */
}

static void test_an_unwell_hub_is_asked_again(void **state)
{
    (void)state;
    hub.fail_times = 3;
    assert_ok(pull());
    hub.fail_times = 1000;
    assert_err(pull(), ERR_TIMEOUT);
    assert_detail("503");
}

static void test_no_hub_is_told_at_once(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    uint64_t start = clock_monotonic_ns();
    o.hub = "http://127.0.0.1:1";
    o.retry_ms = 10000;
    assert_err(duet_model_pull(&o, &done), ERR_TIMEOUT);
    assert_true(clock_monotonic_ns() - start < 2000000000u);
}

static void test_endless_redirects_end(void **state)
{
    (void)state;
    hub.endless = true;
    assert_not_installed(ERR_CORRUPT, "redirects");
    assert_in_range(hub.n_requests, 5, 15);
}

static void test_a_redirect_out_of_http_is_not_followed(void **state)
{
    (void)state;
    hub.down = true;
    assert_not_installed(ERR_CORRUPT, "not followed");
}

static bool stop_at_weights(void *arg, const struct duet_pull_progress *now)
{
    (void)arg;
    return now->file == NULL || strstr(now->file, ".safetensors") == NULL ||
           now->n_done == 0;
}

static void test_a_pull_is_stopped_and_gone_on_with(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    hub.stall_after = 200;
    hub.stall_times = 1;
    o.stall_seconds = 20;
    o.progress = stop_at_weights;
    assert_err(duet_model_pull(&o, &done), ERR_CANCELLED);
    assert_false(is_there("owner/tiny"));
    assert_true(is_there(".partial/owner--tiny@" FAKE_COMMIT));
    hub.n_ranges = 0;
    assert_ok(pull());
    assert_installed();
    assert_int_equal(hub.n_ranges, 1);
    assert_string_equal(hub.last_range, "bytes=200-");
}

/* A branch that moves while a pull is interrupted again and again. */
static void test_another_commits_partial_folder_is_gone_on_with(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    hub.stall_after = 200;
    hub.stall_times = 1;
    o.stall_seconds = 20;
    o.progress = stop_at_weights;
    assert_err(duet_model_pull(&o, &done), ERR_CANCELLED);
    int n_whole = hub.n_whole;
    hub.commit = FAKE_COMMIT_2;
    hub.n_ranges = 0;
    assert_ok(pull());
    assert_string_equal(done.revision, FAKE_COMMIT_2);
    assert_installed();
    assert_int_equal(hub.n_ranges, 1);
    assert_true(hub.n_whole - n_whole < (int)hub.n_files);
    assert_false(is_there(".partial/owner--tiny@" FAKE_COMMIT));
    assert_false(is_there(".partial/owner--tiny@" FAKE_COMMIT_2));
}

/* No ETag tells that it is another file's beginning; its hash does, and the file is
 * fetched once more without a word. */
static void test_a_wrong_beginning_is_fetched_again(void **state)
{
    (void)state;
    const char *part = ".partial/owner--tiny@" FAKE_COMMIT "/image.safetensors.part";
    assert_ok(file_make_folders(at(".partial/owner--tiny@" FAKE_COMMIT)));
    assert_ok(file_write(at(part), "not its first bytes", 19));
    assert_ok(pull());
    assert_installed();
    assert_int_equal(hub.n_ranges, 1);
}

/* ---- What comes is not what was listed -------------------------------------------- */

static void test_a_wrong_hash_of_a_large_file_fails(void **state)
{
    (void)state;
    struct fake_file *f = fake_hub_file(&hub, "image.safetensors");
    hub.no_redirect = true; /* so that no header tells before */
    memset(f->listed_hash, 'a', 64);
    assert_not_installed(ERR_CORRUPT, "image.safetensors");
    assert_detail("removed");
    assert_false(is_there(".partial/owner--tiny@" FAKE_COMMIT "/image.safetensors"));
    assert_false(
        is_there(".partial/owner--tiny@" FAKE_COMMIT "/image.safetensors.part"));
    f->listed_hash[0] = '\0';
    assert_ok(pull());
    assert_installed();
}

static void test_a_wrong_hash_of_a_small_file_fails(void **state)
{
    (void)state;
    struct fake_file *f = fake_hub_file(&hub, "vocab-en.txt");
    memset(f->listed_hash, 'a', 40);
    assert_not_installed(ERR_CORRUPT, "vocab-en.txt");
}

static void test_another_linked_hash_is_told_before_a_byte_comes(void **state)
{
    (void)state;
    memset(fake_hub_file(&hub, "image.safetensors")->listed_hash, 'a', 64);
    assert_not_installed(ERR_CORRUPT, "image.safetensors");
}

static void test_a_wrong_size_fails(void **state)
{
    (void)state;
    struct fake_file *f = fake_hub_file(&hub, "vocab-en.txt");
    f->listed_size = (long long)f->bytes.size - 1;
    assert_not_installed(ERR_CORRUPT, "vocab-en.txt");
    f->listed_size = (long long)f->bytes.size + 1;
    assert_not_installed(ERR_CORRUPT, "vocab-en.txt");
}

static void test_more_bytes_than_listed_fail(void **state)
{
    (void)state;
    hub.too_long = true;
    assert_not_installed(ERR_CORRUPT, "more than");
}

static void test_another_commit_fails(void **state)
{
    (void)state;
    hub.moved_commit = true;
    assert_not_installed(ERR_CORRUPT, "commit");
}

static void test_a_damaged_partial_file_is_fetched_again(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    char path[512];
    memset(fake_hub_file(&hub, "vocab-zh.txt")->listed_hash, 'a', 40);
    assert_err(duet_model_pull(&o, &done), ERR_CORRUPT);
    fake_hub_file(&hub, "vocab-zh.txt")->listed_hash[0] = '\0';
    snprintf(path, sizeof path, "%s/.partial/owner--tiny@%s/config.json", home,
             FAKE_COMMIT);
    assert_int_equal(access(path, F_OK), 0);
    assert_ok(file_write(path, "{}", 2));
    assert_ok(pull());
    assert_installed();
}

/* ---- Installing ------------------------------------------------------------------- */

static void test_a_folder_that_no_pull_made_is_not_touched(void **state)
{
    (void)state;
    assert_ok(file_make_folders(at("owner/tiny")));
    assert_ok(file_write(at("owner/tiny/mine"), "x", 1));
    assert_err(pull(), ERR_EXISTS);
    assert_true(is_there("owner/tiny/mine"));
}

static void test_an_unknown_family_is_kept_but_not_installed(void **state)
{
    (void)state;
    static const char config[] = "{\"model_type\":\"unheard-of\"}";
    fake_hub_clear(&hub);
    (void)fake_hub_add(&hub, "config.json", config, sizeof config - 1);
    (void)fake_hub_add(&hub, "model.safetensors", "xxxxxxxxxx", 10);
    assert_not_installed(ERR_MODEL, "kept for one that can");
    int n = hub.n_large;
    assert_not_installed(ERR_MODEL, "this build");
    assert_int_equal(hub.n_large, n); /* nothing is downloaded twice */
}

static void pull_in_child(void *arg)
{
    (void)arg;
    CHILD_CHECK(pull() == ERR_BUSY);
    CHILD_CHECK(strstr(err_detail(), "pulling owner/tiny") != NULL);
}

static bool try_another(void *arg, const struct duet_pull_progress *now)
{
    int *status = arg;
    (void)now;
    if (*status < 0) {
        *status = child_run(pull_in_child, NULL);
    }
    return true;
}

static void test_the_second_of_two_pulls_is_refused(void **state)
{
    (void)state;
    struct duet_pull_options o = options();
    int status = -1;
    o.progress = try_another;
    o.arg = &status;
    o.note = NULL;
    assert_ok(duet_model_pull(&o, &done));
    assert_int_equal(status, 0);
}

/* ---- No memory ---------------------------------------------------------------------- */

enum { SHORT_OF_MEMORY = 3 };

/* In a child, since the hub's own threads would run short as well. */
static void pull_with_little(void *n_allocations)
{
    alloc_fail_after(*(long *)n_allocations);
    enum err result = pull();
    alloc_fail_after(-1);
    CHILD_CHECK(result == ERR_OK || result == ERR_NOMEM);
    if (result == ERR_NOMEM) {
        _exit(SHORT_OF_MEMORY);
    }
}

static void test_no_memory_at_any_point_is_an_error(void **state)
{
    (void)state;
    long n = 0;
    for (int status = -1; status != 0; n += 3) {
        status = child_run(pull_with_little, &n);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == SHORT_OF_MEMORY);
        assert_true(status == 0 || !is_there("owner/tiny"));
        assert_true(n < 3000);
    }
    assert_true(n > 20);
    assert_installed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_model_is_pulled_and_opens),
        TEST(test_the_manifest_lists_what_came),
        TEST(test_the_same_revision_is_up_to_date),
        TEST(test_a_model_with_a_file_missing_is_pulled_again),
        TEST(test_a_newer_revision_replaces_and_fetches_what_changed),
        TEST(test_a_revision_with_a_slash_is_escaped),
        TEST(test_a_base_from_the_environment),
        TEST(test_the_token_goes_to_the_hub_and_nowhere_else),
        TEST(test_a_token_that_could_end_a_header_is_refused),
        TEST(test_a_wanted_token_is_told),
        TEST(test_a_gated_model_is_told),
        TEST(test_a_forbidden_model_is_told),
        TEST(test_a_missing_model_and_revision_are_told),
        TEST(test_a_cut_connection_is_gone_on_with),
        TEST(test_a_hub_that_always_cuts_is_given_up),
        TEST(test_a_hub_that_always_cuts_at_one_place_is_given_up),
        TEST(test_a_stalled_connection_is_cut_and_gone_on_with),
        TEST(test_a_hub_that_ignores_ranges_begins_anew),
        TEST(test_a_range_refused_begins_anew),
        TEST(test_another_range_than_asked_for_begins_anew),
        TEST(test_a_file_changed_between_two_tries_begins_anew),
        TEST(test_an_unwell_hub_is_asked_again),
        TEST(test_no_hub_is_told_at_once),
        TEST(test_endless_redirects_end),
        TEST(test_a_redirect_out_of_http_is_not_followed),
        TEST(test_a_pull_is_stopped_and_gone_on_with),
        TEST(test_another_commits_partial_folder_is_gone_on_with),
        TEST(test_a_wrong_beginning_is_fetched_again),
        TEST(test_a_wrong_hash_of_a_large_file_fails),
        TEST(test_a_wrong_hash_of_a_small_file_fails),
        TEST(test_another_linked_hash_is_told_before_a_byte_comes),
        TEST(test_a_wrong_size_fails),
        TEST(test_more_bytes_than_listed_fail),
        TEST(test_another_commit_fails),
        TEST(test_a_damaged_partial_file_is_fetched_again),
        TEST(test_a_folder_that_no_pull_made_is_not_touched),
        TEST(test_an_unknown_family_is_kept_but_not_installed),
        TEST(test_the_second_of_two_pulls_is_refused),
        TEST(test_no_memory_at_any_point_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
