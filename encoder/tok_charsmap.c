/*
 * tok_charsmap.c - see tok_charsmap.h.
 *
 * The bytes: a little-endian u32, the size of the trie in bytes; the trie, u32 units;
 * the replacements, each ended by a NUL. A unit holds the label it is reached by (bits
 * 0-7, with bit 31 clear), whether a value hangs on it (bit 8) and how far its children
 * are (bits 10-30, times 256 where bit 9 is set); a value is a unit with bit 31 set.
 * The layout is that of Darts-clone.
 */
#include "encoder/tok_charsmap.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"

struct tok_charsmap {
    unsigned char *bytes; /* decoded; owned */
    const unsigned char *units;
    size_t n_units;
    const char *texts; /* [n_texts] */
    size_t n_texts;
};

static uint32_t unit_at(const struct tok_charsmap *map, size_t i)
{
    const unsigned char *p = map->units + 4 * i;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static uint32_t unit_label(uint32_t unit)
{
    return unit & (0x80000000u | 0xffu);
}

static size_t unit_offset(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 0x200u) >> 6);
}

static bool unit_has_value(uint32_t unit)
{
    return (unit & 0x100u) != 0;
}

static enum err check_base64(const char *text, size_t n)
{
    size_t padding = 0;
    while (padding < 2 && padding < n && text[n - 1 - padding] == '=') {
        padding++;
    }
    FAIL_IF(n == 0 || n % 4 != 0 || n > LIMIT_MODEL_VOCABULARY_BYTES, ERR_MODEL,
            "the charsmap is not base64");
    for (size_t i = 0; i < n - padding; i++) {
        char c = text[i];
        FAIL_IF(!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  (c >= '0' && c <= '9') || c == '+' || c == '/'),
                ERR_MODEL, "the charsmap is not base64");
    }
    return ERR_OK;
}

static enum err decode(struct tok_charsmap *map, const char *base64, size_t n)
{
    TRY(check_base64(base64, n));
    map->bytes = alloc_array(n / 4 * 3, 1);
    if (map->bytes == NULL) {
        return ERR_NOMEM;
    }
    int n_decoded = EVP_DecodeBlock(map->bytes, (const unsigned char *)base64, (int)n);
    FAIL_IF(n_decoded < 4, ERR_MODEL, "the charsmap is not base64");
    size_t n_bytes = (size_t)n_decoded;
    n_bytes -= (size_t)(base64[n - 1] == '=') + (size_t)(base64[n - 2] == '=');
    FAIL_IF(n_bytes < 8, ERR_MODEL, "the charsmap is cut short");
    map->units = map->bytes;
    size_t n_trie = unit_at(map, 0) / 4 * 4; /* as if the size were the first unit */
    FAIL_IF(n_trie < 4 || n_trie > n_bytes - 4, ERR_MODEL, "the charsmap is cut short");
    map->units += 4;
    map->n_units = n_trie / 4;
    map->texts = (const char *)map->units + n_trie;
    map->n_texts = n_bytes - 4 - n_trie;
    FAIL_IF(!utf8_valid(map->texts, map->n_texts), ERR_MODEL,
            "the replacements of the charsmap are not UTF-8");
    return ERR_OK;
}

/* Whether the value at unit `at` leads to the start of a replacement. */
static bool value_is_sound(const struct tok_charsmap *map, size_t at)
{
    if (at >= map->n_units) {
        return false;
    }
    size_t text = unit_at(map, at) & 0x7fffffffu;
    return text <= map->n_texts &&
           (text == map->n_texts || ((unsigned char)map->texts[text] & 0xc0) != 0x80);
}

/* Follows every path from the root, each base once, so that no text can lead out. */
static enum err walk(const struct tok_charsmap *map, bool *seen, uint32_t *stack)
{
    size_t n = 0;
    size_t root = unit_offset(unit_at(map, 0));
    FAIL_IF(root >= map->n_units, ERR_MODEL, "the charsmap leads out of itself");
    seen[root] = true;
    stack[n++] = (uint32_t)root;
    while (n > 0) {
        size_t base = stack[--n];
        for (uint32_t label = 1; label < 256; label++) {
            size_t at = base ^ label;
            FAIL_IF(at >= map->n_units, ERR_MODEL, "the charsmap leads out of itself");
            uint32_t unit = unit_at(map, at);
            if (unit_label(unit) != label) {
                continue;
            }
            at ^= unit_offset(unit);
            FAIL_IF(at >= map->n_units, ERR_MODEL, "the charsmap leads out of itself");
            FAIL_IF(unit_has_value(unit) && !value_is_sound(map, at), ERR_MODEL,
                    "the charsmap leads out of its replacements");
            if (!seen[at]) {
                seen[at] = true;
                stack[n++] = (uint32_t)at;
            }
        }
    }
    return ERR_OK;
}

static enum err check_trie(const struct tok_charsmap *map)
{
    bool *seen = alloc_zero(map->n_units, sizeof *seen);
    uint32_t *stack = alloc_array(map->n_units, sizeof *stack);
    enum err result =
        seen == NULL || stack == NULL ? ERR_NOMEM : walk(map, seen, stack);
    alloc_free(stack);
    alloc_free(seen);
    return result;
}

enum err tok_charsmap_open(struct tok_charsmap **out, const char *base64, size_t n)
{
    *out = NULL;
    struct tok_charsmap *map = alloc_zero(1, sizeof *map);
    if (map == NULL) {
        return ERR_NOMEM;
    }
    enum err result;
    TRY_OUT(decode(map, base64, n));
    TRY_OUT(check_trie(map));
    *out = map;
    return ERR_OK;
out:
    tok_charsmap_close(map);
    return result;
}

void tok_charsmap_close(struct tok_charsmap *map)
{
    if (map != NULL) {
        alloc_free(map->bytes);
        alloc_free(map);
    }
}

const char *tok_charsmap_find(const struct tok_charsmap *map, const char *key, size_t n,
                              size_t *n_bytes)
{
    size_t at = unit_offset(unit_at(map, 0));
    for (size_t i = 0; i < n && key[i] != '\0'; i++) {
        uint32_t label = (unsigned char)key[i];
        at ^= label;
        uint32_t unit = unit_at(map, at);
        if (unit_label(unit) != label) {
            return NULL;
        }
        at ^= unit_offset(unit);
        if (unit_has_value(unit)) {
            size_t text = unit_at(map, at) & 0x7fffffffu;
            *n_bytes = strnlen(map->texts + text, map->n_texts - text);
            return map->texts + text;
        }
    }
    return NULL;
}
