/*
 * fuzz_tokenizer_json.c - any tokenizer.json and any text. The input is one byte (its
 * lowest bit: lower case; the others: how many ids there is room for), the file, a NUL,
 * and the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "encoder/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { ROOM_MAX = 2 * 16 + 127 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void encode(const struct tok *tok, const char *text, size_t n, size_t room)
{
    int32_t ids[ROOM_MAX], all[ROOM_MAX];
    size_t n_ids, n_all, n_special = tok_n_special(tok);
    bool truncated, all_truncated;
    if (tok_encode(tok, text, n, ids, n_special + room, &n_ids, &truncated) != ERR_OK) {
        return;
    }
    require(n_ids >= n_special && n_ids <= n_special + room);
    require(!truncated || n_ids == n_special + room);
    for (size_t i = 0; i < n_ids; i++) {
        require(ids[i] >= 0 && (size_t)ids[i] < tok_vocabulary_size(tok));
    }
    /* With more room it may come to what it cannot encode; else nothing changes. */
    if (tok_encode(tok, text, n, all, ROOM_MAX, &n_all, &all_truncated) == ERR_OK) {
        require(n_all >= n_ids);
        require(truncated || memcmp(ids, all, n_ids * sizeof *ids) == 0);
    }
}

static void open_and_encode(const char *path, const uint8_t *bytes, size_t n)
{
    struct tok *tok;
    const uint8_t *end = memchr(bytes + 1, '\0', n - 1);
    if (tok_open_json(&tok, path, (bytes[0] & 1) != 0) != ERR_OK) {
        return;
    }
    if (end != NULL) {
        const char *text = (const char *)end + 1;
        encode(tok, text, n - (size_t)(text - (const char *)bytes),
               (size_t)(bytes[0] >> 1));
    }
    tok_close(tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[64];
    if (n < 2) {
        return 0;
    }
    size_t n_file = strnlen((const char *)bytes + 1, n - 1);
    int fd = memfd_create("tokenizer", MFD_CLOEXEC);
    require(fd >= 0);
    require(write(fd, bytes + 1, n_file) == (ssize_t)n_file);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    open_and_encode(path, bytes, n);
    (void)close(fd);
    return 0;
}
