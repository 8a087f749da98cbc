/*
 * filter_leaf.c - see filter_leaf.h.
 *
 * A run is given by what its first value and its last begin with; a condition with
 * bounds is also asked of the value in each row, so the run may be a little long. Places
 * lie along a curve that keeps near ones together (Morton's): what is around an area is
 * covered by squares, each of which is one run.
 */
#include "db/filter_leaf.h"

#include <math.h>
#include <string.h>

enum { SQUARES_MAX = FILTER_LEAF_CELLS / 2 - 2 }; /* of one box; an area may be two */

/* ---- Which index answers what ---- */

static bool open_values(struct filter_leaf *leaf)
{
    const struct filter_values *values = &leaf->node->values;
    struct term term;
    leaf->n_runs = values->n_strings + values->n_numbers;
    for (size_t i = 0; i < values->n_strings; i++) {
        bool exact = values->strings[i].n <= TERM_STRING_BYTES;
        if (leaf->index->kind == DUET_INDEX_UUID) {
            if (!term_of_uuid(values->strings[i], &term)) {
                return false; /* it is not in the index, but may be in a payload */
            }
            exact = term.data[term.n - 1] == 0; /* else several ways to write it */
        }
        leaf->exact = leaf->exact && exact;
    }
    return true;
}

static bool is_kind(const struct filter_leaf *leaf, enum duet_index_kind a,
                    enum duet_index_kind b)
{
    return leaf->index->kind == a || leaf->index->kind == b;
}

static bool open_any(struct filter_leaf *leaf)
{
    const struct filter_values *values = &leaf->node->values;
    bool fits = values->n_strings > 0
                    ? is_kind(leaf, DUET_INDEX_KEYWORD, DUET_INDEX_UUID)
                    : is_kind(leaf, DUET_INDEX_INTEGER, DUET_INDEX_FLOAT) ||
                          values->n_numbers == 0;
    return fits && open_values(leaf);
}

static bool open_word(struct filter_leaf *leaf, const struct filter_in *in)
{
    if (leaf->index->kind != DUET_INDEX_TEXT) {
        return false;
    }
    leaf->words = filter_leaf_words(in, leaf->node);
    leaf->exact = strlen(leaf->words->sorted[leaf->word]) <= TERM_STRING_BYTES;
    return true;
}

static void find_cells(struct filter_leaf *leaf);

static bool open_kind(struct filter_leaf *leaf, const struct filter_in *in)
{
    switch (leaf->node->kind) {
    case FILTER_BOOL:
        return leaf->index->kind == DUET_INDEX_BOOL;
    case FILTER_ANY:
        return open_any(leaf);
    case FILTER_PREFIX:
        leaf->exact = leaf->node->text.n <= TERM_STRING_BYTES;
        return leaf->index->kind == DUET_INDEX_KEYWORD;
    case FILTER_RANGE:
        return is_kind(leaf, DUET_INDEX_INTEGER, DUET_INDEX_FLOAT);
    case FILTER_TIME_RANGE:
        return leaf->index->kind == DUET_INDEX_DATETIME;
    case FILTER_TEXT:
    case FILTER_TEXT_ANY:
    case FILTER_PHRASE:
        return open_word(leaf, in);
    case FILTER_GEO_BOX:
    case FILTER_GEO_RADIUS:
    case FILTER_GEO_POLYGON:
        if (leaf->index->kind != DUET_INDEX_GEO) {
            return false;
        }
        find_cells(leaf);
        return true;
    default:
        return false;
    }
}

bool filter_leaf_open(struct filter_leaf *leaf, const struct filter_in *in,
                      const struct filter_node *node, size_t word)
{
    leaf->node = node;
    leaf->word = word;
    leaf->n_runs = 1;
    leaf->exact = true;
    leaf->words = NULL;
    leaf->index =
        node->full.n == 0 ? NULL : payload_indexes_find(in->indexes, &node->full);
    return leaf->index != NULL && leaf->index->ready && open_kind(leaf, in);
}

const struct words *filter_leaf_words(const struct filter_in *in,
                                      const struct filter_node *node)
{
    const struct words *bound =
        in->words == NULL ? NULL : in->words->items[node->texts.i];
    return bound == NULL ? &node->texts.words : bound;
}

/* ---- Places ---- */

/* From corner to corner, both in it, as parts of the world's width and height. */
struct box {
    uint32_t x0, y0, x1, y1;
};

/* Adds a run behind those there are; where there is no room left the last grows. */
static void add_cells(struct filter_leaf *leaf, uint64_t first, uint64_t last)
{
    struct filter_leaf_cells *end = &leaf->cells[leaf->n_runs];
    if (leaf->n_runs > 0 &&
        (end[-1].last + 1 == first || leaf->n_runs == FILTER_LEAF_CELLS - 1)) {
        end[-1].last = last;
        return;
    }
    *end = (struct filter_leaf_cells){first, last};
    leaf->n_runs++;
}

/* A square of the world, which is 2^32 wide and high; its side is 2^(32 - level). */
struct square {
    uint32_t x, y;
    uint64_t cell; /* the bits of both in turn */
    unsigned level;
};

/* The i-th quarter of a square. */
static struct square quarter(const struct square *of, unsigned i)
{
    unsigned shift = 31 - of->level;
    return (struct square){.x = of->x | (i & 1) << shift,
                           .y = of->y | (i >> 1) << shift,
                           .cell = of->cell | (uint64_t)i << (2 * shift),
                           .level = of->level + 1};
}

/* What of the square touches the box, in squares of the level `deepest` or whole ones
 * that are in it. */
static void cover(struct filter_leaf *leaf, const struct box *box,
                  const struct square *square, unsigned deepest)
{
    unsigned shift = 32 - square->level;
    uint32_t side = shift == 32 ? UINT32_MAX : (UINT32_C(1) << shift) - 1;
    uint32_t x1 = square->x + side, y1 = square->y + side;
    if (square->x > box->x1 || square->y > box->y1 || x1 < box->x0 || y1 < box->y0) {
        return;
    }
    bool inside =
        square->x >= box->x0 && square->y >= box->y0 && x1 <= box->x1 && y1 <= box->y1;
    if (inside || square->level == deepest) {
        uint64_t size = shift == 32 ? 0 : UINT64_C(1) << (2 * shift); /* 0: 2^64 */
        add_cells(leaf, square->cell, square->cell + size - 1);
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        struct square part = quarter(square, i);
        cover(leaf, box, &part, deepest);
    }
}

/* The x or y of a place that is one of `lat` or `lon` alone, out of its cell. */
static uint32_t side_of(struct geo_point p, unsigned bit)
{
    uint64_t cell = term_cell(p);
    uint32_t value = 0;
    for (unsigned i = 0; i < 32; i++) {
        value |= (uint32_t)(cell >> (2 * i + bit) & 1) << i;
    }
    return value;
}

/* How many squares of a level a side of the box touches, at most. */
static uint64_t n_touched(uint32_t from, uint32_t to, unsigned level)
{
    return ((uint64_t)(to - from) >> (32 - level)) + 2;
}

/* As fine as some hundred squares go: a narrow box is not covered by wide ones. */
static void cover_box(struct filter_leaf *leaf, struct geo_point south_west,
                      struct geo_point north_east)
{
    const struct square world = {.level = 0};
    struct box box = {side_of(south_west, 0), side_of(south_west, 1),
                      side_of(north_east, 0), side_of(north_east, 1)};
    unsigned level = 1;
    if (box.x0 > box.x1 || box.y0 > box.y1) {
        return; /* nothing is in it */
    }
    while (level < 32 && n_touched(box.x0, box.x1, level + 1) *
                                 n_touched(box.y0, box.y1, level + 1) <=
                             SQUARES_MAX) {
        level++;
    }
    cover(leaf, &box, &world, level);
}

/* One whose west is east of its east goes across the antimeridian. */
static void cover_area(struct filter_leaf *leaf, struct geo_point top_left,
                       struct geo_point bottom_right)
{
    struct geo_point south_west = {bottom_right.lat, top_left.lon};
    struct geo_point north_east = {top_left.lat, bottom_right.lon};
    if (top_left.lon <= bottom_right.lon) {
        cover_box(leaf, south_west, north_east);
        return;
    }
    cover_box(leaf, (struct geo_point){south_west.lat, -180}, north_east);
    cover_box(leaf, south_west, (struct geo_point){north_east.lat, 180});
}

/* Those past the poles or beyond 180 degrees are asked whatever the area. */
static void find_cells(struct filter_leaf *leaf)
{
    const struct filter_node *node = leaf->node;
    struct geo_point top_left, bottom_right;
    leaf->n_runs = 0;
    switch (node->kind) {
    case FILTER_GEO_BOX:
        top_left = node->box.top_left;
        bottom_right = node->box.bottom_right;
        break;
    case FILTER_GEO_RADIUS:
        geo_circle_box(node->circle.centre, node->circle.radius, &top_left,
                       &bottom_right);
        break;
    default:
        top_left = (struct geo_point){node->polygon.north_east.lat,
                                      node->polygon.south_west.lon};
        bottom_right = (struct geo_point){node->polygon.south_west.lat,
                                          node->polygon.north_east.lon};
        break;
    }
    cover_area(leaf, top_left, bottom_right);
    leaf->cells[leaf->n_runs++] = (struct filter_leaf_cells){UINT64_MAX, UINT64_MAX};
}

/* ---- Runs ---- */

/* What the values of a run begin with, from the first to the last. An empty `last` is
 * behind all. */
struct run {
    struct term first, last;
};

static int compare_terms(const struct term *a, const struct term *b)
{
    return memcmp(a->data, b->data, a->n < b->n ? a->n : b->n);
}

static void add_bound(struct run *run, const struct term *bound, unsigned allowed)
{
    bool more = (allowed & 4) != 0;
    if (more && (run->first.n == 0 || compare_terms(bound, &run->first) > 0)) {
        run->first = *bound;
    }
    if (!more && (run->last.n == 0 || compare_terms(bound, &run->last) < 0)) {
        run->last = *bound;
    }
}

static struct run run_of_bounds(const struct filter_node *node)
{
    struct run run = {.first = {.n = 0}};
    for (size_t i = 0; i < node->bounds.n; i++) {
        struct term bound = node->kind == FILTER_RANGE
                                ? term_of_any_number(node->bounds.numbers[i])
                                : term_of_time(node->bounds.times[i]);
        add_bound(&run, &bound, node->bounds.allowed[i]);
    }
    return run;
}

static struct run run_of_value(const struct filter_leaf *leaf, size_t i)
{
    const struct filter_values *values = &leaf->node->values;
    struct run run = {.first = {.n = 0}};
    bool whole;
    if (values->n_strings == 0) {
        run.first = term_of_number(values->numbers[i]);
    } else if (leaf->index->kind == DUET_INDEX_UUID) {
        (void)term_of_uuid(values->strings[i], &run.first);
    } else {
        run.first = term_of_string(values->strings[i], &whole);
    }
    run.last = run.first;
    return run;
}

static struct run run_of_word(const struct filter_leaf *leaf)
{
    const char *word = leaf->words->sorted[leaf->word];
    struct bytes text = {word, strlen(word)};
    struct run run;
    bool whole;
    run.first = leaf->words->how.tokenizer == WORDS_PREFIX
                    ? term_of_prefix(text, &whole)
                    : term_of_string(text, &whole);
    run.last = run.first;
    return run;
}

static struct run run_of(const struct filter_leaf *leaf, size_t i)
{
    struct run run;
    bool whole;
    switch (leaf->node->kind) {
    case FILTER_BOOL:
        run.first = run.last = term_of_bool(leaf->node->flag);
        return run;
    case FILTER_ANY:
        return run_of_value(leaf, i);
    case FILTER_PREFIX:
        run.first = run.last = term_of_prefix(leaf->node->text, &whole);
        return run;
    case FILTER_RANGE:
    case FILTER_TIME_RANGE:
        return run_of_bounds(leaf->node);
    case FILTER_TEXT:
    case FILTER_TEXT_ANY:
    case FILTER_PHRASE:
        return run_of_word(leaf);
    default:
        run.first = term_of_cell(leaf->cells[i].first);
        run.last = term_of_cell(leaf->cells[i].last);
        return run;
    }
}

/* ---- Rows ---- */

static bool is_past(const struct run *run, struct bytes value)
{
    size_t n = value.n < run->last.n ? value.n : run->last.n;
    return memcmp(value.data, run->last.data, n) > 0;
}

static bool passes(const struct filter_leaf *leaf, struct bytes value)
{
    switch (leaf->node->kind) {
    case FILTER_RANGE:
        return filter_number_passes(leaf->node, term_number(value));
    case FILTER_TIME_RANGE:
        return filter_time_passes(leaf->node, term_time(value));
    case FILTER_GEO_BOX:
    case FILTER_GEO_RADIUS:
    case FILTER_GEO_POLYGON:
        return filter_place_passes(leaf->node, term_place(value));
    default:
        return true;
    }
}

static enum err walk_run(const struct filter_leaf *leaf, struct index_walk *walk,
                         const struct run *run, size_t enough, struct id_set *out,
                         size_t *n)
{
    for (;;) {
        TRY(index_walk_next(walk));
        if (!walk->found || is_past(run, walk->value) || ++*n >= enough) {
            return ERR_OK;
        }
        if (out != NULL && passes(leaf, walk->value)) {
            TRY(id_set_add(out, walk->id));
        }
    }
}

enum err filter_leaf_find(const struct filter_leaf *leaf, const struct filter_in *in,
                          size_t enough, struct id_set *out, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < leaf->n_runs && *n < enough; i++) {
        struct run run = run_of(leaf, i);
        struct index_walk walk;
        const struct index_walk_options options = {
            .from = {run.first.data, run.first.n}};
        TRY(index_walk_open(&walk, in->txn, in->collection->number, leaf->index,
                            &options));
        ++*n;
        enum err result = walk_run(leaf, &walk, &run, enough, out, n);
        index_walk_close(&walk);
        TRY(result);
    }
    return ERR_OK;
}
