/*
 * eval.c - the program behind `make eval DATA=FOLDER`: recall of a model on pictures
 * with captions, through the C encoder alone.
 *
 *     build/tests/bench/eval DATA [MODEL]
 *
 * DATA holds manifest.jsonl, one line a picture and language: {"file", "source",
 * "lang", "captions": [...]} or, for a product without captions, {"title"}. Text->image
 * ranks the pictures of a source for each caption; a hit is the caption's own picture
 * or any with the same sentence. Image->text ranks the source's captions for each
 * picture; a hit is any of its own sentences, and where another picture has the same
 * one, the tie is a hit as well. With MODEL, another model's name or folder, the same
 * is done with that one and R@10 compared, which is how int8 is held against fp32.
 *
 * The bars are printed beside, reached or not; the exit status tells errors only.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "encoder/encoder.h"
#include "encoder/image.h"
#include "encoder/model_path.h"

enum {
    MANIFEST_BYTES_MAX = 256 << 20,
    GROUPS_MAX = 64,
    PATH_BYTES_MAX = 4096,
    N_DEPTHS = 3
};

static const size_t depths[N_DEPTHS] = {1, 5, 10};

/* Recall@10 of text->image that a model shipped with Duet should reach. */
static const struct {
    const char *source, *lang;
    double least;
} bars[] = {
    {"flickr8k", "en", 0.64},
    {"coco-2k", "en", 0.71},
    {"flickr8k", "zh", 0.50},
    {"eshop-101", "en", 0.55},
};

struct caption {
    char *text;     /* owned */
    size_t picture; /* its own */
    size_t group;
};

/* The captions of one source in one language. */
struct group {
    char *source, *lang; /* owned */
    size_t first, end;   /* of its captions */
    size_t n_pictures;
};

struct data {
    const char *folder;
    char **pictures; /* [n_pictures] file names, each once; owned */
    size_t n_pictures;
    struct caption
        *captions; /* [n_captions], by group, then text: equals are together */
    size_t n_captions;
    struct group groups[GROUPS_MAX];
    size_t n_groups;
};

/* Vectors of everything, by one model. */
struct vectors {
    size_t dim;
    float *pictures; /* [n_pictures, dim] */
    float *captions; /* [n_captions, dim] */
};

struct recall {
    double text_to_image[N_DEPTHS];
    double image_to_text[N_DEPTHS];
};

/* Reading the manifest. */

/* Room for one more item in arrays that double at each power of two. */
static enum err grow(void **items, size_t n, size_t size)
{
    if ((n & (n - 1)) != 0) {
        return ERR_OK;
    }
    void *more = alloc_resize(*items, n == 0 ? 1 : 2 * n, size);
    if (more == NULL) {
        return ERR_NOMEM;
    }
    *items = more;
    return ERR_OK;
}

static enum err duplicate(const char *text, char **out)
{
    *out = alloc_dup(text);
    return *out == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err find_group(struct data *data, const char *source, const char *lang,
                           size_t *out)
{
    for (*out = 0; *out < data->n_groups; (*out)++) {
        struct group *group = &data->groups[*out];
        if (strcmp(group->source, source) == 0 && strcmp(group->lang, lang) == 0) {
            return ERR_OK;
        }
    }
    FAIL_IF(data->n_groups == GROUPS_MAX, ERR_LIMIT, "more than %d sources",
            GROUPS_MAX);
    struct group *group = &data->groups[data->n_groups];
    TRY(duplicate(source, &group->source));
    TRY(duplicate(lang, &group->lang));
    data->n_groups++;
    return ERR_OK;
}

static enum err find_picture(struct data *data, const char *file, size_t *out)
{
    for (*out = 0; *out < data->n_pictures; (*out)++) {
        if (strcmp(data->pictures[*out], file) == 0) {
            return ERR_OK;
        }
    }
    TRY(grow((void **)&data->pictures, data->n_pictures, sizeof *data->pictures));
    TRY(duplicate(file, &data->pictures[data->n_pictures]));
    data->n_pictures++;
    return ERR_OK;
}

static enum err add_caption(struct data *data, const char *text, size_t picture,
                            size_t group)
{
    TRY(grow((void **)&data->captions, data->n_captions, sizeof *data->captions));
    struct caption *caption = &data->captions[data->n_captions];
    *caption = (struct caption){.picture = picture, .group = group};
    TRY(duplicate(text, &caption->text));
    data->n_captions++;
    return ERR_OK;
}

static enum err add_row(struct data *data, struct json_object *row)
{
    const char *file, *source, *lang, *title;
    size_t group, picture;
    TRY(json_get_string(row, "file", &file));
    TRY(json_get_string(row, "source", &source));
    TRY(json_get_string(row, "lang", &lang));
    struct json_object *captions = json_get(row, "captions");
    FAIL_IF(!json_object_is_type(captions, json_type_array), ERR_INVALID,
            "\"captions\" must be an array");
    TRY(find_group(data, source, lang, &group));
    TRY(find_picture(data, file, &picture));
    data->groups[group].n_pictures++;
    size_t n = json_object_array_length(captions);
    if (n == 0) {
        TRY(json_get_string(row, "title", &title));
        return add_caption(data, title, picture, group);
    }
    for (size_t i = 0; i < n; i++) {
        struct json_object *text = json_object_array_get_idx(captions, i);
        TRY(add_caption(data, json_object_get_string(text), picture, group));
    }
    return ERR_OK;
}

static enum err add_line(struct data *data, const char *line, size_t n)
{
    struct json_object *row;
    TRY(json_parse(&row, line, n));
    enum err result = add_row(data, row);
    json_object_put(row);
    return result;
}

static int compare_captions(const void *a, const void *b)
{
    const struct caption *x = a, *y = b;
    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    int order = strcmp(x->text, y->text);
    return order != 0 ? order : (x->picture > y->picture) - (x->picture < y->picture);
}

static void sort_captions(struct data *data)
{
    qsort(data->captions, data->n_captions, sizeof *data->captions, compare_captions);
    for (size_t i = data->n_captions; i-- > 0;) {
        data->groups[data->captions[i].group].first = i;
    }
    for (size_t i = 0; i < data->n_captions; i++) {
        data->groups[data->captions[i].group].end = i + 1;
    }
}

static enum err read_manifest(struct data *data)
{
    struct buf path, text;
    buf_init(&path, PATH_BYTES_MAX);
    buf_init(&text, MANIFEST_BYTES_MAX);
    enum err result;
    TRY_OUT(buf_printf(&path, "%s/manifest.jsonl", data->folder));
    TRY_OUT(file_read(path.data, &text));
    size_t line = 1;
    for (size_t i = 0; i < text.size; line++) {
        size_t n = strcspn(text.data + i, "\n");
        result = add_line(data, text.data + i, n);
        if (result != ERR_OK) {
            result = err_prefix(result, "%s line %zu", path.data, line);
            goto out;
        }
        i += n + 1;
    }
    sort_captions(data);
out:
    buf_release(&text);
    buf_release(&path);
    return result;
}

static void release_data(struct data *data)
{
    for (size_t i = 0; i < data->n_captions; i++) {
        alloc_free(data->captions[i].text);
    }
    for (size_t i = 0; i < data->n_pictures; i++) {
        alloc_free(data->pictures[i]);
    }
    for (size_t i = 0; i < data->n_groups; i++) {
        alloc_free(data->groups[i].source);
        alloc_free(data->groups[i].lang);
    }
    alloc_free(data->captions);
    alloc_free(data->pictures);
}

/* Encoding, on all cores: items are the pictures, then the captions. */

struct job {
    const struct data *data;
    struct enc *enc;
    struct vectors *vectors;
    atomic_size_t next;
    pthread_mutex_t lock; /* of the two below */
    enum err result;      /* the first failure; the others then stop */
    char detail[ERR_DETAIL_MAX];
};

static enum err encode_picture(const struct job *job, size_t i)
{
    struct buf path, bytes;
    struct img image = {0};
    buf_init(&path, PATH_BYTES_MAX);
    buf_init(&bytes, LIMIT_IMAGE_FILE_BYTES);
    enum err result;
    TRY_OUT(buf_printf(&path, "%s/%s", job->data->folder, job->data->pictures[i]));
    TRY_OUT(file_read(path.data, &bytes));
    result = img_decode(&image, bytes.data, bytes.size, NULL);
    if (result == ERR_OK) {
        float *vector = job->vectors->pictures + i * job->vectors->dim;
        result = enc_image(job->enc, &image, vector);
    }
    if (result != ERR_OK) {
        result = err_prefix(result, "%s", path.data);
    }
out:
    img_release(&image);
    buf_release(&bytes);
    buf_release(&path);
    return result;
}

static enum err encode_item(const struct job *job, size_t i)
{
    if (i < job->data->n_pictures) {
        return encode_picture(job, i);
    }
    i -= job->data->n_pictures;
    const char *text = job->data->captions[i].text;
    float *vector = job->vectors->captions + i * job->vectors->dim;
    return enc_text(job->enc, text, strlen(text), vector, NULL);
}

static void *encode_items(void *argument)
{
    struct job *job = argument;
    size_t n = job->data->n_pictures + job->data->n_captions;
    for (;;) {
        size_t i = atomic_fetch_add(&job->next, 1);
        if (i >= n) {
            return NULL;
        }
        if (i % 500 == 0) {
            fprintf(stderr, "\r%zu of %zu encoded", i, n);
        }
        enum err result = encode_item(job, i);
        if (result != ERR_OK) {
            pthread_mutex_lock(&job->lock);
            job->result = result;
            memcpy(job->detail, err_detail(), sizeof job->detail);
            pthread_mutex_unlock(&job->lock);
            atomic_store(&job->next, n);
        }
    }
}

static enum err encode_all(struct job *job)
{
    pthread_t threads[LIMIT_THREADS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n_threads = cores < 1 ? 1 : (size_t)cores;
    n_threads = n_threads > LIMIT_THREADS_MAX ? LIMIT_THREADS_MAX : n_threads;
    size_t started = 0;
    while (started < n_threads - 1 &&
           pthread_create(&threads[started], NULL, encode_items, job) == 0) {
        started++;
    }
    encode_items(job);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    fprintf(stderr, "\r                              \r");
    FAIL_IF(job->result != ERR_OK, job->result, "%s", job->detail);
    return ERR_OK;
}

static enum err alloc_vectors(const struct data *data, struct vectors *vectors)
{
    size_t bytes = vectors->dim * sizeof(float);
    vectors->pictures = alloc_array(data->n_pictures, bytes);
    vectors->captions = alloc_array(data->n_captions, bytes);
    return vectors->pictures == NULL || vectors->captions == NULL ? ERR_NOMEM : ERR_OK;
}

static void print_model(struct enc *enc, const struct data *data, double seconds)
{
    const struct enc_info *info = enc_info(enc);
    printf("model %s (%s), %zu numbers, %s\n", info->name, info->folder, info->dim,
           info->licence);
    printf("%zu pictures and %zu captions encoded in %.1f s\n", data->n_pictures,
           data->n_captions, seconds);
}

static enum err encode_with(const char *model, const struct data *data,
                            struct vectors *vectors)
{
    struct buf folder;
    struct enc *enc = NULL;
    buf_init(&folder, PATH_BYTES_MAX);
    enum err result;
    TRY_OUT(enc_find_model(model, &folder));
    TRY_OUT(enc_open(&enc, folder.data));
    vectors->dim = enc_info(enc)->dim;
    TRY_OUT(alloc_vectors(data, vectors));
    struct job job = {.data = data, .enc = enc, .vectors = vectors};
    pthread_mutex_init(&job.lock, NULL);
    uint64_t start = clock_monotonic_ns();
    result = encode_all(&job);
    pthread_mutex_destroy(&job.lock);
    if (result == ERR_OK) {
        print_model(enc, data, (double)(clock_monotonic_ns() - start) / 1e9);
    }
out:
    enc_close(enc);
    buf_release(&folder);
    return result;
}

static void release_vectors(struct vectors *vectors)
{
    alloc_free(vectors->pictures);
    alloc_free(vectors->captions);
}

/* Ranking. */

/* The pictures and captions of one group, and how alike each pair is. */
struct ranking {
    const struct data *data;
    const struct group *group;
    size_t *pictures; /* [n_pictures] places in data->pictures */
    size_t *columns;  /* [data->n_pictures] the inverse, for pictures of the group */
    size_t n_pictures, n_captions;
    float *scores; /* [n_captions, n_pictures] */
};

static float dot(const float *a, const float *b, size_t n)
{
    float sums[8] = {0}; /* independent, for the vector unit */
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t j = 0; j < 8; j++) {
            sums[j] += a[i + j] * b[i + j];
        }
    }
    for (; i < n; i++) {
        sums[0] += a[i] * b[i];
    }
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

static void release_ranking(struct ranking *r)
{
    alloc_free(r->pictures);
    alloc_free(r->columns);
    alloc_free(r->scores);
}

static enum err fill_ranking(struct ranking *r, const struct vectors *vectors)
{
    const struct caption *captions = r->data->captions + r->group->first;
    r->n_captions = r->group->end - r->group->first;
    r->pictures = alloc_array(r->data->n_pictures, sizeof *r->pictures);
    r->columns = alloc_array(r->data->n_pictures, sizeof *r->columns);
    if (r->pictures == NULL || r->columns == NULL) {
        return ERR_NOMEM;
    }
    memset(r->columns, 0xff, r->data->n_pictures * sizeof *r->columns);
    for (size_t i = 0; i < r->n_captions; i++) {
        size_t picture = captions[i].picture;
        if (r->columns[picture] == SIZE_MAX) {
            r->columns[picture] = r->n_pictures;
            r->pictures[r->n_pictures] = picture;
            r->n_pictures++;
        }
    }
    r->scores = alloc_array(r->n_captions, r->n_pictures * sizeof *r->scores);
    if (r->scores == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < r->n_captions; i++) {
        const float *text = vectors->captions + (r->group->first + i) * vectors->dim;
        for (size_t j = 0; j < r->n_pictures; j++) {
            r->scores[i * r->n_pictures + j] = dot(
                text, vectors->pictures + r->pictures[j] * vectors->dim, vectors->dim);
        }
    }
    return ERR_OK;
}

static void count_hit(double counts[N_DEPTHS], size_t rank)
{
    for (size_t d = 0; d < N_DEPTHS; d++) {
        counts[d] += rank < depths[d];
    }
}

/* The rank, from 0, of the best hit of caption `i`, whose sentence is that of all
 * captions [first, end). */
static size_t rank_of_picture(const struct ranking *r, size_t i, size_t first,
                              size_t end)
{
    const float *scores = r->scores + i * r->n_pictures;
    const struct caption *captions = r->data->captions + r->group->first;
    float best = -2.0f;
    for (size_t j = first; j < end; j++) {
        float score = scores[r->columns[captions[j].picture]];
        best = score > best ? score : best;
    }
    size_t rank = 0;
    for (size_t j = 0; j < r->n_pictures; j++) {
        rank += scores[j] > best;
    }
    return rank;
}

static void rank_pictures(const struct ranking *r, struct recall *recall)
{
    const struct caption *captions = r->data->captions + r->group->first;
    for (size_t first = 0, end; first < r->n_captions; first = end) {
        end = first + 1;
        while (end < r->n_captions &&
               strcmp(captions[end].text, captions[first].text) == 0) {
            end++;
        }
        for (size_t i = first; i < end; i++) {
            count_hit(recall->text_to_image, rank_of_picture(r, i, first, end));
        }
    }
}

static void rank_captions(const struct ranking *r, struct recall *recall)
{
    const struct caption *captions = r->data->captions + r->group->first;
    for (size_t j = 0; j < r->n_pictures; j++) {
        float best = -2.0f;
        size_t rank = 0;
        for (size_t i = 0; i < r->n_captions; i++) {
            float score = r->scores[i * r->n_pictures + j];
            bool own = captions[i].picture == r->pictures[j];
            best = own && score > best ? score : best;
        }
        for (size_t i = 0; i < r->n_captions; i++) {
            rank += r->scores[i * r->n_pictures + j] > best;
        }
        count_hit(recall->image_to_text, rank);
    }
}

static enum err measure_group(const struct data *data, const struct vectors *vectors,
                              const struct group *group, struct recall *recall)
{
    struct ranking r = {.data = data, .group = group};
    enum err result = fill_ranking(&r, vectors);
    *recall = (struct recall){0};
    if (result == ERR_OK) {
        rank_pictures(&r, recall);
        rank_captions(&r, recall);
        for (size_t d = 0; d < N_DEPTHS; d++) {
            recall->text_to_image[d] /= (double)r.n_captions;
            recall->image_to_text[d] /= (double)r.n_pictures;
        }
    }
    release_ranking(&r);
    return result;
}

static enum err measure_model(const char *model, const struct data *data,
                              struct recall recalls[GROUPS_MAX])
{
    struct vectors vectors = {0};
    enum err result = encode_with(model, data, &vectors);
    for (size_t i = 0; i < data->n_groups && result == ERR_OK; i++) {
        result = measure_group(data, &vectors, &data->groups[i], &recalls[i]);
    }
    release_vectors(&vectors);
    return result;
}

/* Printing. */

static void print_table(const struct data *data, const struct recall *recalls)
{
    printf("\n%-18s %-4s %8s %8s   %-17s   %-17s\n", "", "", "", "", "text->image",
           "image->text");
    printf("%-18s %-4s %8s %8s   R@1   R@5   R@10    R@1   R@5   R@10\n", "source",
           "lang", "pictures", "captions");
    for (size_t i = 0; i < data->n_groups; i++) {
        const struct group *g = &data->groups[i];
        const double *t = recalls[i].text_to_image, *p = recalls[i].image_to_text;
        printf("%-18s %-4s %8zu %8zu   %.3f %.3f %.3f   %.3f %.3f %.3f\n", g->source,
               g->lang, g->n_pictures, g->end - g->first, t[0], t[1], t[2], p[0], p[1],
               p[2]);
    }
}

static void print_bar(const struct group *group, const struct recall *recall,
                      double least)
{
    double text = recall->text_to_image[N_DEPTHS - 1];
    double image = recall->image_to_text[N_DEPTHS - 1];
    printf("%s %s: text->image R@10 %.3f, bar %.2f: %s\n", group->source, group->lang,
           text, least, text >= least ? "reached" : "not reached");
    printf("%s %s: image->text R@10 %.3f, no lower than text->image: %s\n",
           group->source, group->lang, image,
           image >= text ? "reached" : "not reached");
}

static void print_bars(const struct data *data, const struct recall *recalls)
{
    printf("\n");
    for (size_t b = 0; b < sizeof bars / sizeof bars[0]; b++) {
        for (size_t i = 0; i < data->n_groups; i++) {
            const struct group *group = &data->groups[i];
            if (strcmp(group->source, bars[b].source) == 0 &&
                strcmp(group->lang, bars[b].lang) == 0) {
                print_bar(group, &recalls[i], bars[b].least);
            }
        }
    }
}

static void print_difference(const struct data *data, const struct recall *ours,
                             const struct recall *theirs)
{
    enum { LAST = N_DEPTHS - 1 };
    printf("\nR@10 of the first model less that of the second (bar: 0.01 at most)\n");
    for (size_t i = 0; i < data->n_groups; i++) {
        printf("%-18s %-4s text->image %+.4f   image->text %+.4f\n",
               data->groups[i].source, data->groups[i].lang,
               ours[i].text_to_image[LAST] - theirs[i].text_to_image[LAST],
               ours[i].image_to_text[LAST] - theirs[i].image_to_text[LAST]);
    }
}

static enum err evaluate(struct data *data, const char *other)
{
    static struct recall ours[GROUPS_MAX], theirs[GROUPS_MAX];
    TRY(read_manifest(data));
    TRY(measure_model("default", data, ours));
    print_table(data, ours);
    print_bars(data, ours);
    if (other != NULL) {
        printf("\n");
        TRY(measure_model(other, data, theirs));
        print_table(data, theirs);
        print_difference(data, ours, theirs);
    }
    return ERR_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: eval DATA [MODEL]\n");
        return 2;
    }
    struct data data = {.folder = argv[1]};
    enum err result = evaluate(&data, argc > 2 ? argv[2] : NULL);
    release_data(&data);
    if (result != ERR_OK) {
        fprintf(stderr, "eval: %s\n", err_detail());
        return 1;
    }
    return 0;
}
