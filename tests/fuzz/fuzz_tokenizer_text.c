/*
 * fuzz_tokenizer_text.c - any text through a tokenizer of each kind, those of
 * tests/golden/tokenizers. The input is one byte (which tokenizer, and how many ids
 * there is room for) and the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "encoder/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define GOLDEN "tests/golden/tokenizers/"

enum { KINDS = 8, ROOM_MAX = 160, TEXT_MAX = 1 << 16 };

static struct tok *toks[KINDS];

static void require(bool holds)
{
    if (!holds) {
        (void)fprintf(stderr, "%s\n", err_detail());
        abort();
    }
}

static void open_all(void)
{
    static const char *const files[KINDS - 1] = {
        GOLDEN "clip.json",         GOLDEN "clip-old.json",     GOLDEN "siglip.json",
        GOLDEN "siglip-first.json", GOLDEN "siglip-words.json", GOLDEN "siglip2.json",
        GOLDEN "siglip2-plain.json"};
    for (size_t i = 0; i < KINDS - 1; i++) {
        require(tok_open_json(&toks[i], files[i], i == 5) == ERR_OK);
    }
    require(tok_open_json(&toks[KINDS - 1], GOLDEN "bert.json", false) == ERR_OK);
}

/* Every text can be encoded, and less room only cuts the end off. */
static void encode(const struct tok *tok, const char *text, size_t n, size_t room)
{
    int32_t ids[ROOM_MAX];
    static int32_t all[2 * TEXT_MAX];
    size_t n_ids, n_all, n_special = tok_n_special(tok);
    bool truncated, all_truncated;
    size_t max = n_special + room;
    enum err result = tok_encode(tok, text, n, ids, max, &n_ids, &truncated);
    if (result == ERR_INVALID) { /* not UTF-8 */
        return;
    }
    require(result == ERR_OK && n_ids <= max && (!truncated || n_ids == max));
    require(tok_encode(tok, text, n, all, sizeof all / sizeof *all, &n_all,
                       &all_truncated) == ERR_OK);
    require(truncated ? n_all > n_ids : n_all == n_ids);
    size_t n_same = truncated ? n_ids - (n_ids > 0) : n_ids; /* all but the last mark */
    require(memcmp(ids, all, n_same * sizeof *ids) == 0);
    for (size_t i = 0; i < n_all; i++) {
        require(all[i] >= 0 && (size_t)all[i] < tok_vocabulary_size(tok));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (toks[0] == NULL) {
        open_all();
    }
    if (n > 0 && n <= TEXT_MAX) {
        encode(toks[bytes[0] % KINDS], (const char *)bytes + 1, n - 1,
               (size_t)bytes[0] / 2);
    }
    return 0;
}
