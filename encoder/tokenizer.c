/*
 * tokenizer.c - see tokenizer.h. The pipeline of a text; tok_json.c reads it from files.
 */
#include "encoder/tokenizer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/model_file.h"
#include "encoder/tok_pipeline.h"
#include "encoder/tok_unicode.h"

/* Building. */

struct tok *tok_new(void)
{
    struct tok *tok = alloc_zero(1, sizeof *tok);
    if (tok != NULL) {
        tok_added_init(&tok->names);
        tok_added_init(&tok->raw);
        tok_added_init(&tok->normalized);
    }
    return tok;
}

void tok_close(struct tok *tok)
{
    if (tok == NULL) {
        return;
    }
    for (size_t i = 0; i < tok->n_splitters; i++) {
        tok_splitter_release(&tok->splitters[i]);
    }
    for (size_t i = 0; i < tok->n_normalizers; i++) {
        tok_normalizer_release(&tok->normalizers[i]);
    }
    tok_added_release(&tok->normalized);
    tok_added_release(&tok->raw);
    tok_added_release(&tok->names);
    tok_unigram_close(tok->unigram);
    tok_bpe_close(tok->bpe);
    tok_wordpiece_close(tok->wordpiece);
    alloc_free(tok);
}

/* The vocabulary of the two models that share one; NULL of WordPiece. */
static const struct tok_vocab *vocab_of(const struct tok *tok)
{
    return tok->bpe != NULL ? tok_bpe_vocab(tok->bpe) : tok_unigram_vocab(tok->unigram);
}

int32_t tok_model_find(const struct tok *tok, const char *token, size_t n)
{
    return tok->wordpiece != NULL ? tok_wordpiece_find(tok->wordpiece, token, n)
                                  : tok_vocab_find(vocab_of(tok), token, n);
}

size_t tok_model_size(const struct tok *tok)
{
    return tok->wordpiece != NULL ? tok_wordpiece_size(tok->wordpiece)
                                  : vocab_of(tok)->n;
}

/* The place in `names` of a token that is there already, or names.n. */
static size_t find_name(const struct tok *tok, const char *token, size_t n, int32_t id)
{
    const struct tok_added *names = &tok->names;
    size_t i = 0;
    for (; i < names->n; i++) {
        const struct tok_span *span = &names->spans[i];
        if (id != TOK_NONE
                ? names->items[i].id == id
                : span->n == n && memcmp(names->bytes.data + span->at, token, n) == 0) {
            break;
        }
    }
    return i;
}

enum err tok_add_name(struct tok *tok, const char *token, size_t n,
                      struct tok_added_token *flags)
{
    flags->id = tok_model_find(tok, token, n);
    size_t at = find_name(tok, token, n, flags->id);
    if (at < tok->names.n) {
        flags->id = tok->names.items[at].id;
        tok->names.items[at] = *flags;
        return ERR_OK;
    }
    if (flags->id == TOK_NONE) {
        flags->id = (int32_t)tok->n_ids;
        tok->n_ids++;
    }
    return tok_added_add(&tok->names, token, n, *flags);
}

/* Appends the characters of a text with where each stands. */
static enum err append_original(struct tok_text *out, const char *text, size_t n)
{
    for (size_t i = 0, step; i < n; i += step) {
        int32_t c;
        step = utf8_next(text + i, n - i, &c);
        struct tok_align align = {(uint32_t)i, (uint32_t)(i + step)};
        TRY(tok_text_append_at(out, text + i, step, align));
    }
    return ERR_OK;
}

/* A token that is looked for in the normalized text goes through the normalizers. */
static enum err add_normalized(struct tok *tok, const char *token, size_t n,
                               struct tok_added_token item)
{
    struct tok_text text = {0}, other = {0};
    struct tok_clock clock = {0};
    enum err result;
    TRY_OUT(append_original(&text, token, n));
    TRY_OUT(
        tok_normalize(tok->normalizers, tok->n_normalizers, &text, &other, 0, &clock));
    result = tok_added_add(&tok->normalized, text.bytes, text.n, item);
out:
    tok_text_release(&text);
    tok_text_release(&other);
    return result;
}

static enum err check_side(const struct tok *tok, const struct tok_side *side)
{
    for (size_t i = 0; i < side->n; i++) {
        FAIL_IF((size_t)side->ids[i] >= tok->n_ids, ERR_MODEL,
                "the template's id %d is past the vocabulary", side->ids[i]);
    }
    return ERR_OK;
}

enum err tok_finish(struct tok *tok)
{
    const struct tok_added *names = &tok->names;
    for (size_t i = 0; i < names->n; i++) {
        const char *token = names->bytes.data + names->spans[i].at;
        size_t n = names->spans[i].n;
        TRY(names->items[i].normalized
                ? add_normalized(tok, token, n, names->items[i])
                : tok_added_add(&tok->raw, token, n, names->items[i]));
    }
    TRY(tok_added_seal(&tok->names));
    TRY(tok_added_seal(&tok->raw));
    TRY(tok_added_seal(&tok->normalized));
    TRY(check_side(tok, &tok->before));
    return check_side(tok, &tok->after);
}

/* BERT's vocab.txt. */

static enum err add_bert_specials(struct tok *tok)
{
    static const char *const specials[] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]",
                                           "[MASK]"};
    struct tok_side *const sides[] = {NULL, &tok->before, &tok->after, NULL, NULL};
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        struct tok_added_token flags = {0};
        size_t n = strlen(specials[i]);
        int32_t id = tok_model_find(tok, specials[i], n);
        if (sides[i] != NULL) {
            FAIL_IF(id == TOK_NONE, ERR_MODEL, "the vocabulary has no %s", specials[i]);
            *sides[i] = (struct tok_side){{id}, 1};
        }
        if (id != TOK_NONE) {
            TRY(tok_add_name(tok, specials[i], n, &flags));
        }
    }
    return tok_finish(tok);
}

static enum err open_lines(struct tok *tok, const char *path, bool lower_case)
{
    struct file_map map;
    TRY(model_file_map(&map, path));
    if (map.size > LIMIT_MODEL_VOCABULARY_BYTES) {
        size_t size = map.size;
        file_map_close(&map);
        return err_set(ERR_MODEL, "%s: a vocabulary of %zu bytes", path, size);
    }
    enum err result =
        tok_wordpiece_open_lines(&tok->wordpiece, &map, "[UNK]", lower_case);
    if (result == ERR_OK) {
        tok->n_ids = tok_model_size(tok);
        result = add_bert_specials(tok);
    }
    return result == ERR_OK ? ERR_OK : err_prefix(result, "%s", path);
}

enum err tok_open(struct tok **out, const char *vocab_path, bool lower_case)
{
    *out = NULL;
    struct tok *tok = tok_new();
    if (tok == NULL) {
        return ERR_NOMEM;
    }
    enum err result = open_lines(tok, vocab_path, lower_case);
    if (result != ERR_OK) {
        tok_close(tok);
        return result;
    }
    *out = tok;
    return ERR_OK;
}

/* Asking. */

size_t tok_vocabulary_size(const struct tok *tok)
{
    return tok->n_ids;
}

enum err tok_find(const struct tok *tok, const char *token, int32_t *id)
{
    size_t n = strlen(token);
    size_t at = find_name(tok, token, n, TOK_NONE);
    int32_t found =
        at < tok->names.n ? tok->names.items[at].id : tok_model_find(tok, token, n);
    FAIL_IF(found == TOK_NONE, ERR_NOT_FOUND, "the vocabulary has no %.80s", token);
    *id = found;
    return ERR_OK;
}

size_t tok_n_special(const struct tok *tok)
{
    return tok->before.n + tok->after.n;
}

/* Encoding. */

/* The memory of one call. */
struct work {
    struct tok_text text, other;
    struct tok_pieces pieces, other_pieces;
    struct tok_clock clock;
    struct tok_bpe_work bpe;
    struct tok_unigram_work unigram;
};

static void work_release(struct work *w)
{
    tok_text_release(&w->text);
    tok_text_release(&w->other);
    tok_pieces_release(&w->pieces);
    tok_pieces_release(&w->other_pieces);
    tok_bpe_work_release(&w->bpe);
    tok_unigram_work_release(&w->unigram);
}

/* WordPiece cleans as it goes, so only the added tokens are cut out, in place. */
static void encode_words(const struct tok *tok, const char *text, size_t n,
                         struct tok_out *out)
{
    const struct tok_text view = {.bytes = (char *)text, .n = n};
    struct tok_found found = {0};
    size_t done = 0;
    while (!out->truncated && tok_added_next(&tok->raw, &view, &found)) {
        if (done < found.begin) {
            tok_wordpiece_encode(tok->wordpiece, text + done, found.begin - done, out);
        }
        tok_out_put(out, found.id);
        done = found.end;
    }
    tok_wordpiece_encode(tok->wordpiece, text + done, n - done, out);
}

/* w->pieces, cut at the raw tokens, into pieces that are normalized and cut again. */
static enum err normalize_pieces(const struct tok *tok, struct work *w)
{
    const struct tok_text *raw = &w->pieces.text;
    struct tok_pieces *out = &w->other_pieces;
    for (size_t i = 0; i < w->pieces.n; i++) {
        struct tok_piece piece = w->pieces.items[i];
        const char *bytes = raw->bytes + piece.begin;
        const struct tok_align *aligns = raw->aligns + piece.begin;
        size_t n = piece.end - piece.begin, base = out->text.n;
        if (piece.id != TOK_NONE) {
            TRY(tok_text_append(&out->text, bytes, aligns, n));
            struct tok_piece copy = {base, base + n, piece.shift, piece.id};
            TRY(tok_pieces_add(out, copy));
            continue;
        }
        w->text.n = 0;
        TRY(tok_text_append(&w->text, bytes, aligns, n));
        TRY(tok_normalize(tok->normalizers, tok->n_normalizers, &w->text, &w->other,
                          piece.shift, &w->clock));
        TRY(tok_added_split(&tok->normalized, &w->text, out));
    }
    return ERR_OK;
}

static enum err encode_piece(const struct tok *tok, const struct tok_pieces *pieces,
                             const struct tok_piece *piece, struct work *w,
                             struct tok_out *out)
{
    const char *text = pieces->text.bytes + piece->begin;
    size_t n = piece->end - piece->begin;
    if (piece->id != TOK_NONE) {
        tok_out_put(out, piece->id);
        return ERR_OK;
    }
    return tok->bpe != NULL
               ? tok_bpe_encode(tok->bpe, text, n, &w->bpe, out)
               : tok_unigram_encode(tok->unigram, text, n, &w->unigram, out);
}

static enum err encode_pieces(const struct tok *tok, const char *text, size_t n,
                              struct work *w, struct tok_out *out)
{
    TRY(append_original(&w->text, text, n));
    TRY(tok_added_split(&tok->raw, &w->text, &w->pieces));
    TRY(normalize_pieces(tok, w));
    struct tok_pieces *pieces = &w->other_pieces;
    TRY(tok_split(tok->splitters, tok->n_splitters, pieces, &w->pieces, &w->clock));
    for (size_t i = 0; i < pieces->n && !out->truncated; i++) {
        TRY(encode_piece(tok, pieces, &pieces->items[i], w, out));
    }
    return ERR_OK;
}

enum err tok_encode(const struct tok *tok, const char *text, size_t n, int32_t *ids,
                    size_t max, size_t *n_ids, bool *truncated)
{
    const struct tok_side *before = &tok->before, *after = &tok->after;
    FAIL_IF(max < before->n + after->n, ERR_INVALID,
            "no room for the %zu special tokens", before->n + after->n);
    FAIL_IF(!utf8_valid(text, n), ERR_INVALID, "the text is not UTF-8");
    FAIL_IF(n > LIMIT_TOKENIZER_TEXT_BYTES, ERR_LIMIT, "a text of %zu bytes", n);
    struct tok_out out = {.ids = ids + before->n, .max = max - before->n - after->n};
    if (tok->wordpiece != NULL) {
        encode_words(tok, text, n, &out);
    } else {
        struct work work = {0};
        enum err result = encode_pieces(tok, text, n, &work, &out);
        work_release(&work);
        TRY(result);
    }
    memcpy(ids, before->ids, before->n * sizeof *ids);
    memcpy(ids + before->n + out.n, after->ids, after->n * sizeof *ids);
    *n_ids = before->n + out.n + after->n;
    *truncated = out.truncated;
    return ERR_OK;
}
