/*
 * model_pull.c - see duet_model.h, duet_model_pull.
 *
 * The steps, each of which may be the last one of a run that is cut off:
 *   1. a lock on the model, which the kernel drops at death;
 *   2. the hub's list of files, and with it the commit: all else is asked for by it, so
 *      that a branch that moves meanwhile does not mix two versions;
 *   3. the configuration, then perhaps an index, which say what else is needed;
 *   4. the files, into HOME/.partial/owner--name@commit, each checked (model_fetch.c);
 *   5. the model is opened where it lies, with all towers;
 *   6. the folder, with duet.json in it, is renamed into place.
 * Another commit's partial folder is of no use any more when one is installed.
 */
#include "db/model_pull.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/model_folder.h"
#include "db/model_probe.h"
#include "encoder/model_path.h"

#define PUBLIC_HUB "https://huggingface.co"
#define SPARE_BYTES (64u << 20) /* of the disk, that are left alone */

/* ---- Beginning ------------------------------------------------------------------ */

/* The option, else the first variable that is set, else `otherwise`. */
static const char *setting(const char *option, const char *first, const char *second,
                           const char *otherwise)
{
    const char *values[] = {option, getenv(first), getenv(second)};
    for (size_t i = 0; i < 3; i++) {
        if (values[i] != NULL && values[i][0] != '\0') {
            return values[i];
        }
    }
    return otherwise;
}

static bool watch_hub(void *arg, uint64_t n_have)
{
    return pull_watch(arg, n_have, false);
}

static void note(void *arg, const char *sentence)
{
    const struct pull *pull = arg;
    if (pull->options->note != NULL) {
        pull->options->note(pull->options->arg, sentence);
    }
}

static enum err open_hub(struct pull *pull)
{
    const struct duet_pull_options *o = pull->options;
    struct hub_options options = {
        .base = setting(o->hub, "DUET_HUB", "HF_ENDPOINT", PUBLIC_HUB),
        .token = setting(o->token, "DUET_HUB_TOKEN", "HF_TOKEN", NULL),
        .what = o->name,
        .stall_seconds = o->stall_seconds,
        .retry_ms = o->retry_ms,
        .go_on = watch_hub,
        .note = note,
        .arg = pull,
    };
    return hub_open(&pull->hub, &options);
}

static enum err name_folders(struct pull *pull)
{
    const char *name = pull->options->name;
    const char *slash = strchr(name, '/');
    if (pull->options->folder != NULL) {
        TRY(buf_printf(&pull->home, "%s", pull->options->folder));
    } else {
        TRY(enc_models_home(&pull->home));
    }
    TRY(buf_printf(&pull->flat, "%.*s--%s", (int)(slash - name), name, slash + 1));
    TRY(buf_printf(&pull->target, "%s/%s", pull->home.data, name));
    FAIL_IF(pull->target.size + 256 > PATH_MAX, ERR_LIMIT,
            "%.100s…: the models folder's path is too long", pull->home.data);
    return ERR_OK;
}

/* Whoever held the lock before may have removed the file that was opened here; then
 * another one is there, or none, and this lock is on nothing. */
static bool is_still_there(int fd, const char *path)
{
    struct stat mine, there;
    return fstat(fd, &mine) == 0 && stat(path, &there) == 0 &&
           mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

static enum err lock_file(struct pull *pull, const char *path)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0) {
            return err_errno(errno, "%s", path);
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int errnum = errno;
            close(fd);
            FAIL_IF(errnum == EWOULDBLOCK, ERR_BUSY, "another process is pulling %s",
                    pull->options->name);
            return err_errno(errnum, "%s", path);
        }
        if (is_still_there(fd, path)) {
            pull->lock = fd;
            return ERR_OK;
        }
        close(fd);
    }
}

static enum err take_lock(struct pull *pull)
{
    struct buf path;
    buf_init(&path, PATH_MAX);
    enum err result = buf_printf(&path, "%s/.partial", pull->home.data);
    if (result == ERR_OK) {
        result = file_make_folders(path.data);
    }
    if (result == ERR_OK) {
        result = buf_printf(&path, "/%s.lock", pull->flat.data);
    }
    if (result == ERR_OK) {
        result = lock_file(pull, path.data);
    }
    buf_release(&path);
    return result;
}

/* The lock goes with its holder, and so does a partial folder that has nothing in it:
 * a name that was misspelt leaves nothing. */
static void drop_lock(struct pull *pull)
{
    char path[PATH_MAX];
    if (pull->lock < 0) {
        return;
    }
    if (pull->partial.size > 0) {
        (void)rmdir(pull->partial.data);
    }
    int n = snprintf(path, sizeof path, "%s/.partial/%s.lock", pull->home.data,
                     pull->flat.data);
    if (n > 0 && n < PATH_MAX) {
        unlink(path);
    }
    close(pull->lock);
}

/* ---- What there is -------------------------------------------------------------- */

static enum err ask_hub(struct pull *pull)
{
    struct buf path, answer;
    const char *revision = pull->options->revision;
    buf_init(&path, 1024);
    buf_init(&answer, LIMIT_HUB_ANSWER_BYTES);
    enum err result =
        buf_printf(&path, "/api/models/%s/revision/", pull->options->name);
    for (const char *c = revision == NULL ? "main" : revision;
         *c != '\0' && result == ERR_OK; c++) {
        result = *c == '/' ? buf_append(&path, "%2F", 3) : buf_append(&path, c, 1);
    }
    if (result == ERR_OK) {
        result = buf_printf(&path, "?blobs=true");
    }
    if (result == ERR_OK) {
        result = hub_get(pull->hub, path.data, &answer);
    }
    if (result == ERR_OK) {
        result = hub_repo_parse(&pull->repo, answer.data, answer.size);
    }
    buf_release(&answer);
    buf_release(&path);
    return result;
}

/* Whether the installed revision is the wanted one, with all its files. A folder that
 * no pull made is not touched. */
static enum err look_at_installed(struct pull *pull, bool *up_to_date)
{
    char path[PATH_MAX];
    struct stat st;
    *up_to_date = false;
    if (lstat(pull->target.data, &st) != 0) {
        return ERR_OK;
    }
    enum err result = manifest_read(&pull->installed, pull->target.data);
    FAIL_IF(result == ERR_NOT_FOUND, ERR_EXISTS,
            "%s is there and was not pulled by duet: move it away first",
            pull->target.data);
    if (result != ERR_OK) {
        return result == ERR_CORRUPT ? ERR_OK : result; /* it is replaced */
    }
    const struct manifest *m = &pull->installed;
    *up_to_date = strcmp(m->revision, pull->repo.commit) == 0;
    for (size_t i = 0; i < m->n && *up_to_date; i++) {
        snprintf(path, sizeof path, "%s/%s", pull->target.data, m->files[i].name);
        *up_to_date = stat(path, &st) == 0 && (uint64_t)st.st_size == m->files[i].size;
        pull->done.bytes += m->files[i].size;
    }
    return ERR_OK;
}

static enum err fill_result(struct pull *pull)
{
    struct duet_pull_result *done = &pull->done;
    snprintf(done->name, sizeof done->name, "%s", pull->options->name);
    snprintf(done->revision, sizeof done->revision, "%s", pull->repo.commit);
    snprintf(done->licence, sizeof done->licence, "%s", pull->repo.licence);
    snprintf(done->folder, sizeof done->folder, "%s", pull->target.data);
    return buf_printf(&pull->partial, "%s/.partial/%s@%s", pull->home.data,
                      pull->flat.data, pull->repo.commit);
}

/* Of this model's partial folders, "owner--name@…". */
static bool is_ours(const struct pull *pull, const char *name)
{
    return strncmp(name, pull->flat.data, pull->flat.size) == 0 &&
           name[pull->flat.size] == '@';
}

static enum err adopt(void *arg, const char *folder, const char *name)
{
    char path[PATH_MAX];
    const struct pull *pull = arg;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (is_ours(pull, name) && n > 0 && n < PATH_MAX) {
        (void)rename(path, pull->partial.data); /* not into one that has files */
    }
    return ERR_OK;
}

/* What a pull of another commit left is gone on with: most files of two commits are the
 * same, each is checked, and a branch that moves leaves no heap of folders. */
static enum err make_partial(struct pull *pull)
{
    char above[PATH_MAX];
    struct stat st;
    if (lstat(pull->partial.data, &st) != 0) {
        snprintf(above, sizeof above, "%s/.partial", pull->home.data);
        TRY(folder_walk(above, adopt, pull));
    }
    return file_make_folders(pull->partial.data);
}

/* ---- Choosing ------------------------------------------------------------------- */

/* Fetches a file that has to be read to choose the others. NULL: there is none. */
static enum err fetch_text(struct pull *pull, const struct hub_file *file,
                           struct buf *text)
{
    char path[PATH_MAX];
    if (file == NULL) {
        return ERR_OK;
    }
    FAIL_IF(strchr(file->name, '/') != NULL || file->size > text->max_size, ERR_LIMIT,
            "%s: %llu bytes; at most %zu", file->name, (unsigned long long)file->size,
            text->max_size);
    FAIL_IF(file->sha256[0] == '\0' && file->blob[0] == '\0', ERR_CORRUPT,
            "the hub tells no hash of %s", file->name);
    uint64_t n_before = pull->n_before;
    TRY(pull_fetch(pull, file));
    pull->n_before = n_before; /* it is counted with the others */
    snprintf(path, sizeof path, "%s/%s", pull->partial.data, file->name);
    return file_read(path, text);
}

static enum err choose_files(struct pull *pull, struct hub_choice *choice)
{
    struct buf config, index;
    const struct hub_repo *repo = &pull->repo;
    buf_init(&config, LIMIT_HUB_ANSWER_BYTES);
    buf_init(&index, LIMIT_HUB_ANSWER_BYTES);
    enum err result = fetch_text(pull, hub_repo_config(repo), &config);
    if (result == ERR_OK) {
        result =
            fetch_text(pull, hub_repo_index(repo, config.data, config.size), &index);
    }
    if (result == ERR_OK) {
        struct hub_texts texts = {.config = config.size > 0 ? config.data : NULL,
                                  .index = index.size > 0 ? index.data : NULL,
                                  .n_config = config.size,
                                  .n_index = index.size};
        result = hub_choose(repo, &texts, choice);
    }
    buf_release(&index);
    buf_release(&config);
    return result;
}

static enum err check_room(const struct pull *pull, const struct hub_choice *choice)
{
    struct statvfs disk;
    uint64_t n = SPARE_BYTES;
    for (size_t i = 0; i < choice->n; i++) {
        n += choice->files[i]->size - pull_n_here(pull, choice->files[i]);
    }
    if (statvfs(pull->partial.data, &disk) != 0) {
        return err_errno(errno, "%s", pull->partial.data);
    }
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    FAIL_IF(n > room, ERR_FULL,
            "%s: %llu MB are needed and %llu MB are free on the disk", pull->home.data,
            (unsigned long long)(n / 1000000), (unsigned long long)(room / 1000000));
    return ERR_OK;
}

static void tell_left_out(struct pull *pull, const struct hub_choice *choice)
{
    char sentence[ERR_DETAIL_MAX];
    if (choice->left_out.size > 0) {
        snprintf(sentence, sizeof sentence, "not needed and left out: %s",
                 choice->left_out.data);
        note(pull, sentence);
    }
}

static enum err fetch_files(struct pull *pull, const struct hub_choice *choice)
{
    TRY(check_room(pull, choice));
    tell_left_out(pull, choice);
    pull->n_total = pull->done.bytes = choice->bytes;
    for (size_t i = 0; i < choice->n; i++) {
        TRY(pull_fetch(pull, choice->files[i]));
    }
    return ERR_OK;
}

/* ---- Installing ----------------------------------------------------------------- */

/* Leftovers of a run that chose otherwise. */
static enum err remove_stray(void *arg, const char *folder, const char *name)
{
    char path[PATH_MAX];
    const struct hub_choice *choice = arg;
    for (size_t i = 0; i < choice->n; i++) {
        if (strcmp(choice->files[i]->name, name) == 0) {
            return ERR_OK;
        }
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return folder_remove(path);
}

static enum err try_model(const struct pull *pull)
{
    struct enc *enc;
    enum err result = probe_open(&enc, pull->partial.data);
    enc_close(enc);
    if (result == ERR_MODEL || result == ERR_UNSUPPORTED || result == ERR_NOT_FOUND) {
        return err_prefix(ERR_MODEL,
                          "all files came, but this build of duet cannot open them "
                          "(they are kept for one that can)");
    }
    return result;
}

/* The hashes of small files are git's until here. */
static enum err list_file(const struct pull *pull, const struct hub_file *file,
                          struct manifest_file *out)
{
    char path[PATH_MAX];
    out->name = file->name; /* borrowed */
    out->size = file->size;
    if (file->sha256[0] != '\0') {
        memcpy(out->sha256, file->sha256, sizeof out->sha256);
        return ERR_OK;
    }
    snprintf(path, sizeof path, "%s/%s", pull->partial.data, file->name);
    return hash_file_hex(path, HASH_SHA256, NULL, NULL, out->sha256);
}

static enum err write_manifest(struct pull *pull, const struct hub_choice *choice)
{
    char now[32];
    struct tm tm;
    time_t seconds = (time_t)(clock_wall_ms() / 1000);
    gmtime_r(&seconds, &tm);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &tm);
    struct manifest manifest = {.repository = pull->done.name,
                                .revision = pull->repo.commit,
                                .licence = pull->repo.licence,
                                .pulled = now,
                                .n = choice->n};
    manifest.files = alloc_zero(choice->n, sizeof *manifest.files);
    if (manifest.files == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (size_t i = 0; i < choice->n && result == ERR_OK; i++) {
        result = list_file(pull, choice->files[i], &manifest.files[i]);
    }
    if (result == ERR_OK) {
        result = manifest_write(&manifest, pull->partial.data);
    }
    alloc_free(manifest.files);
    return result;
}

/* Partial folders of this model; the lock stays. */
static enum err remove_partial(void *arg, const char *folder, const char *name)
{
    char path[PATH_MAX];
    const struct pull *pull = arg;
    if (!is_ours(pull, name)) {
        return ERR_OK;
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return folder_remove(path);
}

static enum err install(struct pull *pull, struct hub_choice *choice)
{
    char path[PATH_MAX];
    TRY(folder_walk(pull->partial.data, remove_stray, choice));
    TRY(try_model(pull));
    TRY(write_manifest(pull, choice));
    snprintf(path, sizeof path, "%s", pull->target.data);
    *strrchr(path, '/') = '\0';
    TRY(file_make_folders(path));
    TRY(folder_install(pull->partial.data, pull->target.data));
    snprintf(path, sizeof path, "%s/.partial", pull->home.data);
    if (folder_walk(path, remove_partial, pull) != ERR_OK) {
        note(pull, err_detail()); /* the model is in, that is what counts */
    }
    return ERR_OK;
}

/* ---- The whole ------------------------------------------------------------------ */

static enum err run(struct pull *pull)
{
    struct hub_choice choice;
    TRY(hub_name_check(pull->options->name));
    if (pull->options->revision != NULL) {
        TRY(hub_revision_check(pull->options->revision));
    }
    TRY(open_hub(pull));
    TRY(name_folders(pull));
    TRY(take_lock(pull));
    TRY(ask_hub(pull));
    TRY(fill_result(pull));
    TRY(look_at_installed(pull, &pull->done.up_to_date));
    if (pull->done.up_to_date) {
        return ERR_OK;
    }
    TRY(make_partial(pull));
    TRY(choose_files(pull, &choice));
    enum err result = fetch_files(pull, &choice);
    if (result == ERR_OK) {
        result = install(pull, &choice);
    }
    hub_choice_release(&choice);
    return result;
}

static void release(struct pull *pull)
{
    manifest_release(&pull->installed);
    hub_repo_release(&pull->repo);
    hub_close(pull->hub);
    drop_lock(pull);
    buf_release(&pull->partial);
    buf_release(&pull->target);
    buf_release(&pull->flat);
    buf_release(&pull->home);
}

enum err duet_model_pull(const struct duet_pull_options *options,
                         struct duet_pull_result *result)
{
    struct pull pull = {
        .options = options, .lock = -1, .start_ns = clock_monotonic_ns()};
    buf_init(&pull.home, PATH_MAX);
    buf_init(&pull.flat, PATH_MAX);
    buf_init(&pull.target, PATH_MAX);
    buf_init(&pull.partial, PATH_MAX);
    enum err done = run(&pull);
    if (done == ERR_UNSUPPORTED || done == ERR_MODEL || done == ERR_CORRUPT) {
        done = err_prefix(done, "%s", options->name);
    }
    release(&pull);
    if (result != NULL) {
        *result = done == ERR_OK ? pull.done : (struct duet_pull_result){0};
    }
    return done;
}
