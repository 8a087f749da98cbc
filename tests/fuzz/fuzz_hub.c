/*
 * fuzz_hub.c - what a hub of models may send: the list of a repository's files, its
 * configuration and its index, each up to the next NUL, and headers, one a line. What is
 * chosen must be what the list holds, under names that stay in their folder.
 */
#include <stdlib.h>
#include <string.h>

#include "db/hub_reply.h"
#include "db/hub_repo.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The text at *at up to a NUL or the end; *at is behind it then. */
static const char *part(const char *bytes, size_t n, size_t *at, size_t *n_part)
{
    const char *text = bytes + *at;
    *n_part = strnlen(text, n - *at);
    *at += *n_part + (*at + *n_part < n ? 1 : 0);
    return text;
}

static void check_name(const char *name)
{
    if (name[0] == '/' || name[0] == '\0' || strcmp(name, "..") == 0 ||
        strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL ||
        strpbrk(name, "\r\n\x1b") != NULL) {
        abort();
    }
}

static void check_choice(const struct hub_repo *repo, const struct hub_choice *choice)
{
    uint64_t n = 0;
    for (size_t i = 0; i < choice->n; i++) {
        const struct hub_file *file = choice->files[i];
        bool hashed = file->sha256[0] != '\0' || file->blob[0] != '\0';
        if (hub_repo_find(repo, file->name) == NULL || !hashed ||
            strchr(file->name, '/') != NULL) {
            abort();
        }
        n += file->size;
    }
    if (n != choice->bytes) {
        abort();
    }
}

static void read_list(const char *bytes, size_t n)
{
    struct hub_repo repo;
    struct hub_choice choice;
    struct hub_texts texts = {0};
    size_t at = 0, n_list;
    const char *list = part(bytes, n, &at, &n_list);
    texts.config = part(bytes, n, &at, &texts.n_config);
    texts.index = part(bytes, n, &at, &texts.n_index);
    if (hub_repo_parse(&repo, list, n_list) != ERR_OK) {
        return;
    }
    for (size_t i = 0; i < repo.n; i++) {
        check_name(repo.files[i].name);
    }
    (void)hub_repo_config(&repo);
    (void)hub_repo_index(&repo, texts.config, texts.n_config);
    if (hub_choose(&repo, &texts, &choice) == ERR_OK) {
        check_choice(&repo, &choice);
        hub_choice_release(&choice);
    }
    hub_repo_release(&repo);
}

static void read_headers(const char *bytes, size_t n)
{
    struct hub_reply reply;
    hub_reply_init(&reply);
    for (size_t at = 0; at < n;) {
        const char *end = memchr(bytes + at, '\n', n - at);
        size_t length = end == NULL ? n - at : (size_t)(end - (bytes + at)) + 1;
        hub_reply_read(&reply, bytes + at, length);
        at += length;
    }
    if (reply.status < 0 || reply.status > 999 || strpbrk(reply.etag, "\r\n") != NULL ||
        strncmp(reply.etag, "W/", 2) == 0) {
        abort();
    }
    if (hub_reply_error(&reply, "owner/name", "http://hub", false) == ERR_OK) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    read_list((const char *)bytes, n);
    read_headers((const char *)bytes, n);
    return 0;
}
