/*
 * fuzz_tokenizer.c - any vocabulary and any text. The input is one byte (its lowest
 * bit: lower case; the others: how many ids there is room for), the vocabulary, a NUL,
 * and the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "encoder/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { ROOM_MAX = 2 + 127 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void encode(const struct tok *tok, const char *text, size_t n, size_t room)
{
    int32_t ids[ROOM_MAX], all[ROOM_MAX];
    size_t n_ids, n_all;
    bool truncated, all_truncated;
    if (tok_encode(tok, text, n, ids, room, &n_ids, &truncated) != ERR_OK) {
        return;
    }
    require(n_ids >= 2 && n_ids <= room);
    require(!truncated || n_ids == room);
    for (size_t i = 0; i < n_ids; i++) {
        require(ids[i] >= 0 && (size_t)ids[i] < tok_vocabulary_size(tok));
    }
    /* More room never changes what had a place already. */
    require(tok_encode(tok, text, n, all, ROOM_MAX, &n_all, &all_truncated) == ERR_OK);
    require(memcmp(ids, all, (n_ids - 1) * sizeof *ids) == 0);
    require(truncated ? n_all > n_ids || room == ROOM_MAX : n_all == n_ids);
}

static void open_and_encode(const char *path, const uint8_t *bytes, size_t n)
{
    struct tok *tok;
    const uint8_t *end = memchr(bytes + 1, '\0', n - 1);
    if (end == NULL || tok_open(&tok, path, (bytes[0] & 1) != 0) != ERR_OK) {
        return;
    }
    const char *text = (const char *)end + 1;
    encode(tok, text, n - (size_t)(text - (const char *)bytes),
           2 + (size_t)(bytes[0] >> 1));
    tok_close(tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[64];
    if (n < 2) {
        return 0;
    }
    size_t n_vocabulary = strnlen((const char *)bytes + 1, n - 1);
    int fd = memfd_create("vocabulary", MFD_CLOEXEC);
    require(fd >= 0);
    require(write(fd, bytes + 1, n_vocabulary) == (ssize_t)n_vocabulary);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    open_and_encode(path, bytes, n);
    (void)close(fd);
    return 0;
}
