/*
 * walk.c - see walk.h. Folders wait in a list instead of the call stack, so that depth
 * costs neither stack nor open files; the whole is sorted at the end.
 */
#include "db/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "encoder/image.h"

enum { SNIFF_BYTES = 64, FOUND_EVERY = 256 };

/* Names that end so are taken for pictures unread: if one is none, that is an error to
 * be told, not a file to be passed over. */
static const char *const picture_endings[] = {
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "heic", "heif", "avif", "gif",
    "bmp", "tga",  "psd", "pnm",  "pbm", "pgm",  "ppm",  "pam",  "hdr",
};

/* Names that end so are passed over unread: reading every file's head would cost more
 * than all the rest where a photo folder holds many of them. */
static const char *const other_endings[] = {
    "txt",  "json", "jsonl", "csv",  "tsv", "md",  "xml", "html", "htm",  "css",
    "js",   "py",   "c",     "h",    "cpp", "sh",  "pdf", "doc",  "docx", "xls",
    "xlsx", "odt",  "zip",   "gz",   "xz",  "bz2", "zst", "tar",  "7z",   "rar",
    "mp3",  "ogg",  "wav",   "flac", "m4a", "mp4", "mov", "avi",  "mkv",  "webm",
    "svg",  "xmp",  "aae",   "db",   "ini", "log", "o",   "a",    "so",   "mdb",
};

/* A list of owned strings. */
struct names {
    char **items;
    size_t n, capacity;
};

/* One walk under way. */
struct walker {
    const struct walk_options *options;
    struct walk *out;
    size_t capacity;      /* of out->files */
    struct names folders; /* still to be read */
};

static enum err names_push(struct names *names, char *item)
{
    FAIL_IF(item == NULL, ERR_NOMEM, "out of memory");
    if (names->n == names->capacity) {
        size_t capacity = names->capacity == 0 ? 16 : 2 * names->capacity;
        char **items = alloc_resize(names->items, capacity, sizeof *items);
        if (items == NULL) {
            alloc_free(item);
            return err_set(ERR_NOMEM, "out of memory");
        }
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->n++] = item;
    return ERR_OK;
}

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        alloc_free(names->items[i]);
    }
    alloc_free(names->items);
}

static bool ends_in(const char *name, const char *const *endings, size_t n)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < n; i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What the first bytes say. TGA has no mark of its own, and anything may look like its
 * header: only its name makes one. */
static bool sniff_picture(int folder, const char *name)
{
    unsigned char head[SNIFF_BYTES];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    enum img_format format = n > 0 ? img_sniff(head, (size_t)n) : IMG_UNKNOWN;
    return format != IMG_UNKNOWN && format != IMG_TGA;
}

static bool is_picture(int folder, const char *name)
{
    if (ends_in(name, picture_endings,
                sizeof picture_endings / sizeof picture_endings[0])) {
        return true;
    }
    if (ends_in(name, other_endings, sizeof other_endings / sizeof other_endings[0])) {
        return false;
    }
    return sniff_picture(folder, name);
}

static struct walk_file file_of(char *path, const struct stat *st)
{
    return (struct walk_file){
        .path = path,
        .size = (uint64_t)st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
    };
}

static enum err tell_found(struct walker *w)
{
    const struct walk_options *options = w->options;
    FAIL_IF(options->found != NULL && !options->found(options->arg, w->out->n),
            ERR_CANCELLED, "stopped while looking for pictures");
    return ERR_OK;
}

/* Takes over `path`. */
static enum err add_file(struct walker *w, char *path, const struct stat *st)
{
    struct walk *out = w->out;
    FAIL_IF(path == NULL, ERR_NOMEM, "out of memory");
    if (out->n == w->capacity) {
        size_t capacity = w->capacity == 0 ? 256 : 2 * w->capacity;
        struct walk_file *files = alloc_resize(out->files, capacity, sizeof *files);
        if (files == NULL) {
            alloc_free(path);
            return err_set(ERR_NOMEM, "out of memory");
        }
        out->files = files;
        w->capacity = capacity;
    }
    out->files[out->n++] = file_of(path, st);
    return out->n % FOUND_EVERY == 0 ? tell_found(w) : ERR_OK;
}

/* Forwards what would have been an error of the whole to the one who asked. */
static void tell_failed(struct walker *w, const char *path, enum err code)
{
    if (w->options->failed != NULL) {
        w->options->failed(w->options->arg, path, code, err_detail());
    }
}

static enum err join(char **out, const char *folder, const char *name)
{
    char path[PATH_MAX];
    const char *slash = strcmp(folder, "/") == 0 ? "" : "/";
    int n = snprintf(path, sizeof path, "%s%s%s", folder, slash, name);
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "the path is too long");
    *out = alloc_dup(path);
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

/* A link below a folder: to a picture it leads there, to anything else nowhere. */
static enum err add_link(struct walker *w, int folder, const char *name, char *path)
{
    char target[PATH_MAX];
    struct stat st;
    bool leads = fstatat(folder, name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
                 is_picture(folder, name) && realpath(path, target) != NULL;
    alloc_free(path);
    return leads ? add_file(w, alloc_dup(target), &st) : ERR_OK;
}

static enum err add_entry(struct walker *w, int folder, const char *folder_path,
                          const char *name)
{
    struct stat st;
    char *path = NULL;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return ERR_OK; /* gone since the folder was read */
    }
    enum err result = join(&path, folder_path, name);
    if (result == ERR_LIMIT) {
        tell_failed(w, name, result);
        return ERR_OK;
    }
    TRY(result);
    if (S_ISDIR(st.st_mode)) {
        return names_push(&w->folders, path);
    }
    if (S_ISLNK(st.st_mode)) {
        return add_link(w, folder, name, path);
    }
    if (S_ISREG(st.st_mode) && is_picture(folder, name)) {
        return add_file(w, path, &st);
    }
    alloc_free(path);
    return ERR_OK;
}

static bool is_database(int folder)
{
    return faccessat(folder, "data.mdb", F_OK, 0) == 0 &&
           faccessat(folder, "media", F_OK, 0) == 0;
}

static bool is_passed_over(const struct walker *w, const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
           (name[0] == '.' && !w->options->hidden);
}

static enum err read_folder(struct walker *w, const char *path)
{
    TRY(tell_found(w));
    enum err result = ERR_OK;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        tell_failed(w, path, err_errno(errno, "it cannot be read"));
        return ERR_OK;
    }
    int fd = dirfd(folder);
    struct dirent *entry = is_database(fd) ? NULL : readdir(folder);
    while (entry != NULL && result == ERR_OK) {
        if (!is_passed_over(w, entry->d_name)) {
            result = add_entry(w, fd, path, entry->d_name);
        }
        entry = readdir(folder);
    }
    closedir(folder);
    return result;
}

static enum err add_root(struct walker *w, const char *named)
{
    struct stat st;
    char path[PATH_MAX];
    if (realpath(named, path) == NULL || stat(path, &st) != 0) {
        return err_errno(errno, "%s", named);
    }
    FAIL_IF(!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode), ERR_INVALID,
            "%s: neither a file nor a folder", named);
    char *root = alloc_dup(path);
    FAIL_IF(root == NULL, ERR_NOMEM, "out of memory");
    w->out->roots[w->out->n_roots++] = root;
    return S_ISDIR(st.st_mode) ? names_push(&w->folders, alloc_dup(path))
                               : add_file(w, alloc_dup(path), &st);
}

static enum err read_folders(struct walker *w)
{
    while (w->folders.n > 0) {
        char *path = w->folders.items[--w->folders.n];
        enum err result = read_folder(w, path);
        alloc_free(path);
        TRY(result);
    }
    return ERR_OK;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct walk_file *)a)->path,
                  ((const struct walk_file *)b)->path);
}

/* Sorts, and keeps one of those reached in several ways. */
static void sort_files(struct walk *walk)
{
    size_t kept = 0;
    if (walk->n > 1) {
        qsort(walk->files, walk->n, sizeof *walk->files, compare_files);
    }
    for (size_t i = 0; i < walk->n; i++) {
        if (kept > 0 && strcmp(walk->files[kept - 1].path, walk->files[i].path) == 0) {
            alloc_free(walk->files[i].path);
        } else {
            walk->files[kept++] = walk->files[i];
        }
    }
    walk->n = kept;
}

enum err walk_paths(struct walk *out, const struct walk_options *options)
{
    struct walker w = {.options = options, .out = out};
    *out = (struct walk){0};
    out->roots = alloc_array(options->n_paths, sizeof *out->roots);
    FAIL_IF(out->roots == NULL, ERR_NOMEM, "out of memory");
    enum err result = ERR_OK;
    for (size_t i = 0; i < options->n_paths && result == ERR_OK; i++) {
        result = add_root(&w, options->paths[i]);
    }
    if (result == ERR_OK) {
        result = read_folders(&w);
    }
    names_release(&w.folders);
    if (result != ERR_OK) {
        walk_release(out);
        return result;
    }
    sort_files(out);
    return ERR_OK;
}

void walk_release(struct walk *walk)
{
    for (size_t i = 0; i < walk->n; i++) {
        alloc_free(walk->files[i].path);
    }
    for (size_t i = 0; i < walk->n_roots; i++) {
        alloc_free(walk->roots[i]);
    }
    alloc_free(walk->files);
    alloc_free(walk->roots);
    *walk = (struct walk){0};
}

enum err walk_canonical(char out[PATH_MAX], const char *path)
{
    char folder[PATH_MAX];
    if (realpath(path, out) != NULL) {
        return ERR_OK;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    snprintf(folder, sizeof folder, "%.*s", n == 0 ? 1 : (int)n, n == 0 ? "." : path);
    if (errno != ENOENT || realpath(folder, out) == NULL) {
        return err_errno(errno, "%s", path);
    }
    size_t used = strcmp(out, "/") == 0 ? 0 : strlen(out);
    FAIL_IF(used + strlen(name) + 2 > PATH_MAX, ERR_LIMIT, "the path is too long");
    snprintf(out + used, PATH_MAX - used, "/%s", name);
    return ERR_OK;
}

enum err walk_stat(struct walk_file *out, const char *path)
{
    struct stat st;
    char canonical[PATH_MAX];
    if (realpath(path, canonical) == NULL || stat(canonical, &st) != 0) {
        return err_errno(errno, "%s", path);
    }
    FAIL_IF(!S_ISREG(st.st_mode), ERR_INVALID, "%s: not a regular file", path);
    *out = file_of(alloc_dup(canonical), &st);
    FAIL_IF(out->path == NULL, ERR_NOMEM, "out of memory");
    return ERR_OK;
}
