/*
 * filter_plan.c - see filter_plan.h.
 *
 * A `part` is whatever can name ids: a condition, a word of a text, several of which one
 * is enough. What parts can do is asked first (reach), without touching a row; then what
 * they cost (weigh), up to a bound; then their ids (collect). Measured on 200,000 points:
 * a row of an index takes some 50 ns, asking a filter of a point 1 us.
 */
#include "db/filter_plan.h"

#include <math.h>

#include "base/alloc.h"

enum {
    FIRST_ROWS = 256,  /* the first bound of the race, */
    RACE_FACTOR = 8,   /* and each next */
    ROWS_A_POINT = 16, /* so many rows cost as much as asking a filter of one point */
    SCAN_PERCENT =
        70, /* of all points to be asked: then walking over all is as cheap */
    ROWS_PERCENT = 400, /* of all points: so many rows are not worth an exact answer */
    ROWS_MIN = 1024     /* so few are always looked at */
};

enum reach {
    REACH_NOTHING, /* no index helps */
    REACH_MORE,    /* the ids of a superset */
    REACH_EXACT
};

enum part_kind { PART_NODE, PART_WORD, PART_GROUP };

struct part {
    enum part_kind kind;
    const struct filter_node *node;
    size_t word;
    const struct filter_group *group;
    bool partly; /* of a group: more than one is needed, so that one is not enough */
};

/* Parts that must all be met. */
struct parts {
    struct part *items; /* [n], owned */
    size_t n;
};

static struct part part_of(const struct filter_node *node)
{
    return (struct part){.kind = PART_NODE, .node = node};
}

static struct part part_of_word(const struct filter_node *node, size_t word)
{
    return (struct part){.kind = PART_WORD, .node = node, .word = word};
}

static bool has_words(const struct filter_node *node)
{
    return node->kind == FILTER_TEXT || node->kind == FILTER_TEXT_ANY ||
           node->kind == FILTER_PHRASE;
}

static size_t n_words(const struct filter_in *in, const struct filter_node *node)
{
    return filter_leaf_words(in, node)->n;
}

/* The must-parts of clauses: must, and should and min_should as a group each. */
static enum err list_clauses(struct parts *parts, const struct filter_clauses *c)
{
    parts->n = 0;
    parts->items = alloc_array(c->must.n + 2, sizeof *parts->items);
    if (parts->items == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < c->must.n; i++) {
        parts->items[parts->n++] = part_of(c->must.items[i]);
    }
    if (c->should.n > 0) {
        parts->items[parts->n++] =
            (struct part){.kind = PART_GROUP, .group = &c->should};
    }
    if (c->min_count > 0) {
        parts->items[parts->n++] = (struct part){
            .kind = PART_GROUP, .group = &c->min_should, .partly = c->min_count > 1};
    }
    return ERR_OK;
}

/* Each word of a text. */
static enum err list_words(struct parts *parts, const struct filter_in *in,
                           const struct filter_node *node)
{
    parts->n = 0;
    parts->items = alloc_array(n_words(in, node), sizeof *parts->items);
    if (parts->items == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n_words(in, node); i++) {
        parts->items[parts->n++] = part_of_word(node, i);
    }
    return ERR_OK;
}

/* ---- What a part can do ---- */

static enum reach reach(const struct filter_in *in, const struct part *part);

static enum reach worse(enum reach a, enum reach b)
{
    return a < b ? a : b;
}

static enum reach reach_leaf(const struct filter_in *in, const struct filter_node *node,
                             size_t word)
{
    struct filter_leaf leaf;
    if (!filter_leaf_open(&leaf, in, node, word)) {
        return REACH_NOTHING;
    }
    return leaf.exact ? REACH_EXACT : REACH_MORE;
}

static enum reach reach_group(const struct filter_in *in,
                              const struct filter_group *group)
{
    enum reach all = REACH_EXACT;
    for (size_t i = 0; i < group->n && all != REACH_NOTHING; i++) {
        struct part part = part_of(group->items[i]);
        all = worse(all, reach(in, &part));
    }
    return all;
}

/* All of them must be met: one that can be reached is enough for a superset. */
static void join(enum reach one, enum reach *all, bool *any)
{
    *any = *any || one != REACH_NOTHING;
    *all = worse(*all, one);
}

static enum reach reach_clauses(const struct filter_in *in,
                                const struct filter_clauses *c)
{
    enum reach all = REACH_EXACT;
    bool any = false;
    for (size_t i = 0; i < c->must.n; i++) {
        struct part part = part_of(c->must.items[i]);
        join(reach(in, &part), &all, &any);
    }
    if (c->should.n > 0) {
        join(reach_group(in, &c->should), &all, &any);
    }
    if (c->min_count > 0) {
        enum reach group = reach_group(in, &c->min_should);
        join(c->min_count > 1 ? worse(group, REACH_MORE) : group, &all, &any);
    }
    if (!any) {
        return REACH_NOTHING;
    }
    all = worse(all, reach_group(in, &c->must_not));
    return all == REACH_EXACT ? REACH_EXACT : REACH_MORE;
}

/* All words of a text have one index; that all must be in one value, or in an order, only
 * the payload tells. No words are in no text. */
static enum reach reach_words(const struct filter_in *in,
                              const struct filter_node *node)
{
    enum reach all = REACH_EXACT;
    size_t n = n_words(in, node);
    for (size_t i = 0; i < n; i++) {
        all = worse(all, reach_leaf(in, node, i));
    }
    bool exact = n <= 1 || node->kind == FILTER_TEXT_ANY;
    return exact ? all : worse(all, REACH_MORE);
}

static struct filter_in nested_of(const struct filter_in *in)
{
    struct filter_in nested = *in;
    nested.nested = true;
    return nested;
}

static enum reach reach_nested(const struct filter_in *in,
                               const struct filter_node *node)
{
    struct filter_in nested = nested_of(in);
    return reach_clauses(&nested, &node->nested->clauses);
}

static enum reach reach_node(const struct filter_in *in, const struct filter_node *node)
{
    switch (node->kind) {
    case FILTER_CLAUSES:
        return reach_clauses(in, &node->clauses);
    case FILTER_NESTED:
        return worse(reach_nested(in, node), REACH_MORE);
    case FILTER_HAS_ID:
        return in->nested ? REACH_NOTHING : REACH_EXACT;
    case FILTER_TEXT:
    case FILTER_TEXT_ANY:
    case FILTER_PHRASE:
        return reach_words(in, node);
    default:
        return reach_leaf(in, node, 0);
    }
}

static enum reach reach(const struct filter_in *in, const struct part *part)
{
    switch (part->kind) {
    case PART_NODE:
        return reach_node(in, part->node);
    case PART_WORD:
        return reach_leaf(in, part->node, part->word);
    default:
        return worse(reach_group(in, part->group),
                     part->partly ? REACH_MORE : REACH_EXACT);
    }
}

/* ---- What a part costs: rows, counted up to `enough` ---- */

static enum err weigh(const struct filter_in *in, const struct part *part,
                      size_t enough, size_t *n);

static enum err weigh_leaf(const struct filter_in *in, const struct filter_node *node,
                           size_t word, size_t enough, size_t *n)
{
    struct filter_leaf leaf;
    *n = enough;
    return filter_leaf_open(&leaf, in, node, word)
               ? filter_leaf_find(&leaf, in, enough, NULL, n)
               : ERR_OK;
}

/* The least of those that must all be met. */
static enum err weigh_least(const struct filter_in *in, const struct parts *parts,
                            size_t enough, size_t *n)
{
    *n = enough;
    for (size_t i = 0; i < parts->n; i++) {
        size_t one = enough;
        if (reach(in, &parts->items[i]) != REACH_NOTHING) {
            TRY(weigh(in, &parts->items[i], *n, &one));
        }
        *n = one < *n ? one : *n;
    }
    return ERR_OK;
}

/* The sum of those of which one is enough. */
static enum err weigh_group(const struct filter_in *in,
                            const struct filter_group *group, size_t enough, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < group->n && *n < enough; i++) {
        struct part part = part_of(group->items[i]);
        size_t one;
        TRY(weigh(in, &part, enough - *n, &one));
        *n += one;
    }
    return ERR_OK;
}

static enum err weigh_words(const struct filter_in *in, const struct filter_node *node,
                            size_t enough, size_t *n)
{
    bool any = node->kind == FILTER_TEXT_ANY;
    *n = any ? 0 : enough;
    for (size_t i = 0; i < n_words(in, node); i++) {
        size_t one;
        TRY(weigh_leaf(in, node, i, any ? enough - *n : *n, &one));
        *n = any ? *n + one : one < *n ? one : *n;
    }
    if (n_words(in, node) == 0) {
        *n = 0;
    }
    return ERR_OK;
}

static enum err weigh_clauses(const struct filter_in *in,
                              const struct filter_clauses *c, size_t enough, size_t *n)
{
    struct parts parts;
    TRY(list_clauses(&parts, c));
    enum err result = weigh_least(in, &parts, enough, n);
    alloc_free(parts.items);
    return result;
}

static enum err weigh_node(const struct filter_in *in, const struct filter_node *node,
                           size_t enough, size_t *n)
{
    struct filter_in nested;
    switch (node->kind) {
    case FILTER_CLAUSES:
        return weigh_clauses(in, &node->clauses, enough, n);
    case FILTER_NESTED:
        nested = nested_of(in);
        return weigh_clauses(&nested, &node->nested->clauses, enough, n);
    case FILTER_HAS_ID:
        *n = node->ids.n;
        return ERR_OK;
    default:
        return has_words(node) ? weigh_words(in, node, enough, n)
                               : weigh_leaf(in, node, 0, enough, n);
    }
}

static enum err weigh(const struct filter_in *in, const struct part *part,
                      size_t enough, size_t *n)
{
    switch (part->kind) {
    case PART_NODE:
        return weigh_node(in, part->node, enough, n);
    case PART_WORD:
        return weigh_leaf(in, part->node, part->word, enough, n);
    default:
        return weigh_group(in, part->group, enough, n);
    }
}

/* ---- Its ids ---- */

/* What was found; `indexed` false: more than `enough` rows. */
static enum err collect(const struct filter_in *in, const struct part *part,
                        size_t enough, struct filter_plan *out);

static enum err collect_leaf(const struct filter_in *in, const struct filter_node *node,
                             size_t word, size_t enough, struct filter_plan *out)
{
    struct filter_leaf leaf;
    size_t n;
    if (!filter_leaf_open(&leaf, in, node, word)) {
        return ERR_OK;
    }
    TRY(filter_leaf_find(&leaf, in, enough, &out->ids, &n));
    out->indexed = n < enough;
    out->exact = leaf.exact;
    out->present = true;
    return id_set_sort(&out->ids);
}

static enum err collect_ids(const struct filter_node *node, struct filter_plan *out)
{
    for (size_t i = 0; i < node->ids.n; i++) {
        TRY(id_set_add(&out->ids, node->ids.items[i]));
    }
    out->indexed = out->exact = true;
    out->present = false;
    return ERR_OK;
}

static enum err add_all(struct id_set *to, const struct id_set *from)
{
    for (size_t i = 0; i < id_set_size(from); i++) {
        TRY(id_set_add(to, id_set_get(from, i)));
    }
    return ERR_OK;
}

/* Those of all parts together, of which one is enough. */
static enum err collect_any(const struct filter_in *in, const struct parts *parts,
                            size_t enough, struct filter_plan *out)
{
    out->indexed = out->exact = out->present = true;
    for (size_t i = 0; i < parts->n && out->indexed; i++) {
        struct filter_plan one = {.ids = ID_SET_EMPTY};
        size_t left = enough - id_set_size(&out->ids);
        enum err result = collect(in, &parts->items[i], left, &one);
        if (result == ERR_OK && one.indexed) {
            result = add_all(&out->ids, &one.ids);
        }
        out->indexed = one.indexed && id_set_size(&out->ids) < enough;
        out->exact = out->exact && one.exact;
        out->present = out->present && one.present;
        filter_plan_release(&one);
        TRY(result);
    }
    return id_set_sort(&out->ids);
}

static enum err collect_group(const struct filter_in *in, const struct part *part,
                              size_t enough, struct filter_plan *out)
{
    struct parts parts = {.n = 0};
    parts.items = alloc_array(part->group->n, sizeof *parts.items);
    if (parts.items == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < part->group->n; i++) {
        parts.items[parts.n++] = part_of(part->group->items[i]);
    }
    enum err result = collect_any(in, &parts, enough, out);
    out->exact = out->exact && !part->partly;
    alloc_free(parts.items);
    return result;
}

/* The part with the fewest rows: all are counted up to a bound, which rises until one
 * has fewer; *found is false where none has fewer than `enough`. */
static enum err race(const struct filter_in *in, const struct parts *parts,
                     size_t enough, size_t *best, bool *found)
{
    size_t n_reached = 0;
    *found = false;
    for (size_t i = 0; i < parts->n; i++) {
        if (reach(in, &parts->items[i]) != REACH_NOTHING) {
            *best = i;
            n_reached++;
        }
    }
    *found = n_reached == 1; /* collecting it counts it */
    for (size_t bound = FIRST_ROWS; n_reached > 1 && !*found; bound *= RACE_FACTOR) {
        size_t least = bound < enough ? bound : enough;
        for (size_t i = 0; i < parts->n; i++) {
            size_t n = least;
            if (reach(in, &parts->items[i]) != REACH_NOTHING) {
                TRY(weigh(in, &parts->items[i], least, &n));
            }
            *best = n < least ? i : *best;
            *found = *found || n < least;
            least = n;
        }
        if (bound >= enough) {
            break;
        }
    }
    return ERR_OK;
}

/* Keeps of `out` what the part has, or has not, if it has not many times as many rows;
 * else the filter must be asked. */
static enum err narrow(const struct filter_in *in, const struct part *part, bool has,
                       struct filter_plan *out)
{
    enum reach can = reach(in, part);
    size_t enough = ROWS_A_POINT * id_set_size(&out->ids) + ROWS_MIN;
    struct filter_plan one = {.ids = ID_SET_EMPTY};
    if (can == REACH_NOTHING || (!has && can != REACH_EXACT)) {
        out->exact = false;
        return ERR_OK;
    }
    enum err result = collect(in, part, enough, &one);
    if (result == ERR_OK && one.indexed && (has || one.exact)) {
        id_set_filter(&out->ids, &one.ids, has);
        out->present = out->present || (has && one.present);
        out->exact = out->exact && one.exact;
    } else {
        out->exact = false;
    }
    filter_plan_release(&one);
    return result;
}

/* Those that all parts have. */
static enum err collect_all(const struct filter_in *in, const struct parts *parts,
                            size_t enough, struct filter_plan *out)
{
    size_t best = 0;
    bool found;
    TRY(race(in, parts, enough, &best, &found));
    if (!found) {
        return ERR_OK;
    }
    TRY(collect(in, &parts->items[best], enough, out));
    for (size_t i = 0; i < parts->n && out->indexed; i++) {
        if (i != best && id_set_size(&out->ids) > 0) {
            TRY(narrow(in, &parts->items[i], true, out));
        }
    }
    return ERR_OK;
}

static enum err collect_clauses(const struct filter_in *in,
                                const struct filter_clauses *c, size_t enough,
                                struct filter_plan *out)
{
    struct parts parts;
    TRY(list_clauses(&parts, c));
    enum err result = collect_all(in, &parts, enough, out);
    size_t n_not = in->nested ? 0 : c->must_not.n; /* another element may have it */
    for (size_t i = 0; result == ERR_OK && out->indexed && i < n_not; i++) {
        struct part part = part_of(c->must_not.items[i]);
        result = narrow(in, &part, false, out);
    }
    alloc_free(parts.items);
    return result;
}

static enum err collect_words(const struct filter_in *in,
                              const struct filter_node *node, size_t enough,
                              struct filter_plan *out)
{
    struct parts parts;
    TRY(list_words(&parts, in, node));
    enum err result = ERR_OK;
    if (parts.n == 0) {
        out->indexed = out->exact = out->present = true;
    } else if (node->kind == FILTER_TEXT_ANY) {
        result = collect_any(in, &parts, enough, out);
    } else {
        result = collect_all(in, &parts, enough, out);
        out->exact = out->exact && parts.n == 1;
    }
    alloc_free(parts.items);
    return result;
}

static enum err collect_node(const struct filter_in *in, const struct filter_node *node,
                             size_t enough, struct filter_plan *out)
{
    enum err result;
    struct filter_in nested;
    switch (node->kind) {
    case FILTER_CLAUSES:
        return collect_clauses(in, &node->clauses, enough, out);
    case FILTER_NESTED:
        nested = nested_of(in);
        result = collect_clauses(&nested, &node->nested->clauses, enough, out);
        out->exact = false;
        return result;
    case FILTER_HAS_ID:
        return collect_ids(node, out);
    default:
        return has_words(node) ? collect_words(in, node, enough, out)
                               : collect_leaf(in, node, 0, enough, out);
    }
}

static enum err collect(const struct filter_in *in, const struct part *part,
                        size_t enough, struct filter_plan *out)
{
    switch (part->kind) {
    case PART_NODE:
        return collect_node(in, part->node, enough, out);
    case PART_WORD:
        return collect_leaf(in, part->node, part->word, enough, out);
    default:
        return collect_group(in, part, enough, out);
    }
}

/* ---- All of it ---- */

/*
 * The most rows that are worth it. Asking all that come out costs as much as a walk over
 * all points where they are most of them; an exact answer needs no asking. A walk that
 * ends after n_wanted of the m points that pass asks n_wanted * n_points / m, and an
 * index costs its m rows whatever is wanted: the two are alike where m * m is
 * ROWS_A_POINT * n_wanted * n_points.
 */
static size_t rows_worth(const struct filter_in *in, enum reach can, size_t n_wanted)
{
    double n_points = (double)in->collection->n_points;
    double most = n_points * (can == REACH_EXACT ? ROWS_PERCENT : SCAN_PERCENT) / 100;
    if (n_wanted != FILTER_PLAN_ALL) {
        most = fmin(most, sqrt((double)ROWS_A_POINT * (double)n_wanted * n_points));
    }
    return (size_t)fmax(most, ROWS_MIN);
}

enum err filter_plan_make(struct filter_plan *plan, const struct filter_in *in,
                          const struct filter *filter, size_t n_wanted)
{
    struct part root = part_of(filter->root);
    *plan = (struct filter_plan){.ids = ID_SET_EMPTY};
    enum reach can = reach(in, &root);
    if (can == REACH_NOTHING) {
        return ERR_OK;
    }
    enum err result = collect(in, &root, rows_worth(in, can, n_wanted), plan);
    if (result != ERR_OK || !plan->indexed) {
        filter_plan_release(plan);
    }
    return result;
}

void filter_plan_release(struct filter_plan *plan)
{
    id_set_release(&plan->ids);
    *plan = (struct filter_plan){.ids = ID_SET_EMPTY};
}
