/*
 * tok_split.c - see tok_split.h.
 *
 * Each step finds matches in a piece; a cutter gets the piece as a run of parts, each a
 * match or what is between two, and makes pieces of them by the step's behaviour.
 */
#include "encoder/tok_split.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encoder/tok_chars.h"
#include "encoder/tok_normalize.h"
#include "encoder/tok_unicode.h"
#include "encoder/tok_vocab.h"

void tok_pieces_release(struct tok_pieces *p)
{
    tok_text_release(&p->text);
    alloc_free(p->items);
    *p = (struct tok_pieces){0};
}

void tok_pieces_clear(struct tok_pieces *p)
{
    p->text.n = 0;
    p->n = 0;
}

enum err tok_pieces_add(struct tok_pieces *p, struct tok_piece piece)
{
    if (piece.begin >= piece.end && piece.id == TOK_NONE) {
        return ERR_OK;
    }
    struct tok_piece *items =
        alloc_grow(p->items, &p->capacity, p->n + 1, sizeof *items);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    p->items = items;
    p->items[p->n] = piece;
    p->n++;
    return ERR_OK;
}

void tok_splitter_release(struct tok_splitter *step)
{
    tok_regex_close(step->regex);
    alloc_free(step->literal);
    *step = (struct tok_splitter){0};
}

/* The cutter. */

struct cutter {
    const struct tok_splitter *spec;
    struct tok_pieces *out;
    size_t begin, end;   /* the part held back; equal: none */
    bool holds, matched; /* whether there is one, and whether the last was a match */
};

static enum err emit(struct cutter *cut, size_t begin, size_t end)
{
    struct tok_piece piece = {begin, end, 0, TOK_NONE};
    if (begin < end) {
        piece.shift = cut->out->text.aligns[begin].start;
    }
    return tok_pieces_add(cut->out, piece);
}

/* Emits the part held back, and holds begin..end back instead. */
static enum err hold(struct cutter *cut, size_t begin, size_t end)
{
    enum err result = cut->holds ? emit(cut, cut->begin, cut->end) : ERR_OK;
    cut->begin = begin;
    cut->end = end;
    cut->holds = true;
    return result;
}

/* The next part, begin..end of the out text. */
static enum err cut_part(struct cutter *cut, size_t begin, size_t end, bool match)
{
    bool before = cut->matched, joins = false;
    match = match != cut->spec->invert;
    cut->matched = match;
    switch (cut->spec->behaviour) {
    case TOK_REMOVED:
        return match ? ERR_OK : emit(cut, begin, end);
    case TOK_ISOLATED:
        return emit(cut, begin, end);
    case TOK_MERGED_WITH_PREVIOUS:
        joins = match && !before;
        break;
    case TOK_MERGED_WITH_NEXT:
        joins = !match && before;
        break;
    case TOK_CONTIGUOUS:
        joins = match == before;
        break;
    }
    if (joins && cut->holds) {
        cut->end = end;
        return ERR_OK;
    }
    return hold(cut, begin, end);
}

static enum err cut_end(struct cutter *cut)
{
    return cut->holds ? emit(cut, cut->begin, cut->end) : ERR_OK;
}

/* The matchers: each goes over bytes from..to of the out text. */

static enum err cut_by_regex(struct cutter *cut, size_t from, size_t to,
                             struct tok_clock *clock)
{
    struct tok_search search;
    size_t done = from, begin, end;
    bool found = true;
    tok_search_begin(&search, cut->spec->regex, clock, cut->out->text.bytes + from,
                     to - from);
    for (;;) {
        TRY(tok_search_next(&search, &found, &begin, &end));
        if (!found) {
            break;
        }
        if (from + begin > done) {
            TRY(cut_part(cut, done, from + begin, false));
        }
        TRY(cut_part(cut, from + begin, from + end, true));
        done = from + end;
    }
    return done < to ? cut_part(cut, done, to, false) : ERR_OK;
}

static enum err cut_by_literal(struct cutter *cut, size_t from, size_t to)
{
    const struct tok_splitter *spec = cut->spec;
    while (from < to) {
        const char *bytes = cut->out->text.bytes;
        const char *hit =
            memmem(bytes + from, to - from, spec->literal, spec->n_literal);
        size_t begin = hit == NULL ? to : (size_t)(hit - bytes);
        if (begin > from) {
            TRY(cut_part(cut, from, begin, false));
        }
        if (hit != NULL) {
            TRY(cut_part(cut, begin, begin + spec->n_literal, true));
            begin += spec->n_literal;
        }
        from = begin;
    }
    return ERR_OK;
}

static bool is_punctuation(int32_t c)
{
    return tok_char_class(c) == TOK_PUNCTUATION;
}

static enum err cut_by_char(struct cutter *cut, size_t from, size_t to,
                            bool (*is_match)(int32_t))
{
    size_t done = from;
    for (size_t i = from, step; i < to; i += step) {
        if (!is_match(tok_text_char(&cut->out->text, i, &step))) {
            continue;
        }
        if (i > done) {
            TRY(cut_part(cut, done, i, false));
        }
        TRY(cut_part(cut, i, i + step, true));
        done = i + step;
    }
    return done < to ? cut_part(cut, done, to, false) : ERR_OK;
}

enum word_class { WORD_SPACE, WORD_WORD, WORD_OTHER };

static enum word_class word_class(int32_t c)
{
    if (tok_is_word(c)) {
        return WORD_WORD;
    }
    return tok_is_space(c) ? WORD_SPACE : WORD_OTHER;
}

/* \w+|[^\w\s]+, all else removed. */
static enum err cut_by_words(struct cutter *cut, size_t from, size_t to)
{
    size_t begin = from;
    enum word_class class = WORD_SPACE;
    for (size_t i = from, step; i < to; i += step) {
        enum word_class next = word_class(tok_text_char(&cut->out->text, i, &step));
        if (next != class) {
            TRY(class == WORD_SPACE ? ERR_OK : emit(cut, begin, i));
            begin = i;
            class = next;
        }
    }
    return class == WORD_SPACE ? ERR_OK : emit(cut, begin, to);
}

static enum err cut_piece(struct cutter *cut, size_t from, size_t to,
                          struct tok_clock *clock)
{
    switch (cut->spec->kind) {
    case TOK_SPLIT_REGEX:
    case TOK_SPLIT_BYTES:
        TRY(cut_by_regex(cut, from, to, clock));
        break;
    case TOK_SPLIT_LITERAL:
    case TOK_SPLIT_METASPACE:
        TRY(cut_by_literal(cut, from, to));
        break;
    case TOK_SPLIT_SPACE:
        TRY(cut_by_char(cut, from, to, tok_is_space));
        break;
    case TOK_SPLIT_PUNCTUATION:
        TRY(cut_by_char(cut, from, to, is_punctuation));
        break;
    case TOK_SPLIT_DIGIT:
        TRY(cut_by_char(cut, from, to, tok_is_number));
        break;
    case TOK_SPLIT_WORDS:
        TRY(cut_by_words(cut, from, to));
        break;
    }
    return cut_end(cut);
}

/* The steps. */

static bool begins_with(const struct tok_text *text, const struct tok_piece *piece,
                        const char *s, size_t n)
{
    return piece->end - piece->begin >= n &&
           memcmp(text->bytes + piece->begin, s, n) == 0;
}

/* Copies a piece behind the out text, with `prefix` before it where the scheme says so
 * and it is not there. */
static enum err copy_piece(const struct tok_splitter *spec, const struct tok_text *in,
                           const struct tok_piece *piece, struct tok_text *out,
                           const char *prefix, size_t n_prefix)
{
    bool wanted = spec->scheme == TOK_PREFIX_ALWAYS ||
                  (spec->scheme == TOK_PREFIX_FIRST && piece->shift == 0);
    if (wanted && !begins_with(in, piece, prefix, n_prefix)) {
        TRY(tok_text_append_at(out, prefix, n_prefix, in->aligns[piece->begin]));
    }
    return tok_text_append(out, in->bytes + piece->begin, in->aligns + piece->begin,
                           piece->end - piece->begin);
}

/* The piece with spaces replaced, into `made`. */
static enum err replace_spaces(const struct tok_splitter *spec,
                               const struct tok_text *in, const struct tok_piece *piece,
                               struct tok_text *made)
{
    made->n = 0;
    for (size_t i = piece->begin; i < piece->end; i++) {
        bool space = in->bytes[i] == ' ';
        TRY(tok_text_append_at(made, space ? spec->literal : in->bytes + i,
                               space ? spec->n_literal : 1, in->aligns[i]));
    }
    return ERR_OK;
}

static enum err copy_metaspace(const struct tok_splitter *spec,
                               const struct tok_text *in, const struct tok_piece *piece,
                               struct tok_text *out)
{
    struct tok_text made = {0};
    enum err result = replace_spaces(spec, in, piece, &made);
    if (result == ERR_OK) {
        struct tok_piece whole = {0, made.n, piece->shift, TOK_NONE};
        result = copy_piece(spec, &made, &whole, out, spec->literal, spec->n_literal);
    }
    tok_text_release(&made);
    return result;
}

/* Whether a step only copies its pieces, so that they stay as they are. */
static bool keeps_whole(const struct tok_splitter *spec)
{
    return (spec->kind == TOK_SPLIT_METASPACE && !spec->split) ||
           (spec->kind == TOK_SPLIT_BYTES && spec->regex == NULL);
}

static enum err split_piece(const struct tok_splitter *spec, const struct tok_text *in,
                            const struct tok_piece *piece, struct tok_pieces *out,
                            struct tok_clock *clock)
{
    struct cutter cut = {.spec = spec, .out = out};
    struct tok_piece copy = {out->text.n, 0, piece->shift, piece->id};
    if (piece->id != TOK_NONE) {
        TRY(tok_text_append(&out->text, in->bytes + piece->begin,
                            in->aligns + piece->begin, piece->end - piece->begin));
        copy.end = out->text.n;
        return tok_pieces_add(out, copy);
    }
    TRY(spec->kind == TOK_SPLIT_METASPACE
            ? copy_metaspace(spec, in, piece, &out->text)
            : copy_piece(spec, in, piece, &out->text, " ", 1));
    copy.end = out->text.n;
    return keeps_whole(spec) ? tok_pieces_add(out, copy)
                             : cut_piece(&cut, copy.begin, copy.end, clock);
}

/* Each piece's bytes as characters; one is a text of its own, as in the reference. */
static enum err spell_bytes(const struct tok_pieces *in, struct tok_pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        struct tok_piece piece = in->items[i];
        size_t begin = out->text.n;
        for (size_t k = piece.begin; k < piece.end; k++) {
            char bytes[4];
            unsigned char byte = (unsigned char)in->text.bytes[k];
            size_t n = utf8_put(tok_byte_char(byte), bytes);
            TRY(piece.id != TOK_NONE
                    ? tok_text_append(&out->text, in->text.bytes + k,
                                      in->text.aligns + k, 1)
                    : tok_text_append_at(&out->text, bytes, n, in->text.aligns[k]));
        }
        piece.begin = begin;
        piece.end = out->text.n;
        TRY(tok_pieces_add(out, piece));
    }
    return ERR_OK;
}

static void swap(struct tok_pieces *a, struct tok_pieces *b)
{
    struct tok_pieces kept = *a;
    *a = *b;
    *b = kept;
}

enum err tok_split(const struct tok_splitter *steps, size_t n,
                   struct tok_pieces *pieces, struct tok_pieces *other,
                   struct tok_clock *clock)
{
    for (size_t i = 0; i < n; i++) {
        tok_pieces_clear(other);
        for (size_t k = 0; k < pieces->n; k++) {
            TRY(split_piece(&steps[i], &pieces->text, &pieces->items[k], other, clock));
        }
        swap(pieces, other);
        if (steps[i].kind == TOK_SPLIT_BYTES) {
            tok_pieces_clear(other);
            TRY(spell_bytes(pieces, other));
            swap(pieces, other);
        }
    }
    return ERR_OK;
}
